"""The echo server for real clients: our example, or what the environment names (see tests/protocol)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.protocol.server_process import example_command, reserved_port, running


@pytest.fixture(scope="session")
def echo_command() -> list[str]:
    """The command line of the echo server; a port is appended."""
    return example_command("echo.py", os.environ.get("TALKWIRE_TEST_SOCKET_COMMAND"))


@pytest.fixture(scope="session")
def echo_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if url := os.environ.get("TALKWIRE_TEST_SOCKET_URL"):
        yield url.rstrip("/")
        return
    with running(request.getfixturevalue("echo_command"), reserved_port()) as url:
        yield url
