"""Messages that are written by one request, whose body is read as it arrives, through a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from talkwire.api.streamed_bodies.arriving_body import BODY_IDLE_S
from talkwire.app import Node
from talkwire.settings import Settings
from tests.chat.body_sender import PATH, sending, sending_to
from tests.chat.chat_client import Payload
from tests.chat.chat_server import SECRET, jump_ahead, serving
from tests.chat.conftest import World, world_at
from tests.chat.test_agents import with_agent
from tests.chat.test_growing import Reader
from tests.chat.test_parts import PLAN, TOOL
from tests.waiting import SteppedClock, turns, until_asked

SMILE = "\N{GRINNING FACE}"


class Letter:
    """A message that the agent `helper` is to write by one request, and bob, who reads it."""

    def __init__(self, world: World, conversation: str, bob: Reader, asked: Payload) -> None:
        self.world, self.conversation, self.bob, self.asked = world, conversation, bob, asked
        self.client_message_id = "b1"

    def params(self, format_: str = "text", **more: object) -> dict[str, object]:
        where = {"conversationId": self.conversation, "clientMessageId": self.client_message_id}
        return {"format": format_, **where, **more}

    async def post(
        self, body: bytes | AsyncIterator[bytes], format_: str = "text", headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        answer = await self.world.request(
            "POST", PATH, by="helper", params=self.params(format_), content=body, headers=headers or {}
        )
        return answer.status_code, answer.json()

    async def opened(self) -> Payload:
        """Returns the message as bob receives it first."""
        while "state" not in (message := await self.bob.socket.next("message:new")):
            pass
        return message

    async def left(self) -> list[Payload]:
        """Returns what members see of the agent's messages."""
        path = f"/api/v1/conversations/{self.conversation}/messages"
        items = (await self.world.request("GET", path, by="bob", params={"limit": 100})).json()["items"]
        return [each for each in items if each["senderId"] == self.world.id_of("helper")]

    async def is_stored(self) -> bool:
        """Returns whether something of the agent's message is in the database."""
        return any(each["content"] for each in await self.left())

    async def until_left(self, state: str, content: str) -> Payload:
        async def is_left() -> bool:
            return [(each.get("state"), each["content"]) for each in await self.left()] == [(state, content)]

        await until_asked(is_left)
        return (await self.left())[0]


async def letter(world: World) -> Letter:
    conversation, _ = await with_agent(world)
    bob = await world.connect("bob")
    asked = await bob.send_message(conversation, "Where is it?")
    return Letter(world, conversation, Reader(bob), asked)


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


# --- the way of a body ------------------------------------------------------------------------------------------------


async def test_readers_see_a_body_grow_and_the_author_is_answered_at_its_end(world: World) -> None:
    work = await letter(world)
    async with sending(world, work.params(replyToId=work.asked["id"], metadata='{"order": 17}')) as author:
        await author.send(b"It was ")
        opened = await work.opened()
        assert (opened["state"], opened["replyTo"]["id"]) == ("streaming", work.asked["id"])
        await work.bob.until_has("It was ")
        await author.send(b"sent ")
        await author.send(b"today.")
        await work.bob.until_has("It was sent today.")
        status, answer = await author.end()
    assert (status, answer["message"]["state"]) == (200, "done")
    assert answer.keys() == {"message"}
    assert (answer["message"]["content"], answer["message"]["metadata"]) == ("It was sent today.", {"order": 17})
    assert await work.left() == [answer["message"]]
    assert (await work.bob.read())["content"] == "It was sent today."


async def test_a_body_with_a_length_is_read_as_it_arrives(world: World) -> None:
    work = await letter(world)
    async with sending(world, work.params(), length=11) as author:
        await author.send(b"Hello")
        await work.bob.socket.next("message:new")
        await work.bob.until_has("Hello")
        await author.send(b" world")
        assert (await author.answer())[1]["message"]["content"] == "Hello world"


async def test_half_of_a_character_waits_for_its_other_half(world: World) -> None:
    work = await letter(world)
    text = f"a{SMILE}\N{LATIN SMALL LETTER E WITH ACUTE}z"
    async with sending(world, work.params()) as author:
        for byte in text.encode():
            await author.send(bytes([byte]))
        status, answer = await author.end()
    assert (status, answer["message"]["content"]) == (200, text)
    escaped = json.dumps(f"{SMILE}!").encode()
    lines = [b'{"text": "a%b"}\n{"text": %b}\n{"finish": {}}' % (escaped[1:7], b'"' + escaped[7:])]
    work.client_message_id = "b2"
    status, answer = await work.post(in_pieces(*lines), "ndjson")
    assert (status, answer["message"]["content"]) == (200, f"a{SMILE}!")


async def test_the_last_line_says_whether_the_turn_of_the_agent_continues(world: World) -> None:
    work = await letter(world)
    change = {"agents": "all"}
    await world.request("PATCH", f"/api/v1/conversations/{work.conversation}", by="alice", json=change)
    await work.bob.socket.send_message(work.conversation, "And when?")
    (turn,) = (await world.request("POST", "/api/v1/turns/claim", by="helper", json={})).json()["turns"]
    states = []
    for number, more in enumerate((True, False)):
        lines = [json.dumps({"text": "Today."}), json.dumps({"finish": {"more": more}})]
        where = work.params("ndjson", turn=turn["token"]) | {"clientMessageId": f"t{number}"}
        body = "\n".join(lines).encode()
        answer = await world.request("POST", PATH, by="helper", params=where, content=body)
        assert answer.json()["message"]["state"] == "done"
        listed = (await world.request("GET", "/api/v1/turns", by="helper")).json()["items"]
        states.append(listed[0]["state"])
    assert states == ["working", "done"]


LINES: Sequence[dict[str, object]] = (
    {"text": "Hm", "type": "reasoning"},
    {"text": ", yes", "type": "reasoning"},
    {"set": TOOL},
    {"text": "It was "},
    {"set": {**TOOL, "state": "output-available", "output": 5}},
    {"set": PLAN},
    {"part": 2, "text": "sent."},
    {"text": ""},
    {"text": "Bye."},
    {"finish": {"state": "failed", "error": {"code": "busy", "message": "Later."}}},
)


async def test_lines_of_json_write_all_types_of_parts(world: World) -> None:
    work = await letter(world)
    body = "\r\n\n".join(json.dumps(line) for line in LINES).encode()
    status, answer = await work.post(in_pieces(body[:50], body[50:51], body[51:]), "ndjson")
    assert status == 200, answer
    message = answer["message"]
    assert (message["state"], message["error"]) == ("failed", {"code": "busy", "message": "Later."})
    assert message["parts"] == [
        {"type": "reasoning", "text": "Hm, yes"},
        {**TOOL, "state": "output-available", "output": 5},
        {"type": "text", "text": "It was sent."},
        PLAN,
        {"type": "text", "text": "Bye."},
    ]


async def test_the_last_line_may_replace_everything(world: World) -> None:
    work = await letter(world)
    finish = {"finish": {"parts": [{"type": "text", "text": "All of it."}]}}
    status, answer = await work.post(b'{"text": "x"}\n' + json.dumps(finish).encode(), "ndjson")
    assert (status, answer["message"]["content"], answer["message"]["state"]) == (200, "All of it.", "done")


# --- what is refused --------------------------------------------------------------------------------------------------

BEFORE: list[tuple[dict[str, str | None], bytes, int, str]] = [
    ({"format": "xml"}, b"Hello", 422, "format"),
    ({"conversationId": None}, b"Hello", 422, "conversationId: is missing"),
    ({"clientMessageId": None}, b"Hello", 422, "clientMessageId: must be set"),
    ({"format": None}, b'{"conversationId": "c", "clientMessageId": "b1"}', 422, "unless there is a format"),
    ({"conversationId": "nowhere"}, b"Hello", 403, "no access"),
    ({"replyToId": "9"}, b"Hello", 403, "no access"),
    ({"leaseS": "301"}, b"Hello", 422, "leaseS"),
    ({"leaseS": "soon"}, b"Hello", 422, "leaseS"),
    ({"metadata": "{"}, b"Hello", 422, "metadata: must be JSON"),
    ({"metadata": "[]"}, b"Hello", 422, "metadata: must be a JSON object"),
    ({"senderId": "someone"}, b"Hello", 403, ""),
    ({"ifLastSeq": "0"}, b"Hello", 409, ""),
    ({"ifHandler": "someone"}, b"Hello", 409, ""),
    ({"message": "x"}, b"Hello", 422, "message: is not a parameter here"),
]


async def test_a_request_that_cannot_open_a_stream_leaves_nothing(world: World) -> None:
    work = await letter(world)
    for change, body, status, words in BEFORE:
        params = {name: value for name, value in {**work.params(), **change}.items() if value is not None}
        answer = await world.request("POST", PATH, by="helper", params=params, content=body)
        assert (answer.status_code, words in answer.text) == (status, True), (change, answer.text)
    assert await work.left() == []


async def test_nobody_learns_what_is_wrong_without_a_sign_in(world: World) -> None:
    answer = await world.request("POST", PATH, params={"format": "text", "metadata": "{"}, content=b"Hello")
    assert answer.status_code == 401


HEADS: list[tuple[dict[str, str], bytes, int, str]] = [
    ({"content-encoding": "gzip"}, b"Hello", 422, "Content-Encoding"),
    ({}, b"x" * (1024 * 1024 + 1), 413, "1048576 bytes"),
]


async def test_a_body_that_cannot_be_read_leaves_nothing(world: World) -> None:
    work = await letter(world)
    for headers, body, status, words in HEADS:
        refused, answer = await work.post(body, headers=headers)
        assert (refused, words in answer["error"]["message"]) == (status, True), answer
    assert await work.left() == []


def line(**members: object) -> bytes:
    return json.dumps(members).encode() + b"\n"


BAD_BODIES: list[tuple[str, str, Sequence[bytes], int, str, str | None]] = [
    ("text: empty", "text", [b""], 422, "parts", None),
    ("text: blank", "text", [b" \n"], 422, "parts", None),
    ("text: half an emoji at the end", "text", [b"Hello ", SMILE.encode()[:2]], 422, "half of a character", "Hello "),
    ("text: no UTF-8", "text", [b"Hello \xff world"], 422, "UTF-8", "Hello "),
    ("text: no UTF-8 later", "text", [b"Hello", b" \xc3", b"x"], 422, "UTF-8", "Hello "),
    ("text: NUL", "text", [b"Hello", b"\x00"], 422, "U+0000", "Hello"),
    ("ndjson: 1 MiB", "ndjson", [line(text="Hello"), *[b"\n" * 64 * 1024] * 16], 413, "1048576 bytes", "Hello"),
    ("ndjson: empty", "ndjson", [b""], 422, "finish", None),
    ("ndjson: no finish", "ndjson", [line(text="Hello")], 422, "finish", "Hello"),
    ("ndjson: no JSON", "ndjson", [line(text="Hello"), b"what\n"], 422, "Line 2: must be valid JSON", "Hello"),
    ("ndjson: no UTF-8", "ndjson", [line(text="Hello"), b'{"text": "\xff"}\n'], 422, "Line 2", "Hello"),
    ("ndjson: NaN", "ndjson", [line(text="Hello"), b'{"text": "\\ud83d", "part": NaN}\n'], 422, "Line 2", "Hello"),
    ("ndjson: no object", "ndjson", [line(text="Hello"), b"[]\n"], 422, "Line 2", "Hello"),
    ("ndjson: nothing in it", "ndjson", [line(text="Hello"), b"{}\n"], 422, "exactly one of", "Hello"),
    ("ndjson: two at once", "ndjson", [line(text="Hello"), line(text="x", set=TOOL)], 422, "exactly one", "Hello"),
    ("ndjson: unknown member", "ndjson", [line(text="Hello"), line(txt="x")], 422, "txt", "Hello"),
    ("ndjson: unknown type", "ndjson", [line(text="Hello"), line(text="x", type="tool")], 422, "type", "Hello"),
    ("ndjson: a type for a tool", "ndjson", [line(text="Hello"), line(set=TOOL, type="text")], 422, "type", "Hello"),
    (
        "ndjson: another type",
        "ndjson",
        [line(text="Hello"), line(part=0, text="x", type="reasoning")],
        422,
        "type",
        "Hello",
    ),
    (
        "ndjson: set of a text",
        "ndjson",
        [line(text="Hello"), line(set={"type": "text", "text": "x"})],
        422,
        "set",
        "Hello",
    ),
    ("ndjson: set over a text", "ndjson", [line(text="Hello"), line(part=0, set=TOOL)], 422, "set.type", "Hello"),
    ("ndjson: no such part", "ndjson", [line(text="Hello"), line(part=2, text="x")], 409, "no such part", "Hello"),
    ("ndjson: part -1", "ndjson", [line(text="Hello"), line(part=-1, text="x")], 422, "part", "Hello"),
    (
        "ndjson: finish twice",
        "ndjson",
        [line(text="Hello"), line(finish={}), line(finish={})],
        422,
        "last line",
        "Hello",
    ),
    (
        "ndjson: after finish",
        "ndjson",
        [line(text="Hello"), line(finish={}), line(text="x")],
        422,
        "last line",
        "Hello",
    ),
    (
        "ndjson: unknown state",
        "ndjson",
        [line(text="Hello"), line(finish={"state": "interrupted"})],
        422,
        "state",
        "Hello",
    ),
    (
        "ndjson: no such file",
        "ndjson",
        [line(text="Hello"), line(finish={"attachments": [{"id": "x"}]})],
        403,
        "no access",
        "Hello",
    ),
    (
        "ndjson: half an emoji",
        "ndjson",
        [line(text="Hello"), b'{"text": "\\ud83d"}\n', line(finish={})],
        422,
        "half",
        "Hello",
    ),
    ("ndjson: other halves", "ndjson", [line(text="Hello"), b'{"text": "\\ude00x"}\n'], 422, "half", "Hello"),
    (
        "ndjson: half, then a tool",
        "ndjson",
        [line(text="Hello"), b'{"text": "\\ud83d"}\n', line(set=TOOL)],
        422,
        "half",
        "Hello",
    ),
    ("ndjson: long line", "ndjson", [line(text="Hello"), b" " * (257 * 1024)], 413, "Line 2", "Hello"),
    ("ndjson: many objects", "ndjson", [line(text="Hello"), b"[" * 20_000], 422, "must", "Hello"),
    (
        "ndjson: part 101",
        "ndjson",
        [line(text="Hello"), *[line(part=n, text="x", type="reasoning") for n in range(1, 101)]],
        422,
        "must be below 100",
        "Hello",
    ),
]


async def test_a_bad_body_is_refused_and_what_was_valid_is_kept(world: World) -> None:
    work = await letter(world)
    for name, format_, pieces, status, words, left in BAD_BODIES:
        work.client_message_id = name
        refused, answer = await work.post(in_pieces(*pieces), format_)
        assert (refused, words in answer["error"]["message"]) == (status, True), (name, answer)
        messages = [each for each in await work.left() if each["clientMessageId"] == name and not each.get("deletedAt")]
        expected = [] if left is None else [("interrupted", left)]
        assert [(each["state"], each["content"]) for each in messages] == expected, name


async def test_of_a_text_that_is_too_long_the_pieces_that_fit_are_kept(world: World) -> None:
    work = await letter(world)
    refused, answer = await work.post(b"x" * 65 * 1024)
    assert (refused, answer["error"]["message"]) == (413, "part: at most 65536 bytes")
    (message,) = await work.left()
    assert message["state"] == "interrupted"
    assert 60 * 1024 <= len(message["content"]) <= 64 * 1024


# --- breaks, and what others do ---------------------------------------------------------------------------------------


async def test_a_broken_body_is_interrupted_and_written_anew_by_the_next_request(world: World) -> None:
    work = await letter(world)
    async with sending(world, work.params()) as author:
        await author.send(b"It was se")
        await work.bob.until_has("It was se")
    await work.until_left("interrupted", "It was se")
    async with sending(world, work.params()):
        await work.until_left("streaming", "It was se")
    await work.until_left("interrupted", "It was se")
    async with sending(world, work.params()) as author:
        await author.send(b"Sent.")
        await work.bob.until_has("Sent.")
        status, answer = await author.end()
    assert (status, answer["message"]["content"], answer["message"]["state"]) == (200, "Sent.", "done")
    assert await work.left() == [answer["message"]]


async def test_a_body_that_breaks_before_its_first_byte_leaves_nothing(world: World) -> None:
    work = await letter(world)
    async with sending(world, work.params()):
        await work.opened()
    await work.bob.socket.next("message:deleted")
    assert [each for each in await work.left() if not each.get("deletedAt")] == []


async def test_a_request_that_writes_is_superseded_by_the_next_one(world: World) -> None:
    work = await letter(world)
    async with sending(world, work.params()) as first:
        await first.send(b"First")
        await work.bob.until_has("First")
        async with sending(world, work.params()) as second:
            status, answer = await first.answer()
            assert (status, answer["error"]["details"]) == (409, {"reason": "superseded"})
            await first.send(b" and more")
            await second.send(b"Second")
            assert (await second.end())[1]["message"]["content"] == "Second"


async def test_a_request_for_an_ended_message_is_answered_without_its_body(world: World) -> None:
    work = await letter(world)
    _, first = await work.post(b"Hello")
    async with sending(world, work.params()) as author:
        await author.send(b"Something ")
        assert await author.answer() == (200, first)
    async with sending(world, work.params(metadata="{}")) as author:
        assert (await author.answer())[0] == 409


async def test_a_request_that_is_refused_is_answered_while_its_body_comes(world: World) -> None:
    work = await letter(world)
    async with sending(world, work.params(), by="bob") as author:
        await author.send(b"Hello")
        status, answer = await author.answer()
        assert (status, answer["error"]["details"]) == (403, {"setting": "streams"})
    async with sending(world, work.params(conversationId="nowhere")) as author:
        assert (await author.answer())[0] == 403


async def test_an_author_who_is_stopped_is_answered_at_once(world: World) -> None:
    work = await letter(world)
    async with sending(world, work.params(replyToId=work.asked["id"])) as author:
        await author.send(b"It was ")
        await work.bob.until_has("It was ")
        await work.bob.socket.done("message:stop", {"replyToId": work.asked["id"]})
        status, answer = await author.answer()
        assert (status, answer["message"]["state"], answer["message"]["content"]) == (200, "stopped", "It was ")
        await author.send(b"sent today.")
    assert (await work.left())[0]["content"] == "It was "
    async with sending(world, work.params(replyToId=work.asked["id"], clientMessageId="b2")) as author:
        assert (await author.answer())[1]["message"]["state"] == "stopped", "answers are stopped for an hour"


@pytest.mark.parametrize("what", ["removed", "banned", "deleted"])
async def test_an_author_who_may_not_write_any_more_is_answered_at_once(world: World, what: str) -> None:
    work = await letter(world)
    async with sending(world, work.params()) as author:
        await author.send(b"It was ")
        message = await work.opened()
        await until_asked(work.is_stored)
        helper = world.id_of("helper")
        if what == "removed":
            await world.service("DELETE", f"/api/v1/conversations/{work.conversation}/members/{helper}")
        elif what == "banned":
            await world.service("PUT", f"/api/v1/users/{helper}/ban", {})
        else:
            await world.service("DELETE", f"/api/v1/messages/{message['id']}")
        status, answer = await author.answer()
    expected = {"removed": (403, "forbidden"), "banned": (403, "banned"), "deleted": (409, "conflict")}
    assert (status, answer["error"]["code"]) == expected[what]
    if what == "deleted":
        (left,) = await work.left()
        assert "content" not in left
    else:
        await work.until_left("interrupted", "It was ")


async def test_an_answer_that_is_to_stop_keeps_its_text_when_it_is_sent_again(world: World) -> None:
    work = await letter(world)
    async with sending(world, work.params(replyToId=work.asked["id"])) as author:
        await author.send(b"It was ")
        await until_asked(work.is_stored)
        message = (await work.left())[0]
        opening = {name: value for name, value in work.params(replyToId=work.asked["id"]).items() if name != "format"}
        taken_over = await world.request("POST", PATH, by="helper", json=opening)
        assert (taken_over.json()["attempt"], (await author.answer())[0]) == (2, 409)
    await work.bob.socket.done("message:stop", {"messageId": message["id"]})
    async with sending(world, work.params(replyToId=work.asked["id"])) as again:
        status, answer = await again.answer()
    assert (status, answer["message"]["state"], answer["message"]["content"]) == (200, "stopped", "It was ")


async def test_a_long_body_that_comes_at_once_is_written_in_few_appends(world: World) -> None:
    work = await letter(world)
    before = await executed(world, "message:append")
    async with sending(world, work.params()) as author:
        for number in range(1000):
            await author.send(b"%d," % number)
        status, answer = await author.end()
    assert (status, answer["message"]["content"]) == (200, "".join(f"{number}," for number in range(1000)))
    assert await executed(world, "message:append") - before < 100


async def executed(world: World, command: str) -> float:
    """Returns how many commands of a name the server has executed."""
    text = (await world.http.get("/metrics")).text
    prefix = f'talkwire_commands_total{{command="{command}"'
    return sum(float(row.split()[-1]) for row in text.splitlines() if row.startswith(prefix))


# --- time, sign-in and shutdown ---------------------------------------------------------------------------------------


@asynccontextmanager
async def own_world(folder: Path) -> AsyncIterator[World]:
    """Users of a server in this process, which everyone may stream through."""
    settings = Settings(
        data=folder / "data",
        jwt_secret=SECRET,
        rate_limits=False,
        accounts="open",
        streams="everyone",
        log_format="json",
    )
    async with serving(Node(settings)) as server, world_at(server) as world:
        yield world


async def test_a_body_that_pauses_for_too_long_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with own_world(tmp_path) as world:
        work = await letter(world)
        async with sending(world, work.params()) as author:
            await author.send(b"It was ")
            await work.bob.until_has("It was ")
            jump_ahead(monkeypatch, BODY_IDLE_S + 1)
            status, answer = await author.answer()
        assert (status, answer["error"]["message"]) == (422, "body: paused for 30 seconds")
        await work.until_left("interrupted", "It was ")


async def test_bytes_that_write_nothing_renew_the_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with own_world(tmp_path) as world:
        work = await letter(world)
        async with sending(world, work.params("ndjson")) as author:
            await author.send(line(text="It was "))
            await work.bob.until_has("It was ")
            for _ in range(3):
                jump_ahead(monkeypatch, BODY_IDLE_S - 1)
                before = await kept(world)
                await author.send(b"\n")
                await until_asked(partial(has_kept_more, world, before))
            await author.send(line(finish={}))
            assert (await author.end())[0] == 200


async def kept(world: World) -> float:
    return await executed(world, "message:keep")


async def has_kept_more(world: World, before: float) -> bool:
    return await kept(world) > before


async def test_pieces_that_arrive_faster_than_20_a_second_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with own_world(tmp_path) as world:
        work = await letter(world)
        async with sending(world, work.params()) as author:
            await author.send(b"0")
            await work.bob.until_has("0")
            before = await executed(world, "message:append")
            clock = SteppedClock(monkeypatch)
            for number in range(1, 10):
                await author.send(b"%d" % number)
                await turns(100)
            clock.advance(1)
            await turns(100)
            monkeypatch.undo()
            status, answer = await author.end()
        assert (status, answer["message"]["content"]) == (200, "0123456789")
        assert await executed(world, "message:append") - before <= 2


async def test_the_end_of_a_sign_in_ends_its_requests(tmp_path: Path) -> None:
    async with own_world(tmp_path) as world:
        account = {"email": "carol@example.com", "password": "long enough", "name": "Carol"}
        carol = (await world.request("POST", "/api/v1/auth/register", json=account)).json()
        group = {"kind": "group", "id": "c", "memberIds": [carol["user"]["id"]]}
        await world.service("POST", "/api/v1/conversations", group)
        params = {"format": "text", "conversationId": "c", "clientMessageId": "b1"}
        async with sending_to(world.server.url, carol["token"], params) as author:
            await author.send(b"Hello")
            await until_asked(partial(has_begun, world))
            headers = {"authorization": f"Bearer {carol['token']}"}
            await world.request("POST", "/api/v1/auth/logout", headers=headers)
            status, answer = await author.answer()
        assert (status, answer["error"]["message"]) == (401, "The sign-in of this request has ended.")
        (left,) = (await world.service("GET", "/api/v1/conversations/c/messages"))["items"]
        assert (left["state"], left["content"]) == ("interrupted", "Hello")


async def has_begun(world: World) -> bool:
    return await executed(world, "message:append") > 0


async def test_a_server_that_stops_asks_for_the_request_again(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with own_world(tmp_path) as world:
            work = await letter(world)
            author = await stack.enter_async_context(sending(world, work.params()))
            await author.send(b"It was ")
            await work.bob.until_has("It was ")
        status, answer = await author.answer()
    assert (status, answer["error"]["code"]) == (503, "unavailable")
    async with own_world(tmp_path) as world:
        again = Letter(world, work.conversation, work.bob, work.asked)
        world.take_ids_of(work.world)
        assert [(each["state"], each["content"]) for each in await again.left()] == [("streaming", "It was ")]
        status, answer = await again.post(b"Sent.")
        assert (status, answer["message"]["content"]) == (200, "Sent.")
