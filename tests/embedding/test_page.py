"""The code blocks of `docs/embedding.md` do what the page says; each block runs as a separate module."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from talkwire import Talkwire
from talkwire.commands import CreateConversation
from talkwire.testing import temporary_server
from tests.embedding.conftest import request

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Returns the names that each code block of the page defines, in the page's order."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [_run(block) for block in blocks]


def _run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 (our own page)
    return names


def _with(modules: list[dict[str, Any]], name: str) -> Mapping[str, Any]:
    return next(names for names in modules if name in names)


async def test_the_first_program_tracks_moderates_and_counts(
    modules: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    chat: Talkwire = _with(modules, "moderate")["chat"]
    async with temporary_server(chat) as server:
        await chat.execute(CreateConversation("group", ("alice", "bob"), id="talk", name="Talk", owner_id="alice"))
        async with server.client("alice") as alice:
            assert await alice.call("order:track", {"id": 7}) == {"status": "shipped", "for": "alice"}
            assert (await alice.call("order:track", {"id": 8}))["error"]["code"] == "not_found"
            sent = await alice.call("message:send", {"conversationId": "talk", "content": "damn"})
            assert sent["message"]["content"] == "****"
            refused = await alice.call("message:send", {"conversationId": "talk", "content": "spam"})
            assert refused["error"]["message"] == "No spam, please."
    assert "alice wrote message 1" in capsys.readouterr().out


async def test_the_block_about_sending_and_connected_users_succeeds(modules: list[dict[str, Any]]) -> None:
    chat = Talkwire()
    async with temporary_server(chat):
        await _with(modules, "use")["use"](chat)


async def test_the_application_of_the_page_has_its_own_docs_and_the_chat_its(modules: list[dict[str, Any]]) -> None:
    chat: Talkwire = _with(modules, "ship")["chat"]
    async with temporary_server(chat) as server, server.client("alice") as alice:
        assert (await request(server, "POST", "/orders/7/ship")).json() == {"sockets": 1}
        assert await alice.wait_for("order:shipped") == {"id": 7}
        assert "FastAPI" in (await request(server, "GET", "/docs")).text
        assert "Talkwire" in (await request(server, "GET", "/chat/docs")).text


async def test_the_block_within_a_running_program_serves(
    modules: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    await _with(modules, "main")["main"]()
    assert "clients connect to http://127.0.0.1:" in capsys.readouterr().out


async def test_the_test_of_the_page_succeeds(modules: list[dict[str, Any]]) -> None:
    await _with(modules, "test_curses_are_starred")["test_curses_are_starred"]()
