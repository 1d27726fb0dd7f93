"""The servers under test: our two examples, each a process of its own, or what the environment names.

TALKWIRE_TEST_SOCKET_URL and TALKWIRE_TEST_ENGINE_URL (such as http://127.0.0.1:3000) name servers that run
already and behave as the examples do. TALKWIRE_TEST_SOCKET_COMMAND and TALKWIRE_TEST_ENGINE_COMMAND are
command lines to start instead of our examples; a port is appended.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.protocol.raw_client import Server, server_at
from tests.protocol.server_process import example_command, free_port, running


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    if url := os.environ.get("TALKWIRE_TEST_ENGINE_URL"):
        yield url.rstrip("/")
        return
    command = example_command("engine_echo.py", os.environ.get("TALKWIRE_TEST_ENGINE_COMMAND"))
    with running(command, free_port()) as url:
        yield url


@pytest.fixture(scope="session")
def socket_url() -> Iterator[str]:
    if url := os.environ.get("TALKWIRE_TEST_SOCKET_URL"):
        yield url.rstrip("/")
        return
    command = example_command("echo.py", os.environ.get("TALKWIRE_TEST_SOCKET_COMMAND"))
    with running(command, free_port()) as url:
        yield url


@pytest.fixture
async def engine(engine_url: str) -> AsyncIterator[Server]:
    """The Engine.IO server that echoes each message."""
    async with server_at(engine_url, "/engine.io/") as server:
        yield server


@pytest.fixture
async def server(socket_url: str) -> AsyncIterator[Server]:
    """The Socket.IO server that echoes each event."""
    async with server_at(socket_url, "/socket.io/") as server:
        yield server
