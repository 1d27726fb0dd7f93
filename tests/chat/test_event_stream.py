"""`GET /api/v1/events`: pages, long polls and streams of the whole log."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from talkwire.api.backend import events as route
from tests.chat.chat_server import ChatAddress, in_process, running_chat, serving
from tests.chat.conftest import World, world_at
from tests.chat.test_agents import with_agent
from tests.chat.test_drain import LONG_WINDOW_S, draining_world
from tests.chat.test_slow_clients import CONTENT, ENOUGH
from tests.waiting import DEADLINE_S, deadline, until_asked

EVENTS = "/api/v1/events"
STREAM = {"accept": "text/event-stream"}


async def events(world: World, role: str = "service", **query: str) -> dict[str, Any]:
    answer = await world.request("GET", EVENTS, by="backend", role=role, params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def send(world: World, conversation: str, content: str) -> None:
    body = {"conversationId": conversation, "senderId": world.id_of("alice"), "content": content}
    await world.service("POST", "/api/v1/messages", body)


def contents(page: dict[str, Any]) -> list[str]:
    return [event["data"]["content"] for event in page["items"]]


class Streamed:
    """An open stream, and its blocks as a client reads them."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self.comments = 0
        self._lines = response.aiter_lines()

    async def block(self) -> dict[str, str] | None:
        """Returns the fields of the next block, comments left out; None at the end."""
        fields: dict[str, str] = {}
        async with deadline():
            async for line in self._lines:
                if not line:
                    self.last_id = fields.get("id", self.last_id)
                    return fields
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                else:
                    self.comments += 1
        return None

    async def event(self) -> dict[str, Any] | None:
        """Returns the next event; None at the end."""
        while (block := await self.block()) is not None:
            if "data" in block:
                event: dict[str, Any] = json.loads(block["data"])
                assert (block["id"], block["event"]) == (event["id"], event["type"])
                return event
        return None


@asynccontextmanager
async def stream(
    world: World, *, ttl_s: float = 600, by: str = "backend", headers: dict[str, str] | None = None, **query: str
) -> AsyncIterator[Streamed]:
    token = world.server.token(world.id_of(by), ttl_s=ttl_s, role="service")
    asked = {**STREAM, "authorization": f"Bearer {token}", **(headers or {})}
    async with world.http.stream("GET", EVENTS, headers=asked, params=query, timeout=DEADLINE_S) as response:
        if response.status_code == 200:
            assert response.headers["content-type"].startswith("text/event-stream")
        yield Streamed(response)


async def test_pages_and_a_stream_have_the_same_events(world: World) -> None:
    start = (await events(world))["cursor"]
    conversation = await world.conversation("alice", "bob")
    for content in ("one", "two", "three"):
        await send(world, conversation, content)
    paged: list[dict[str, Any]] = []
    cursor, more = start, True
    while more:
        page = await events(world, after=cursor, limit="2", conversationId=conversation)
        paged += page["items"]
        cursor, more = page["cursor"], page["more"]
    assert [event["type"] for event in paged] == ["conversation:new", *3 * ["message:new"]]
    assert {event["conversationId"] for event in paged} == {conversation}
    assert [event.get("actorId") for event in paged] == [None, *3 * [world.id_of("alice")]]
    async with stream(world, after=start, conversationId=conversation) as streamed:
        assert [await streamed.event() for _ in paged] == paged
        await send(world, conversation, "four")
        live = await streamed.event()
        assert live is not None
        assert live["data"]["content"] == "four"
    async with stream(world, headers={"last-event-id": paged[1]["id"]}, after=start, types="message:new") as resumed:
        assert [await resumed.event() for _ in range(3)] == [*paged[2:], live]


async def test_without_a_cursor_the_caller_receives_one_at_once(world: World) -> None:
    page = await events(world, wait="60")
    assert (page["items"], page["more"]) == ([], False)
    async with stream(world) as streamed:
        block = await streamed.block()
        assert block is not None
        assert block.keys() == {"id"}
        conversation = await world.conversation("alice")
        await send(world, conversation, "hello")
        missed = await events(world, after=block["id"], types="message:new")
        assert "hello" in contents(missed)


async def test_a_long_poll_responds_with_the_first_event_it_wants(world: World) -> None:
    conversation, other = await world.conversation("alice"), await world.conversation("alice")
    now = (await events(world))["cursor"]
    poll = asyncio.ensure_future(
        events(world, after=now, wait="60", types="message:new,message:updated", conversationId=conversation)
    )
    await send(world, other, "elsewhere")
    await send(world, conversation, "here")
    page = await poll
    assert contents(page) == ["here"]
    assert contents(await events(world, after=page["cursor"], wait="1", types="message:new")) == []


async def test_a_final_reader_waits_for_the_first_end_of_a_stream(world: World) -> None:
    """As a page, as a long poll and as server-sent events."""
    conversation, helper = await with_agent(world)
    asked = {"after": (await events(world))["cursor"], "conversationId": conversation, "final": "true"}
    opening = {"conversationId": conversation, "clientMessageId": "s", "senderId": helper}
    poll = asyncio.ensure_future(events(world, wait="60", limit="1", **asked))
    async with stream(world, **asked) as streamed:
        opened = await world.service("POST", "/api/v1/messages/stream", opening)
        path, attempt = f"/api/v1/messages/{opened['message']['id']}", opened["attempt"]
        await world.service("POST", f"{path}/append", {"attempt": attempt, "part": 0, "text": "Hello", "at": 0})
        page = await events(world, **asked)
        assert page["items"] == []
        await world.service("POST", f"{path}/finish", {"attempt": attempt})
        await send(world, conversation, "last")
        live = [await streamed.event() for _ in range(2)]
    (ended,) = (await poll)["items"]
    assert (ended["type"], ended["data"]["content"], ended["data"]["state"]) == ("message:new", "Hello", "done")
    assert live[0] == ended
    whole = (await events(world, **{**asked, "final": "false"}))["items"]
    assert [event["type"] for event in whole] == ["message:new", "message:updated", "message:new"]
    assert {**whole[1], "type": "message:new"} == ended
    for after in (page["cursor"], whole[0]["id"]):
        assert (await events(world, **{**asked, "after": after}))["items"] == live
    assert (await events(world, **{**asked, "after": ended["id"]}))["items"] == live[1:]


async def test_head_does_not_wait(world: World) -> None:
    for headers in ({}, STREAM):
        answer = await world.request(
            "HEAD", EVENTS, by="backend", role="service", params={"after": "start", "wait": "60"}, headers=headers
        )
        assert (answer.status_code, answer.content) == (200, b"")


async def test_admins_read_the_log_and_users_do_not(world: World) -> None:
    await events(world, role="admin", after="start", limit="1")
    answer = await world.request("GET", EVENTS, by="alice")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("query", "code", "named"),
    [
        ({"after": "nonsense"}, "invalid_request", "after"),
        ({"types": "message:new,"}, "invalid_request", "types"),
        ({"types": "typing:user"}, "invalid_request", "typing:user"),
        ({"wait": "61"}, "invalid_request", "between 0 and 60"),
        ({"limit": "101"}, "invalid_request", "between 1 and 100"),
        ({"final": "maybe"}, "invalid_request", "final"),
        ({"final": ""}, "invalid_request", "final"),
        ({"after": "another-7"}, "cursor_epoch", ""),
    ],
)
@pytest.mark.parametrize("headers", [{}, STREAM], ids=["page", "stream"])
async def test_what_cannot_be_read_is_refused(
    world: World, query: dict[str, str], code: str, named: str, headers: dict[str, str]
) -> None:
    answer = await world.request("GET", EVENTS, by="backend", role="service", params=query, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (410 if code == "cursor_epoch" else 422, code)
    assert named in error["message"]
    if code == "cursor_epoch":
        assert (await events(world, after=error["details"]["oldest"]))["items"]


async def test_a_stream_ends_when_its_token_expires(world: World) -> None:
    async with stream(world, ttl_s=2) as streamed:
        assert await streamed.event() is None


@pytest.mark.parametrize(("method", "path"), [("PUT", "/ban"), ("DELETE", "")], ids=["banned", "erased"])
async def test_a_stream_ends_when_its_user_is_gone(world: World, method: str, path: str) -> None:
    by = f"moderator-{method}"
    async with stream(world, by=by, types="call:missed") as streamed:
        await streamed.block()
        await world.service(method, f"/api/v1/users/{world.id_of(by)}{path}")
        assert await streamed.event() is None


async def test_a_draining_node_ends_all_waits_and_serves_on(tmp_path: Path) -> None:
    async with draining_world(tmp_path, LONG_WINDOW_S) as (server, world):
        now = (await events(world))["cursor"]
        poll = asyncio.ensure_future(events(world, after=now, wait="60", types="call:missed"))
        async with stream(world, types="call:missed") as streamed:
            await streamed.block()
            server.process.send_signal(signal.SIGTERM)
            assert await streamed.event() is None
        assert (await poll)["items"] == []
        assert (await events(world, after="start", wait="60"))["items"] != []
        assert (await events(world, after=now, wait="60", types="call:missed"))["items"] == []


@asynccontextmanager
async def world_here(folder: Path) -> AsyncIterator[World]:
    """Provides a server in this process, whose constants a test can set."""
    async with serving(in_process(folder)) as address, world_at(ChatAddress(address.url)) as world:
        yield world


async def test_a_silent_stream_sends_comments_and_moves_the_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "HEARTBEAT_S", 0.05)
    async with world_here(tmp_path) as world, stream(world, types="call:missed") as streamed:
        await streamed.block()
        first = streamed.last_id
        await world.conversation("alice")
        while streamed.last_id == first or streamed.comments < 5:
            assert await streamed.block() is not None
        assert (await events(world, after=streamed.last_id))["items"] == []


async def test_a_stream_that_is_not_read_is_cut_off(tmp_path: Path) -> None:
    """The server holds one page for it and reads no further."""
    with running_chat(tmp_path, {"TALKWIRE_READ_TIMEOUT_S": "1"}) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice")
            for _ in range(ENOUGH // 3):
                await send(world, conversation, CONTENT)
            with closing(await open_deaf_reader(world)):
                await until_asked(lambda: cut_off(world))


async def open_deaf_reader(world: World) -> socket.socket:
    """Returns a client that asks for a stream and never reads."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    host, port = world.server.url.removeprefix("http://").split(":")
    await loop.sock_connect(client, (host, int(port)))
    token = world.server.token(world.id_of("backend"), role="service")
    head = f"GET {EVENTS}?after=start HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n"
    await loop.sock_sendall(client, f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
    return client


async def cut_off(world: World) -> int:
    """Returns how many connections were closed because their clients did not read."""
    metrics = (await world.request("GET", "/metrics")).text
    found = re.search(r'^talkwire_http_closed_total\{reason="read_timeout"\} (\d+)', metrics, re.MULTILINE)
    return 0 if found is None else int(found.group(1))
