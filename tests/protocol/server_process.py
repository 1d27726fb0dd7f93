"""Starts a server as a process of its own on a free port, and ends exactly that process."""

from __future__ import annotations

import os
import secrets
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.forked_talkwire import Process, Streams, start_python

REPOSITORY = Path(__file__).parents[2]
START_DEADLINE_S = 120.0
STOP_DEADLINE_S = 60.0


_PORTS = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections, so that none of these takes a port which a server is about
to listen on."""


def free_port() -> int:
    """Returns a free port. Tests of other processes choose others at random."""
    while True:
        port = secrets.choice(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
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
        process.wait(STOP_DEADLINE_S)


def _wait_until_accepting(process: Process, port: int) -> None:
    # A process does not report that it listens, so the test polls.
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"nothing listened on port {port} within {START_DEADLINE_S} s")
