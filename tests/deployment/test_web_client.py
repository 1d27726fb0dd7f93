"""The web client in a real browser, behind nginx with TLS, with the settings of docs/deployment as they are."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.cli.processes import run_talkwire
from tests.deployment.conftest import needs_nginx
from tests.deployment.proxies import DOCS, running_nginx
from tests.page.driving import driving, finish, next_report, tell

pytestmark = needs_nginx

PAGE = Path(__file__).parents[1] / "page"
SETTINGS = re.compile(r"^```toml\n(# talkwire\.toml\n.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def driver() -> list[str]:
    """The command line of the script that drives the browser."""
    program, node = os.environ.get("CHROMIUM", "/usr/bin/chromium"), shutil.which("node")
    if shutil.which(program) is None:
        pytest.skip(f"needs a browser, and there is none at {program}")
    if node is None or not (PAGE / "node_modules" / "playwright-core").is_dir():
        pytest.fail("what drives the browser is not installed: run make install")
    return [node, str(PAGE / "page.mjs"), program]


@pytest.fixture
def documented_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose origins are those of the application only, and which has accounts besides."""
    found = SETTINGS.search((DOCS / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    assert 'origins = ["https://app.example.com"]' in found[1]
    (tmp_path / "talkwire.toml").write_text(found[1], encoding="utf-8")
    with running_chat(tmp_path, {"TALKWIRE_ACCOUNTS": "invite"}) as server:
        yield server
        assert server.logged_errors() == []


def test_the_web_client_signs_in_and_chats_with_the_documented_settings(
    documented_server: ServerProcess, driver: list[str], tmp_path: Path
) -> None:
    server = documented_server
    backend = {"authorization": f"Bearer {server.token('backend', role='service')}"}
    with (
        httpx.Client(base_url=server.url, trust_env=False, headers=backend) as http,
        running_nginx(tmp_path, server.url) as proxy,
        driving(driver, proxy.url, "deployment", "chat") as browser,
    ):
        group = {"kind": "group", "id": "orders", "name": "Orders", "memberIds": ["clerk"]}
        http.post("/api/v1/conversations", json=group).raise_for_status()
        where = ("--data", str(server.data), "--public-url", proxy.url)
        link = run_talkwire("invite", "--conversation", "orders", *where, cwd=tmp_path)
        assert link.exit_code == 0, link.err
        assert next_report(browser) == {"happened": "ready"}
        tell(browser, link.out.strip().removeprefix(proxy.url))
        assert next_report(browser) == {"happened": "sent"}
        answer = {"conversationId": "orders", "senderId": "clerk", "content": "It is."}
        http.post("/api/v1/messages", json=answer).raise_for_status()
        reports = finish(browser)
    assert reports["chatted"] == {"sockets": ["wss:"]}
    assert reports["done"] == {"complaints": []}
    assert not [line for line in server.logged() if line["event"] == "connection_refused"]
