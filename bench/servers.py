"""The servers under test: how each one is started, told who talks with whom, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import build, dataset
from bench.dataset import Dataset, DatasetFiles
from bench.machine import pinned

SERVER_CORE = 0
START_S = 30.0
STOP_S = 20.0


class ServerFailedError(Exception):
    """A server did not start, refused its data or ended early; the message holds the end of its log."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    pid: int
    port: int

    def metric(self, name: str) -> float:
        """A figure of the server's own, from `/metrics`. Raises KeyError where there is none."""
        lines = httpx.get(f"http://127.0.0.1:{self.port}/metrics").text.splitlines()
        return {key: float(value) for key, _, value in (line.partition(" ") for line in lines if line[:1] != "#")}[name]


@dataclass(frozen=True)
class Entrant:
    """One server in one configuration. `family` is what `--servers` chooses by."""

    name: str
    family: str
    command: Callable[[int, Path, DatasetFiles], list[str]]
    prepare: Callable[[Running, Dataset], None] = lambda _running, _data: None

    @contextmanager
    def running(self, folder: Path, data: Dataset, files: DatasetFiles) -> Iterator[Running]:
        """A fresh server on its own core, with an empty store in `folder` and then the conversations of `data`."""
        port = _free_port()
        log = folder / "server.log"
        environment = os.environ | {"JWT_SECRET": dataset.SECRET, "TALKWIRE_RATE_LIMITS": "off"}
        with log.open("wb") as output, pinned(SERVER_CORE):
            process = subprocess.Popen(
                self.command(port, folder, files), env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            _await_health(process, port)
            server = Running(process.pid, port)
            self.prepare(server, data)
            yield server
        except Exception as error:
            raise ServerFailedError(f"{self.name}: {error}\n{_end_of(log)}") from error
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _await_health(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailedError(f"ended with status {process.returncode} before it answered")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)  # nothing tells another process that a port is open
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


def _talkwire_command(port: int, folder: Path, _: DatasetFiles) -> list[str]:
    program = Path(sys.executable).with_name("talkwire")
    return [str(program), "serve", "--host", "127.0.0.1", "--port", str(port), "--data", str(folder / "talkwire-data")]


def _create_conversations(server: Running, data: Dataset) -> None:
    """As an application's backend does it: role `service` names the members, and unknown users are created."""
    headers = {"Authorization": f"Bearer {dataset.token('bench-backend', 'service')}"}
    base = f"http://127.0.0.1:{server.port}/api/v1"
    with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
        for conversation_id, members in data.conversations.items():
            body = {"kind": "group", "id": conversation_id, "name": conversation_id, "memberIds": members}
            answer = client.post("/conversations", json=body)
            if not answer.is_success:
                raise ServerFailedError(f"POST conversations: {answer.status_code} {answer.text[:500]}")


# ---- the peers


def _node_command(*, synchronous: str | None = None) -> Callable[[int, Path, DatasetFiles], list[str]]:
    def command(port: int, folder: Path, files: DatasetFiles) -> list[str]:
        program = str(build.NODE_PEER / "server.js")
        base = ["node", program, "--port", str(port), "--conversations", str(files.conversations)]
        if synchronous is None:
            return base
        return [*base, "--database", str(folder / "node.db"), "--synchronous", synchronous]

    return command


def _python_command(port: int, _: Path, files: DatasetFiles) -> list[str]:
    program = str(build.PYTHON_PEER / "server.py")
    return [sys.executable, program, "--port", str(port), "--conversations", str(files.conversations)]


TALKWIRE = Entrant("talkwire", "talkwire", _talkwire_command, _create_conversations)
NODE = Entrant("node", "node", _node_command())
NODE_FULL = Entrant("node-full", "node", _node_command(synchronous="FULL"))
NODE_NORMAL = Entrant("node-normal", "node", _node_command(synchronous="NORMAL"))
PYTHON = Entrant("python", "python", _python_command)

FAMILIES = ("talkwire", "node", "python")
