"""The echo server for real clients: our example, or what the environment names (see tests/protocol).

It sends heartbeats as often as the example, but a client that a busy machine delays may answer late.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.protocol.patient_server import BEATING, at_times
from tests.protocol.server_process import example_command, reserved_port, running


@pytest.fixture(scope="session")
def echo_command() -> list[str]:
    """The command line of the echo server; a port is appended."""
    if given := os.environ.get("TALKWIRE_TEST_SOCKET_COMMAND"):
        return example_command("echo.py", given)
    return at_times(BEATING, example_command("echo.py", None))


@pytest.fixture(scope="session")
def echo_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if url := os.environ.get("TALKWIRE_TEST_SOCKET_URL"):
        yield url.rstrip("/")
        return
    with running(request.getfixturevalue("echo_command"), reserved_port()) as url:
        yield url
