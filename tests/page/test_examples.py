"""The page of `examples/dialects` in Chromium, with the oldest and the newest official client's file for browsers."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.page.driving import Driver, run

TESTS = Path(__file__).parents[1]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("demo"), {"TALKWIRE_DEMO": "true"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture(params=["socket.io-client", "socket.io-client-4.5.4"], ids=["newest", "4.5.4"])
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of the examples, as `python -m http.server` serves them where one of the clients is installed."""
    shutil.copytree(TESTS.parent / "examples" / "dialects", tmp_path / "dialects")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "socket.io-client").symlink_to(TESTS / "clients" / "node_modules" / request.param)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_two_people_talk_on_a_page_of_the_crm_dialect(driver: Driver, demo: ServerProcess, pages: str) -> None:
    tokens = [demo.token("123"), demo.token("bob")]
    reports = run(driver, f"{pages}/dialects/crm.html", "examples", "crm", server=demo.url, tokens=tokens)
    talk = ["123: Hello from a page", "Bob: Hello to a page"]
    assert reports["talked"] == {"seen": [talk, talk], "states": ["here as 123", "here as bob"]}
