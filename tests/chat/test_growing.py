"""Messages that are written while others read them, through a real server: what is refused, what readers receive, and
what is left when the server is killed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chat.chat_client import ChatClient, Payload
from tests.chat.chat_server import running_chat
from tests.chat.conftest import World, world_at
from tests.chat.test_agents import with_agent
from tests.chat.test_parts import PLAN, TOOL
from tests.waiting import until_asked

SMILE = "\N{GRINNING FACE}"
HALF = "\ud83d"


class Author:
    """An agent that writes a message."""

    def __init__(self, world: World, socket: ChatClient, conversation: str) -> None:
        self.world, self.socket, self.conversation = world, socket, conversation
        self.message: Payload = {}
        self.attempt = 0

    async def open(self, client_message_id: str = "s1", **more: object) -> Payload:
        payload = {"conversationId": self.conversation, "clientMessageId": client_message_id, **more}
        answer = await self.socket.done("message:stream", payload)
        self.message, self.attempt = answer["message"], answer["attempt"]
        return answer

    def payload(self, **more: object) -> Payload:
        return {"messageId": self.message["id"], "attempt": self.attempt, **more}

    async def append(self, text: str, part: int = 0, **more: object) -> Payload:
        return await self.socket.done("message:append", self.payload(part=part, text=text, **more))

    async def finish(self, **more: object) -> Payload:
        message = (await self.socket.done("message:finish", self.payload(**more)))["message"]
        assert isinstance(message, dict)
        return message

    async def refused(self, event: str, payload: Payload, by: str = "helper") -> Payload:
        """Returns the error with which an event and its route are both refused."""
        socket = self.socket if by == "helper" else await self.world.connect(by)
        error = await socket.refused(event, payload)
        body = {name: value for name, value in payload.items() if name != "messageId"}
        path = f"/api/v1/messages/{payload['messageId']}/{event.removeprefix('message:')}"
        headers = {"content-type": "application/json"}
        answer = await self.world.request("POST", path, by=by, content=json.dumps(body), headers=headers)
        assert answer.json()["error"]["code"] == error["code"]
        return error

    async def stored(self, text: str) -> None:
        """Waits until the text is stored in the first part."""

        async def is_stored() -> bool:
            answer = await self.socket.done("message:append", self.payload(part=0, text=text, at=0))
            return bool(answer["stored"] == answer["length"])

        await until_asked(is_stored)


async def author(world: World) -> Author:
    conversation, _ = await with_agent(world)
    return Author(world, await world.connect("helper"), conversation)


class Reader:
    """A client that reads a message as the web client does: text in UTF-16 code units."""

    def __init__(self, socket: ChatClient) -> None:
        self.socket = socket
        self.deltas: list[Payload] = []
        self.parts: dict[int, bytes] = {}

    async def read(self) -> Payload:
        """Applies the deltas until the message ends, and returns the ended message."""
        ended = await self.socket.next("message:updated")
        await self.apply()
        return ended

    async def apply(self) -> None:
        for _, delta in await self.socket.pending("message:delta"):
            self.deltas.append(delta)
            part, units = delta["part"], delta.get("text", "").encode("utf-16-le")
            if delta.get("drop"):
                self.parts = {number: text for number, text in self.parts.items() if number < part}
            if "text" not in delta:
                continue
            if delta.get("replace"):
                self.parts[part] = units
            else:
                assert len(self.parts[part]) == delta["at"] * 2
                self.parts[part] += units
        self.socket.events = type(self.socket.events)(e for e in self.socket.events if e[0] != "message:delta")

    async def until_has(self, text: str) -> None:
        async def has() -> bool:
            await self.apply()
            return self.text == text

        await until_asked(has)

    @property
    def text(self) -> str:
        return self.parts.get(0, b"").decode("utf-16-le")


# --- what is refused --------------------------------------------------------------------------------------------------

APPENDS: list[tuple[dict[str, object], str, object]] = [
    ({"at": -1}, "invalid_request", None),
    ({"at": "2"}, "invalid_request", None),
    ({"at": 1.5}, "invalid_request", None),
    ({"at": True}, "invalid_request", None),
    ({"at": 1}, "conflict", {"length": 2}),
    ({"at": 3}, "conflict", {"length": 2}),
    ({"at": 2**52}, "conflict", {"length": 2}),
    ({"at": 0, "text": "other"}, "conflict", {"length": 2}),
    ({"text": HALF}, "invalid_request", None),
    ({"text": SMILE + "\ude00"}, "invalid_request", None),
    ({"text": "\x00"}, "invalid_request", None),
    ({"text": ""}, "invalid_request", None),
    ({"text": 5}, "invalid_request", None),
    ({"text": None}, "invalid_request", None),
    ({"set": TOOL}, "invalid_request", None),
    ({"text": None, "set": TOOL}, "invalid_request", None),
    ({"text": None, "set": {"type": "text", "text": "x"}}, "invalid_request", None),
    ({"text": None, "part": 1, "set": PLAN}, "invalid_request", None),
    ({"text": None, "part": 2, "set": {**TOOL, "state": "x"}}, "invalid_request", None),
    ({"type": "reasoning"}, "invalid_request", None),
    ({"type": "tool"}, "invalid_request", None),
    ({"part": 1}, "invalid_request", None),
    ({"part": 3}, "conflict", {"parts": 2}),
    ({"part": 101}, "conflict", {"parts": 2}),
    ({"part": -1}, "invalid_request", None),
    ({"part": None}, "invalid_request", None),
    ({"text": "x" * 65 * 1024}, "payload_too_large", None),
    ({"part": 2, "text": "x" * 65 * 1024, "type": "reasoning"}, "payload_too_large", None),
    ({"attempt": 0}, "conflict", {"reason": "superseded"}),
    ({"attempt": 2}, "invalid_request", None),
    ({"attempt": None}, "invalid_request", None),
    ({"messageId": "9"}, "forbidden", None),
    ({"messageId": "x"}, "forbidden", None),
]


async def test_bad_appends_are_refused_over_sockets_and_rest_and_change_nothing(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append(SMILE)
    await agent.socket.done("message:append", agent.payload(part=1, set=TOOL))
    for change, code, details in APPENDS:
        payload = agent.payload(part=0, text="a") | change
        error = await agent.refused("message:append", {k: v for k, v in payload.items() if v is not None})
        assert error["code"] == code, (change, error)
        if details is not None:
            assert {k: error["details"][k] for k in details} == details, change  # type: ignore[attr-defined]
    message = await agent.finish()
    assert [message["content"], message["state"], len(message["parts"])] == [SMILE, "done", 2]


async def test_the_101st_part_is_refused(world: World) -> None:
    agent = await author(world)
    await agent.open()
    for part in range(100):
        await agent.append("x", part, type="reasoning" if part else "text")
    error = await agent.refused("message:append", agent.payload(part=100, text="x"))
    assert (error["code"], error["message"]) == ("invalid_request", "part: must be below 100")
    assert len((await agent.finish())["parts"]) == 100


async def test_writes_after_the_end_and_to_other_messages_are_refused(world: World) -> None:
    agent = await author(world)
    await agent.open()
    await agent.append("Hello")
    by_bob = await agent.refused("message:append", agent.payload(part=0, text="x"), by="bob")
    assert by_bob["code"] == "forbidden"
    assert (await agent.refused("message:finish", agent.payload(), by="bob"))["code"] == "forbidden"
    message = await agent.finish()
    for event in ("message:append", "message:finish"):
        payload = agent.payload(part=0, text="x") if event == "message:append" else agent.payload()
        error = await agent.refused(event, payload)
        assert (error["code"], error["details"]) == ("conflict", {"reason": "ended", "state": "done"})
    plain = await agent.socket.send_message(agent.conversation, "Hello")
    error = await agent.refused("message:append", {**agent.payload(part=0, text="x"), "messageId": plain["id"]})
    assert error["code"] == "conflict"
    again = await agent.socket.done(
        "message:stream", {"conversationId": agent.conversation, "clientMessageId": message["clientMessageId"]}
    )
    assert ("attempt" in again, again["message"]) == (False, message)


@pytest.mark.parametrize("lease_s", [4, 301, "15", 1.5, True])
async def test_a_lease_has_5_to_300_seconds(world: World, lease_s: object) -> None:
    agent = await author(world)
    payload = {"conversationId": agent.conversation, "clientMessageId": "s1", "leaseS": lease_s}
    assert (await agent.socket.refused("message:stream", payload))["code"] == "invalid_request"
    answer = await world.request("POST", "/api/v1/messages/stream", by="helper", json=payload)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


async def test_an_append_over_rest_may_be_a_part_of_64_kib_however_it_is_escaped(world: World) -> None:
    agent = await author(world)
    await agent.open()
    escaped = "\\u0061" * (64 * 1024)
    body = f'{{"attempt": {agent.attempt}, "part": 0, "text": "{escaped}"}}'
    answer = await world.request(
        "POST",
        f"/api/v1/messages/{agent.message['id']}/append",
        by="helper",
        content=body,
        headers={"content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["length"]) == (200, 64 * 1024)


# --- what readers receive ---------------------------------------------------------------------------------------------


async def test_readers_receive_each_character_once_and_the_author_none_of_them(world: World) -> None:
    agent = await author(world)
    reader = Reader(await world.connect("bob"))
    own = Reader(await world.connect("helper"))
    await agent.open()
    text, length, answers = f"Hello {SMILE} world. " * 20, 0, []
    for place in range(0, len(text), 5):
        answers.append(await agent.append(text[place : place + 5], at=length))
        length = answers[-1]["length"]
        if place in {100, 200}:
            await reader.until_has(text[: place + 5])
    message = await agent.finish()
    assert await reader.read() == await own.read()
    for each in (reader, own):
        assert each.text == text == message["content"]
        assert [bool(delta.get("replace")) for delta in each.deltas] == [True] + [False] * (len(each.deltas) - 1)
        assert "".join(delta["text"] for delta in each.deltas) == text
    assert 3 <= len(reader.deltas) < len(answers)
    assert await agent.socket.pending("message:delta") == []
    answer = await world.request("GET", f"/api/v1/messages/{message['id']}", by="bob")
    assert {**answer.json(), "reactions": []} == {**message, "reactions": []}


async def test_sockets_that_join_in_the_middle_receive_the_whole_part_first(world: World) -> None:
    agent = await author(world)
    first = Reader(await world.connect("bob"))
    await agent.open()
    await agent.append(f"One {SMILE}")
    await first.until_has(f"One {SMILE}")
    second = Reader(await world.connect("bob"))
    await agent.append(" two")
    await second.until_has(f"One {SMILE} two")
    await first.until_has(f"One {SMILE} two")
    assert [delta.get("replace", False) for delta in first.deltas] == [True, False]
    assert [delta.get("replace", False) for delta in second.deltas] == [True]
    await second.socket.close()
    third = Reader(await world.connect("bob"))
    await agent.append(" three")
    await agent.finish()
    for each in (first, third):
        assert (await each.read())["content"] == each.text == f"One {SMILE} two three"
    assert [delta.get("replace", False) for delta in third.deltas] == [True]


async def test_members_who_do_not_see_the_message_receive_nothing_of_it(world: World) -> None:
    agent = await author(world)
    await world.service("PATCH", f"/api/v1/conversations/{agent.conversation}", {"history": "from-join"})
    await agent.open()
    await agent.append("a secret")
    await agent.stored("a secret")
    await world.service("PUT", f"/api/v1/users/{world.id_of('carol')}", {})
    path = f"/api/v1/conversations/{agent.conversation}/members"
    await world.service("POST", path, {"userIds": [world.id_of("carol")]})
    carol, bob = await world.connect("carol"), Reader(await world.connect("bob"))
    await agent.append(" more")
    await bob.until_has("a secret more")
    await agent.finish()
    await bob.read()
    assert await carol.pending("message:delta", "message:new", "message:updated") == []


async def test_the_author_is_asked_to_stop_by_whom_it_answers(world: World) -> None:
    agent, bob = await author(world), await world.connect("bob")
    question = await bob.send_message(agent.conversation, "A question")
    await agent.open(replyToId=question["id"])
    assert "stop" not in await agent.append("It was ")
    assert (await world.request("POST", f"/api/v1/messages/{agent.message['id']}/stop", by="bob")).status_code == 204
    event = await agent.socket.next("message:stop")
    stop = {"by": world.id_of("bob"), "at": event["at"]}
    assert event == {"messageId": agent.message["id"], "conversationId": agent.conversation, **stop}
    assert (await agent.append("sent", at=7)) == {"success": True, "length": 11, "stored": 0, "stop": stop}
    keep = await world.request(
        "POST", f"/api/v1/messages/{agent.message['id']}/keep", by="helper", json={"attempt": agent.attempt}
    )
    assert keep.json() == {"stop": stop}
    message = await agent.finish(error={"code": "stopped"})
    assert (message["state"], message["content"]) == ("stopped", "It was sent")
    await bob.done("message:stop", {"replyToId": question["id"]})
    again = await agent.open("s2", replyToId=question["id"])
    assert again["stop"]["by"] == world.id_of("bob")
    assert (await bob.next("message:updated"))["state"] == "stopped"


async def test_two_events_are_in_the_log_however_much_is_written(world: World) -> None:
    agent = await author(world)
    cursor = (await world.service("GET", "/api/v1/events"))["cursor"]
    await agent.open()
    for number in range(50):
        await agent.append(f"{number} ")
    message = await agent.finish()
    found = await world.service("GET", f"/api/v1/events?after={cursor}")
    own = [each for each in found["items"] if message["id"] in str(each)]
    assert [each["type"] for each in own] == ["message:new", "message:updated"]
    assert own[1]["data"]["content"] == message["content"]


# --- a server that is killed ------------------------------------------------------------------------------------------


@asynccontextmanager
async def _running(folder: Path, people: World | None = None) -> AsyncIterator[World]:
    with running_chat(folder) as server:
        async with world_at(server) as world:
            if people is not None:
                world.take_ids_of(people)
            yield world


async def test_what_was_stored_is_there_after_the_server_was_killed(tmp_path: Path) -> None:
    async with _running(tmp_path) as before:
        agent = await author(before)
        await agent.open()
        text = f"Hello {SMILE}. " * 10
        await agent.append(text)
        await agent.stored(text)
        await agent.append("not stored")
        before.server.process.kill()  # type: ignore[attr-defined]
        before.server.wait_ended()  # type: ignore[attr-defined]
    async with _running(tmp_path, before) as after:
        reader = Reader(await after.connect("bob"))
        again = Author(after, await after.connect("helper"), agent.conversation)
        answer = await again.open()
        assert (answer["message"]["id"], answer["attempt"]) == (agent.message["id"], 2)
        ((part),) = answer["parts"]
        assert part["length"] == part["stored"] >= len(text.encode("utf-16-le")) // 2
        whole = text + "not stored"
        await again.append(whole, at=0)
        await again.append(" and more", at=len(whole.encode("utf-16-le")) // 2)
        message = await again.finish()
        assert message["content"] == whole + " and more"
        assert (await reader.read())["content"] == message["content"] == reader.text
