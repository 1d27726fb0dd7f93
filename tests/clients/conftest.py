"""The echo server for real clients: our example, or what the environment names (see tests/protocol)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.protocol.server_process import example_command, free_port, running

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def echo_command() -> list[str]:
    """The command line of the echo server; a port is appended."""
    return example_command("echo.py", os.environ.get("TALKWIRE_TEST_SOCKET_COMMAND"))


@pytest.fixture(scope="session")
def echo_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if url := os.environ.get("TALKWIRE_TEST_SOCKET_URL"):
        yield url.rstrip("/")
        return
    with running(request.getfixturevalue("echo_command"), free_port()) as url:
        yield url


@pytest.fixture(scope="session")
def node_client() -> list[str]:
    """The command line of the script that drives the official client."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("these tests drive the official JavaScript client and need node (20 or later)")
    if not (HERE / "node_modules" / "socket.io-client").is_dir():
        pytest.fail("the official client is not installed: run make install")
    return [node, str(HERE / "echo_client.mjs")]
