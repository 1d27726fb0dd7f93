"""Starts the servers that the benchmark compares, creates their users and conversations, and stops them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import dataset
from bench.backing import SERVER_CORE, PostgreSQL, Valkey, running_postgresql, running_valkey
from bench.dataset import Dataset, DatasetFiles
from bench.machine import free_port, pinned

# What clients speak to a server.
SOCKETIO = "socketio"
XMPP = "xmpp"
MATRIX = "matrix"
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
    protocol: str = SOCKETIO

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


def _is_healthy(port: int) -> bool:
    """Returns whether a server answers `/healthz` with success."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Entrant:
    """A server in one configuration, such as Talkwire with PostgreSQL. `--servers` selects configurations by `family`.

    `command` returns the command line of a node, and `is_up` whether the node at a port accepts requests. `prepare`
    creates the users and conversations. `write_files` writes the files of clients that speak `protocol`.
    The turns of a slow server last `turn_length` times as long as those of others.
    """

    name: str
    family: str
    command: Callable[[Place], list[str]]
    prepare: Callable[[Running, Dataset], None] = lambda _running, _data: None
    nodes: int = 1
    on_postgresql: bool = False
    on_valkey: bool = False
    is_up: Callable[[int], bool] = _is_healthy
    protocol: str = SOCKETIO
    turn_length: int = 1
    write_files: Callable[[Dataset, Path], DatasetFiles] = Dataset.write

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
            server = Running(tuple(place.port for place in places), tuple(processes), valkey, self.protocol)
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
                _await_start(process, lambda: self.is_up(place.port))
            except ServerFailedError as error:
                raise ServerFailedError(f"{self.name}: {error}\n{_end_of(log)}") from error
            yield process.pid
        finally:
            _stop(process)


def _await_start(process: subprocess.Popen[bytes], is_up: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailedError(f"ended with status {process.returncode} before it answered")
        if is_up():
            return
        time.sleep(0.05)  # no notification exists for an open port
    raise ServerFailedError(f"did not accept requests within {START_S:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_of(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
