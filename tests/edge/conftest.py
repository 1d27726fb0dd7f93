"""Servers whose limits a test can reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chat.chat_server import ServerProcess, running_chat


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Yields a server with the default limits. Fails if it logs an error."""
    with running_chat(tmp_path_factory.mktemp("usual")) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture(scope="package")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One whose deadlines are short, but for the heartbeat's."""
    deadlines = {
        "TALKWIRE_HEAD_TIMEOUT_S": "0.5",
        "TALKWIRE_BODY_TIMEOUT_S": "0.5",
        "TALKWIRE_READ_TIMEOUT_S": "1",
        "TALKWIRE_KEEP_ALIVE_S": "0.5",
    }
    with running_chat(tmp_path_factory.mktemp("hurried"), deadlines) as server:
        yield server
        assert server.logged_errors() == []
