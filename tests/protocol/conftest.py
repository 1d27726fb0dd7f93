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
from pathlib import Path

import pytest

from tests.protocol.raw_client import Server, server_at
from tests.protocol.server_process import example_command, free_port, running

NAMED = "named"
PASSED = "passed on"
PATIENT = Path(__file__).with_name("patient_server.py")


def ways(kind: str) -> list[str]:
    named = {f"TALKWIRE_TEST_{kind}_URL", f"TALKWIRE_TEST_{kind}_COMMAND"} & os.environ.keys()
    return [NAMED] if named else ["direct", PASSED]


@pytest.fixture(scope="session", params=ways("ENGINE"))
def engine_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if url := os.environ.get("TALKWIRE_TEST_ENGINE_URL"):
        yield url.rstrip("/")
        return
    with running(command_of("engine_echo.py", "TALKWIRE_TEST_ENGINE_COMMAND", request.param), free_port()) as url:
        yield url


@pytest.fixture(scope="session", params=ways("ENGINE"))
def patient_engine_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same example with a slow heartbeat. A server that the environment names keeps its own."""
    if request.param == NAMED:
        yield str(request.getfixturevalue("engine_url"))
        return
    with running(
        patient(command_of("engine_echo.py", "TALKWIRE_TEST_ENGINE_COMMAND", request.param)), free_port()
    ) as url:
        yield url


@pytest.fixture(scope="session", params=ways("SOCKET"))
def patient_socket_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """See `patient_engine_url`."""
    if request.param == NAMED:
        yield str(request.getfixturevalue("socket_url"))
        return
    with running(patient(command_of("echo.py", "TALKWIRE_TEST_SOCKET_COMMAND", request.param)), free_port()) as url:
        yield url


@pytest.fixture(scope="session", params=ways("SOCKET"))
def socket_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if url := os.environ.get("TALKWIRE_TEST_SOCKET_URL"):
        yield url.rstrip("/")
        return
    with running(command_of("echo.py", "TALKWIRE_TEST_SOCKET_COMMAND", request.param), free_port()) as url:
        yield url


def command_of(example: str, variable: str, way: str) -> list[str]:
    if way == PASSED:
        return [sys.executable, str(Path(__file__).with_name("forwarding_server.py")), example]
    return example_command(example, os.environ.get(variable))


def patient(command: list[str]) -> list[str]:
    """Returns the command of an example with a slow heartbeat."""
    python, *script = command
    return [python, str(PATIENT), *script]


@pytest.fixture
def at_its_own_node(engine_url: str, request: pytest.FixtureRequest) -> None:
    """Skips tests of behaviour that differs on a forwarding node."""
    if request.node.callspec.params.get("engine_url") == PASSED:
        pytest.skip("a body is gathered before it is passed on, so that its session does not see half of it")


@pytest.fixture
async def engine(engine_url: str) -> AsyncIterator[Server]:
    """The Engine.IO server that echoes each message."""
    async with server_at(engine_url, "/engine.io/") as server:
        yield server


@pytest.fixture
async def patient_engine(patient_engine_url: str) -> AsyncIterator[Server]:
    """The Engine.IO server that echoes each message, for tests that a heartbeat would disturb on a busy machine."""
    async with server_at(patient_engine_url, "/engine.io/") as server:
        yield server


@pytest.fixture
async def server(socket_url: str) -> AsyncIterator[Server]:
    """The Socket.IO server that echoes each event."""
    async with server_at(socket_url, "/socket.io/") as server:
        yield server


@pytest.fixture
async def patient_server(patient_socket_url: str) -> AsyncIterator[Server]:
    """The Socket.IO server that echoes each event, for tests that a heartbeat would disturb on a busy machine."""
    async with server_at(patient_socket_url, "/socket.io/") as server:
        yield server
