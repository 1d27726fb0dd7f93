"""Starts a server as a process of its own on a port reserved for it, and ends exactly that process."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.forked_talkwire import Process, Streams, start_python
from tests.waiting import DEADLINE_S, wait_until

REPOSITORY = Path(__file__).parents[2]
START_DEADLINE_S = 120.0


_reserved: list[socket.socket] = []


def reserved_port() -> int:
    """Returns a port on which a server that a test starts can listen, again and again, and nobody else can.

    This process keeps a socket bound to the port, so neither the system nor another test process chooses it. The socket
    does not listen: while no server does, connections are refused. It lets others share the address, as servers do
    with SO_REUSEADDR, only once it is bound, so that two reservations never meet.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    if sys.platform == "linux":
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _reserved.append(holder)
    port: int = holder.getsockname()[1]
    if sys.platform != "linux":  # where two sockets cannot be bound to one port: somebody else may take it
        holder.close()
    return port


def example_command(example: str, override: str | None) -> list[str]:
    """Our own example, or the command line in `override`; both take the port as last argument."""
    if override:
        return shlex.split(override)
    script = REPOSITORY / "examples" / example
    if not script.exists():
        raise FileNotFoundError(f"there is no server to test: {script} is missing")
    return [sys.executable, str(script)]


@contextmanager
def running(command: list[str], port: int) -> Iterator[str]:
    """Yields the base URL of `command PORT` once the port accepts; kills the process afterwards."""
    with killed_at_the_end(_start([*command, str(port)]), port) as url:
        yield url


def _start(command: list[str]) -> Process:
    program, *arguments = command
    if program != sys.executable:
        return subprocess.Popen(command, cwd=REPOSITORY)
    with Path(os.devnull).open("rb") as nothing, os.fdopen(os.dup(1), "wb") as output:
        return start_python(arguments, Streams(nothing, output, output), os.environ, REPOSITORY)


@contextmanager
def killed_at_the_end(process: Process, port: int) -> Iterator[str]:
    """Yields the base URL of a server that was started, once the port accepts; kills the process afterwards."""
    try:
        _wait_until_accepting(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(DEADLINE_S)


def _wait_until_accepting(process: Process, port: int) -> None:
    def accepts() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    wait_until(accepts, within_s=START_DEADLINE_S)
