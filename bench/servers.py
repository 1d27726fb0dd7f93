"""Starts the servers that the benchmark compares, creates their users and conversations, and stops them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from bench import build, dataset
from bench.backing import SERVER_CORE, PostgreSQL, Valkey, running_postgresql, running_valkey
from bench.dataset import Dataset, DatasetFiles
from bench.machine import free_port, pinned

START_S = 60.0
STOP_S = 20.0


class ServerFailedError(Exception):
    """Raised if a server does not start, refuses its data or ends early; the message contains the end of its log."""


@dataclass(frozen=True)
class Process:
    """A process whose processor time is measured, together with its children: a server, or a database that
    servers use.
    """

    name: str
    pid: int


@dataclass(frozen=True)
class Running:
    """The running servers of one configuration: a single node, or the nodes of one cluster."""

    ports: tuple[int, ...]
    processes: tuple[Process, ...]
    valkey: Valkey | None = None

    @property
    def port(self) -> int:
        """The TCP port of the first node."""
        return self.ports[0]

    def metric(self, name: str, node: int = 0) -> float:
        """Returns the value of one of a node's Prometheus metrics. Raises KeyError for an unknown metric."""
        lines = httpx.get(f"http://127.0.0.1:{self.ports[node]}/metrics", timeout=START_S).text.splitlines()
        samples = (line.rpartition(" ") for line in lines if line[:1] != "#")
        return {key: float(value) for key, _, value in samples}[name]


@dataclass(frozen=True)
class Place:
    """The environment of one node: its port, its data folder, the scenario's files, and the PostgreSQL and Valkey that
    nodes share (None if not used).
    """

    port: int
    folder: Path
    files: DatasetFiles
    postgresql: PostgreSQL | None
    valkey: Valkey | None


@dataclass(frozen=True)
class Entrant:
    """A server in one configuration, such as Talkwire with PostgreSQL. `--servers` selects configurations by `family`.

    `command` returns the command line of a node. `prepare` creates the users and conversations.
    """

    name: str
    family: str
    command: Callable[[Place], list[str]]
    prepare: Callable[[Running, Dataset], None] = lambda _running, _data: None
    nodes: int = 1
    on_postgresql: bool = False
    on_valkey: bool = False

    @contextmanager
    def running(self, folder: Path, data: Dataset, files: DatasetFiles) -> Iterator[Running]:
        """Runs new servers with an empty database in `folder` until the block ends, and creates the conversations of
        `data`.
        """
        with ExitStack() as stack:
            postgresql = stack.enter_context(running_postgresql(folder)) if self.on_postgresql else None
            valkey = stack.enter_context(running_valkey(folder)) if self.on_valkey else None
            places = []
            processes = []
            for number in range(1, self.nodes + 1):
                place = Place(free_port(), folder / f"node-{number}", files, postgresql, valkey)
                places.append(place)
                processes.append(Process(f"node-{number}", stack.enter_context(self._running_node(place))))
            processes += [Process("postgresql", postgresql.pid)] if postgresql else []
            processes += [Process("valkey", valkey.pid)] if valkey else []
            server = Running(tuple(place.port for place in places), tuple(processes), valkey)
            try:
                self.prepare(server, data)
                yield server
            except Exception as error:
                logs = "\n".join(_end_of(place.folder / "server.log") for place in places)
                raise ServerFailedError(f"{self.name}: {error}\n{logs}") from error

    @contextmanager
    def _running_node(self, place: Place) -> Iterator[int]:
        """Runs one node until the block ends, and yields its process id once it accepts requests."""
        place.folder.mkdir(exist_ok=True)
        log = place.folder / "server.log"
        environment = os.environ | {"JWT_SECRET": dataset.SECRET, "TALKWIRE_RATE_LIMITS": "off"}
        with log.open("wb") as output, pinned(SERVER_CORE):
            process = subprocess.Popen(self.command(place), env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            try:
                _await_health(process, place.port)
            except ServerFailedError as error:
                raise ServerFailedError(f"{self.name}: {error}\n{_end_of(log)}") from error
            yield process.pid
        finally:
            _stop(process)


def _await_health(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailedError(f"ended with status {process.returncode} before it answered")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)  # no notification exists for an open port
    raise ServerFailedError(f"did not answer /healthz within {START_S:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_of(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


# ---- Talkwire


def _talkwire_command(place: Place) -> list[str]:
    return [str(Path(sys.executable).with_name("talkwire")), *talkwire_arguments(place)]


def _talkwire_with_webhooks(place: Place) -> list[str]:
    """Returns the command line of a Talkwire server that may send webhooks to 127.0.0.1."""
    return [*_talkwire_command(place), "--webhook-allow", "127.0.0.1"]


def _talkwire_with_streams(place: Place) -> list[str]:
    """Returns the command line of a Talkwire server at which everybody may write as many streams as an agent."""
    return [*_talkwire_command(place), "--streams", "everyone", "--open-streams", "500"]


USERS_A_REQUEST = 100


def talkwire_arguments(place: Place) -> list[str]:
    """Returns the command line arguments of `talkwire` that start a node."""
    data = str(place.folder / "talkwire-data")
    arguments = ["serve", "--host", "127.0.0.1", "--port", str(place.port), "--data", data]
    arguments += ["--database", place.postgresql.url] if place.postgresql else []
    arguments += ["--redis", place.valkey.url] if place.valkey else []
    return arguments


def _create_conversations(server: Running, data: Dataset) -> None:
    """Creates the users and conversations of a scenario in Talkwire over REST, as an application's back end with role
    `service`.

    The users get the names in their tokens. Otherwise the first connect would store the name, in a commit that no other
    server makes.
    """
    headers = {"Authorization": f"Bearer {dataset.token('bench-backend', 'service')}"}
    base = f"http://127.0.0.1:{server.port}/api/v1"
    users = [{"id": user, "name": dataset.name(user)} for user in data.users]
    with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
        for start in range(0, len(users), USERS_A_REQUEST):
            _post(client, "/users/batch", {"users": users[start : start + USERS_A_REQUEST]})
        for conversation_id, members in data.conversations.items():
            body = {"kind": "group", "id": conversation_id, "name": conversation_id, "memberIds": members}
            _post(client, "/conversations", body)


def _post(client: httpx.Client, path: str, body: object) -> None:
    answer = client.post(path, json=body)
    if not answer.is_success:
        raise ServerFailedError(f"POST {path}: {answer.status_code} {answer.text[:500]}")


# ---- the peers


def _node_command(*more: str, synchronous: str | None = None) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        program = str(build.NODE_PEER / "server.js")
        command = ["node", program, "--port", str(place.port), "--conversations", str(place.files.conversations)]
        command += more
        if synchronous is not None:
            command += ["--sqlite", str(place.folder / "node.db"), "--synchronous", synchronous]
        command += ["--postgresql", str(place.postgresql.sockets)] if place.postgresql else []
        command += ["--redis", place.valkey.url] if place.valkey else []
        return command

    return command


def _bun_command(synchronous: str | None = None) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        program = [str(build.bun_program()), str(build.BUN_PEER / "server.js")]
        command = [*program, "--port", str(place.port), "--conversations", str(place.files.conversations)]
        if synchronous is not None:
            command += ["--sqlite", str(place.folder / "bun.db"), "--synchronous", synchronous]
        return command

    return command


def _python_command(place: Place) -> list[str]:
    program = str(build.PYTHON_PEER / "server.py")
    command = [sys.executable, program, "--port", str(place.port), "--conversations", str(place.files.conversations)]
    command += ["--redis", place.valkey.url] if place.valkey else []
    return command


TALKWIRE = Entrant("talkwire", "talkwire", _talkwire_command, _create_conversations)
TALKWIRE_WEBHOOKS = replace(TALKWIRE, name="talkwire-webhooks", command=_talkwire_with_webhooks)
TALKWIRE_STREAMS = replace(TALKWIRE, name="talkwire-streams", command=_talkwire_with_streams)
TALKWIRE_POSTGRESQL = replace(TALKWIRE, name="talkwire-postgresql", on_postgresql=True)
TALKWIRE_NODES = replace(TALKWIRE_POSTGRESQL, name="talkwire-two-nodes", nodes=2, on_valkey=True)
NODE = Entrant("node", "node", _node_command())
NODE_FULL = Entrant("node-full", "node", _node_command(synchronous="FULL"))
NODE_NORMAL = Entrant("node-normal", "node", _node_command(synchronous="NORMAL"))
NODE_POSTGRESQL = Entrant("node-postgresql", "node", _node_command(), on_postgresql=True)
NODE_PIPELINED = Entrant("node-pipelined", "node", _node_command("--pipeline"), on_postgresql=True)
NODE_NODES = Entrant("node-two-nodes", "node", _node_command(), nodes=2, on_valkey=True)
BUN = Entrant("bun", "bun", _bun_command())
BUN_FULL = Entrant("bun-full", "bun", _bun_command("FULL"))
BUN_NORMAL = Entrant("bun-normal", "bun", _bun_command("NORMAL"))
PYTHON = Entrant("python", "python", _python_command)
PYTHON_NODES = Entrant("python-two-nodes", "python", _python_command, nodes=2, on_valkey=True)

FAMILIES = ("talkwire", "node", "bun", "python")
