"""The servers under test: our two examples, each a process of its own, or what the environment names.

TALKWIRE_TEST_SOCKET_URL and TALKWIRE_TEST_ENGINE_URL (such as http://127.0.0.1:3000) name servers that run
already and behave as the examples do. TALKWIRE_TEST_SOCKET_COMMAND and TALKWIRE_TEST_ENGINE_COMMAND are
command lines to start instead of our examples; a port is appended.

Our examples are tested twice: as they are, and behind a node that passes on to them all that comes for a session.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.protocol.patient_server import HASTY, PATIENT, Times, at_times
from tests.protocol.raw_client import Server, server_at
from tests.protocol.server_process import example_command, reserved_port, running

NAMED = "named"
PASSED = "passed on"
FORWARDING = Path(__file__).with_name("forwarding_server.py")


@dataclass(frozen=True)
class Example:
    """One of our examples, and what replaces it: a server that runs already, or a command line."""

    script: str
    url: str | None
    command: str | None

    def ways(self) -> list[str]:
        """Returns the ways in which the server is tested."""
        return ["direct", PASSED] if self.url is None and self.command is None else [NAMED]

    @contextmanager
    def serving(self, way: str, times: Times | None = None) -> Iterator[str]:
        """Yields the URL of the server. `times` replace those of the example; a replacement keeps its own."""
        if self.url is not None:
            yield self.url.rstrip("/")
            return
        command = self._command(way)
        if times is not None and way != NAMED:
            command = at_times(times, command)
        with running(command, reserved_port()) as url:
            yield url

    def _command(self, way: str) -> list[str]:
        if way == PASSED:
            return [sys.executable, str(FORWARDING), self.script]
        return example_command(self.script, self.command)


def _example(script: str, kind: str) -> Example:
    given = os.environ.get
    return Example(script, given(f"TALKWIRE_TEST_{kind}_URL"), given(f"TALKWIRE_TEST_{kind}_COMMAND"))


ENGINE = _example("engine_echo.py", "ENGINE")
SOCKET = _example("echo.py", "SOCKET")


@pytest.fixture(scope="session", params=ENGINE.ways())
def engine_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with ENGINE.serving(request.param) as url:
        yield url


@pytest.fixture(scope="session", params=ENGINE.ways())
def patient_engine_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with ENGINE.serving(request.param, PATIENT) as url:
        yield url


@pytest.fixture(scope="session", params=SOCKET.ways())
def socket_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with SOCKET.serving(request.param) as url:
        yield url


@pytest.fixture(scope="session", params=SOCKET.ways())
def patient_socket_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with SOCKET.serving(request.param, PATIENT) as url:
        yield url


@pytest.fixture(scope="session", params=SOCKET.ways())
def hasty_socket_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with SOCKET.serving(request.param, HASTY) as url:
        yield url


@pytest.fixture
def at_its_own_node(engine_url: str, request: pytest.FixtureRequest) -> None:
    """Skips tests of behaviour that differs on a forwarding node."""
    if request.node.callspec.params.get("engine_url") == PASSED:
        pytest.skip("a body is gathered before it is passed on, so that its session does not see half of it")


@pytest.fixture
async def engine(patient_engine_url: str) -> AsyncIterator[Server]:
    """The Engine.IO server that echoes each message. Its times disturb no test, also on a busy machine."""
    async with server_at(patient_engine_url, "/engine.io/") as server:
        yield server


@pytest.fixture
async def pinging_engine(engine_url: str) -> AsyncIterator[Server]:
    """The Engine.IO server that echoes each message, with the example's heartbeat, which is over in half a second."""
    async with server_at(engine_url, "/engine.io/") as server:
        yield server


@pytest.fixture
async def server(patient_socket_url: str) -> AsyncIterator[Server]:
    """The Socket.IO server that echoes each event. Its times disturb no test, also on a busy machine."""
    async with server_at(patient_socket_url, "/socket.io/") as server:
        yield server


@pytest.fixture
async def hasty_server(hasty_socket_url: str) -> AsyncIterator[Server]:
    """The Socket.IO server that echoes each event, and closes clients that join no namespace for a second."""
    async with server_at(hasty_socket_url, "/socket.io/") as server:
        yield server


@pytest.fixture
async def pinging_server(socket_url: str) -> AsyncIterator[Server]:
    """The Socket.IO server that echoes each event, with the example's heartbeat, which is over in half a second."""
    async with server_at(socket_url, "/socket.io/") as server:
        yield server
