"""A connection whose token expires, or that an operator ends, is closed after the requests in progress are answered."""

from __future__ import annotations

import asyncio

import pytest

from talkwire import Talkwire
from talkwire.commands import SendMessage
from talkwire.core.domain.model import Actor
from talkwire.realtime.chat import chat_namespace
from talkwire.testing.client import connected
from tests.embedding.conftest import Serve, request

SEND = {"conversationId": "talk", "content": "just in time"}


async def test_a_request_in_progress_is_answered_before_the_connection_closes(chat: Talkwire, serve: Serve) -> None:
    is_ending = asyncio.Event()

    @chat.before(SendMessage)
    async def wait(_: Actor, __: SendMessage) -> None:
        await is_ending.wait()

    server = await serve(chat)
    async with connected(server.url, {"token": server.token("alice", ttl_s=1)}) as alice:
        sending = asyncio.create_task(alice.call("message:send", SEND))
        await alice.wait_for("session:ending")
        is_ending.set()
        assert (await sending)["success"]
        await alice.wait_disconnected()


async def test_a_request_without_an_end_does_not_keep_the_connection_open(
    chat: Talkwire, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_namespace, "ANSWER_S", 0.1)
    is_over = asyncio.Event()

    @chat.before(SendMessage)
    async def wait(_: Actor, __: SendMessage) -> None:
        await is_over.wait()

    server = await serve(chat)
    async with connected(server.url, {"token": server.token("alice", ttl_s=1)}) as alice:
        await alice.emit("message:send", SEND)
        await alice.wait_for("session:ending")
        await alice.wait_disconnected()

    async with server.client("alice") as alice:
        await alice.emit("message:send", SEND)
        admin = server.headers("boss", role="admin")
        listed = await request(server, "GET", "/api/v1/admin/connections?userId=alice", headers=admin)
        (connection,) = listed.json()["items"]
        await request(server, "DELETE", f"/api/v1/admin/connections/{connection['id']}", headers=admin)
        assert (await alice.wait_for("session:ending"))["reason"] == "ended"
        await alice.wait_disconnected()
    is_over.set()
