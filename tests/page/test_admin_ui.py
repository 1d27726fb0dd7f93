"""The page of Socket.IO's Admin UI, unchanged and from another origin, in Chromium."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.admin_ui_page import ACCOUNT, PASSWORD
from tests.chat.chat_server import running_chat
from tests.chat.conftest import world_at
from tests.page.driving import HERE, Driver, Report, driving, finish, without_complaints
from tests.page.test_examples import Quiet

PAGE = HERE / "node_modules" / "@socket.io" / "admin-ui" / "ui" / "dist"


@pytest.fixture
def page_url() -> Iterator[str]:
    assert PAGE.is_dir(), "the page is not installed: run make install"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(PAGE))) as http:
        serving = threading.Thread(target=http.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        serving.join()


async def test_the_page_shows_sockets_rooms_clients_and_events_and_disconnects(
    driver: Driver, page_url: str, tmp_path: Path
) -> None:
    settings = {
        "TALKWIRE_SOCKETIO_ADMIN": ACCOUNT,
        "TALKWIRE_SOCKETIO_ADMIN_CONTROL": "on",
        "TALKWIRE_ORIGINS": page_url,
    }
    with running_chat(tmp_path, settings) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            alice = await world.connect("alice")
            given: Report = {
                "server": server.url,
                "name": "admin",
                "password": PASSWORD,
                "user": world.id_of("alice"),
                "room": f"conversation:{conversation}",
            }
            with driving(driver, page_url, "admin_ui", "adminUi", **given):
                assert driver.next_report() == {"happened": "looking"}
                await alice.send_message(conversation, "not for operators")
                reports = finish(driver)
            await alice.wait_disconnected()
        without_complaints(reports)
        assert "not for operators" not in reports["looked"]["events"]
        assert server.logged_errors() == []
