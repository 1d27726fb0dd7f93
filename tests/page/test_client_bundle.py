"""Pages of another origin that load the official client from the server, in Chromium."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import http_post
from tests.page.driving import Driver, run
from tests.page.test_examples import Quiet

PAGE = """<!doctype html><link rel="icon" href="data:,"><p id="state"></p><p id="seen"></p><button>Say</button>
{load}
const show = (message) => (seen.textContent = message.content);
const socket = io("{url}", {{ auth: {{ token: location.hash.slice(1) }} }});
socket.on("connected", () => (state.textContent = "signed in"));
socket.on("message:new", show);
document.querySelector("button").onclick = () =>
  socket.emit("message:send", {{ conversationId: "talk", content: "Hello!" }}, ({{ message }}) => show(message));
</script>"""
LOADS = {
    "script": '<script src="{url}/socket.io/socket.io.js"></script><script>',
    "module": '<script type="module">import {{ io }} from "{url}/socket.io/socket.io.esm.min.js";',
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("chat")) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
def pages(server: ServerProcess, tmp_path: Path) -> Iterator[str]:
    for name, load in LOADS.items():
        text = PAGE.format(url=server.url, load=load.format(url=server.url))
        (tmp_path / f"{name}.html").write_text(text)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as http:
        serving = threading.Thread(target=http.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        serving.join()


def test_pages_load_the_client_from_the_server(driver: Driver, server: ServerProcess, pages: str) -> None:
    backend = {"authorization": f"Bearer {server.token('backend', role='service')}"}
    talk = {"kind": "group", "id": "talk", "memberIds": ["alice", "bob"]}
    http_post(f"{server.url}/api/v1/conversations", json=talk, headers=backend).raise_for_status()
    tokens = [server.token("alice"), server.token("bob")]
    reports = run(driver, pages, "examples", "clientBundle", tokens=tokens)
    assert reports["talked"] == {"seen": ["Hello!", "Hello!"]}
