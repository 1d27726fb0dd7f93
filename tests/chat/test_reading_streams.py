"""Messages that are read as server-sent events while they are written, in each format, through a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.chat.conftest import World
from tests.chat.test_growing import Author, author
from tests.chat.test_parts import TOOL
from tests.waiting import deadline


class Events:
    """The server-sent events of a response, as (id, type, data)."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, str, str]:
        id_, type_ = "", "message"
        data: list[str] = []
        async with deadline():
            async for line in self._lines:
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if line == "" and data:
                    return id_, type_, "\n".join(data)
                if name == "id":
                    id_ = value
                elif name == "event":
                    type_ = value
                elif name == "data":
                    data.append(value)
        raise EOFError

    async def rest(self) -> list[tuple[str, str, str]]:
        events = []
        while True:
            try:
                events.append(await self.next())
            except EOFError:
                return events

    async def text(self, length: int) -> str:
        """Returns the data of the next events, until they have so many characters."""
        text = ""
        while len(text) < length:
            text += (await self.next())[2]
        return text


def reading(
    world: World, agent: Author, format_: str, by: str = "bob", **headers: str
) -> AbstractAsyncContextManager[Events]:
    return reading_message(world, agent.message["id"], format_, by, **headers)


@asynccontextmanager
async def reading_message(
    world: World, message_id: str, format_: str, by: str, **headers: str
) -> AsyncIterator[Events]:
    path = f"{world.server.url}/api/v1/messages/{message_id}/stream"
    sent = {"authorization": f"Bearer {world.server.token(world.id_of(by))}", **headers}
    async with world.http.stream("GET", path, params={"format": format_}, headers=sent) as response:
        assert response.status_code == 200, await response.aread()
        yield Events(response)


async def test_a_text_is_read_while_it_is_written(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("It was ")
    async with reading(world, agent, "text") as events:
        assert events.response.headers["content-type"].startswith("text/event-stream")
        assert await events.text(7) == "It was "
        await agent.append("sent\ntoday.", at=7)
        assert await events.text(11) == "sent\ntoday."
        await agent.append("Hm", 1, type="reasoning")
        await agent.append("And so.", 2, type="text")
        assert await events.text(9) == "\n\nAnd so."
        await agent.finish()
        assert await events.rest() == [("end", "end", "done")]


async def test_a_reader_goes_on_from_its_last_event(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("Hello \N{GRINNING FACE}")
    async with reading(world, agent, "text") as events:
        id_, _, text = await events.next()
        while len(text) < 7:
            id_, _, more = await events.next()
            text += more
    await agent.append(" world")
    async with reading(world, agent, "text", **{"last-event-id": id_}) as events:
        assert await events.text(6) == " world"
    await agent.socket.done("message:rewind", agent.payload(part=0, at=5))
    await agent.append("!")
    for unknown in (id_, "x", "1-00000000", "end", "9999999999999-00000000"):
        async with reading(world, agent, "text", **{"last-event-id": unknown}) as events:
            assert (await events.next())[1] == "rewind", "the reader adds to what it has"
            assert await events.text(6) == "Hello!"


async def test_a_rewind_makes_a_reader_begin_again(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("Hello world")
    async with reading(world, agent, "text") as events:
        assert await events.text(11) == "Hello world"
        await agent.socket.done("message:rewind", agent.payload(part=0, at=5))
        await agent.append("!")
        assert (await events.next())[1] == "rewind"
        assert await events.text(6) == "Hello!"
        await agent.finish(parts=[{"type": "text", "text": "All of it."}])
        assert [each[1:] for each in await events.rest()] == [
            ("rewind", ""),
            ("message", "All of it."),
            ("end", "done"),
        ]


async def test_a_finished_message_is_read_whole_and_once(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("Hello")
    await agent.finish()
    async with reading(world, agent, "text") as events:
        assert [each[1:] for each in await events.rest()] == [("message", "Hello"), ("end", "done")]
    path = f"/api/v1/messages/{agent.message['id']}/stream"
    again = await world.request("GET", path, by="bob", headers={"last-event-id": "end"})
    assert again.status_code == 204
    plain = await agent.socket.send_message(agent.conversation, "Just a text")
    agent.message = plain
    async with reading(world, agent, "text") as events:
        assert [each[2] for each in await events.rest()] == ["Just a text", "done"]


def chunks(events: list[tuple[str, str, str]]) -> list[Any]:
    return [data if data == "[DONE]" else json.loads(data) for _, _, data in events]


async def test_a_ui_message_has_the_chunks_of_the_ai_sdk(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("Hm", type="reasoning")
    await agent.socket.done(
        "message:append", agent.payload(part=1, set={**TOOL, "state": "output-available", "output": 5})
    )
    source = {"type": "source", "url": "https://example.org/", "title": "A page"}
    await agent.socket.done("message:append", agent.payload(part=2, set=source))
    await agent.socket.done("message:append", agent.payload(part=3, set={"type": "data", "name": "n", "value": None}))
    await agent.append("Hello", 4)
    await agent.finish()
    async with reading(world, agent, "ui-message") as events:
        assert events.response.headers["x-vercel-ai-ui-message-stream"] == "v1"
        found = chunks(await events.rest())
    assert [each if each == "[DONE]" else each["type"] for each in found] == [
        *("start", "start-step", "reasoning-start", "reasoning-delta", "reasoning-end"),
        *("tool-input-start", "tool-input-available", "tool-output-available", "source-url", "data-n"),
        *("text-start", "text-delta", "text-end", "finish-step", "finish", "[DONE]"),
    ]
    assert found[0]["messageId"] == agent.message["id"]
    assert found[9] == {"type": "data-n", "id": "3", "data": None}


@pytest.mark.parametrize(
    ("state", "ui", "ag"),
    [
        ("failed", {"type": "error", "errorText": "Try later."}, {"message": "Try later.", "code": "busy"}),
        ("stopped", {"type": "abort", "reason": "stopped"}, None),
    ],
)
async def test_each_format_says_how_the_message_has_ended(world: World, state: str, ui: Any, ag: Any) -> None:  # noqa: ANN401 (JSON)
    agent = await author(world)
    await agent.open()
    await agent.append("Hello")
    if state == "stopped":
        await world.request("POST", f"/api/v1/messages/{agent.message['id']}/stop", by="alice")
        await agent.finish()
    else:
        await agent.finish(state="failed", error={"code": "busy", "message": "Try later."})
    async with reading(world, agent, "text") as events:
        assert (await events.rest())[-1] == ("end", "end", state)
    async with reading(world, agent, "ui-message") as events:
        assert chunks(await events.rest())[-2:] == [ui, "[DONE]"]
    async with reading(world, agent, "ag-ui") as events:
        last = chunks(await events.rest())[-1]
    assert last["type"] == ("RUN_FINISHED" if ag is None else "RUN_ERROR")
    assert ag is None or {name: last[name] for name in ag} == ag


async def test_a_rewind_ends_a_run(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("Hello")
    async with reading(world, agent, "ag-ui") as events:
        while "CONTENT" not in (await events.next())[2]:
            pass
        await agent.socket.done("message:rewind", agent.payload(part=0))
        assert chunks(await events.rest())[-1]["code"] == "rewound"


async def test_a_member_who_is_removed_reads_no_further(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("Hello")
    async with reading(world, agent, "text") as events:
        assert await events.text(5) == "Hello"
        path = f"/api/v1/conversations/{agent.conversation}/members/{world.id_of('bob')}"
        assert (await world.request("DELETE", path, by="alice")).status_code == 204
        assert await events.rest() == []
    refused = await world.request("GET", f"/api/v1/messages/{agent.message['id']}/stream", by="bob")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


async def test_a_deleted_message_ends(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("Hello")
    async with reading(world, agent, "text") as events:
        assert await events.text(5) == "Hello"
        await world.request("DELETE", f"/api/v1/messages/{agent.message['id']}", by="alice")
        assert [each[1] for each in await events.rest()] == ["rewind", "end"]


@pytest.mark.parametrize("format_", ["sse", "", "TEXT"])
async def test_an_unknown_format_is_refused(world: World, format_: str) -> None:
    agent = await author(world)
    await agent.open()
    path = f"/api/v1/messages/{agent.message['id']}/stream"
    answer = await world.request("GET", path, by="bob", params={"format": format_})
    assert answer.json()["error"]["code"] == "invalid_request"
