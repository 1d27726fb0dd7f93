"""Who may write a message while others read it, which attempt does, and how its stream ends, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.files import GetFile
from talkwire.core.commands.members import RemoveMember
from talkwire.core.commands.messages import (
    AttachmentRef,
    DeleteMessage,
    GetMessage,
    SendMessage,
)
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.streams.storing import (
    BeginStream,
    BegunStream,
    Checkpoint,
    EndStream,
    FindStream,
    KeepCheckpoints,
)
from talkwire.core.commands.streams.writing import AppendToMessage, FinishMessage, OpenedStream, StreamMessage
from talkwire.core.domain.access_policy import AccessPolicy, Streamers
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageDeleted, MessageSent, StreamAdvanced, StreamStateChanged
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import DataPart, MessagePart, ReasoningPart, SourcePart, TextPart
from talkwire.core.domain.parts.streams import CONTINUABLE_MS, Stream, StreamError
from talkwire.core.features.messages.sending import ATTACHMENTS_MAX
from talkwire.storage.schema import mentions, messages, streams
from tests.contracts.node import ALICE, BACKEND, BOB, MALLORY, Clock, Node, running
from tests.contracts.test_parts import HELPER, upload, with_agent
from tests.core.test_parts import ALL, TOOL
from tests.databases import Database
from tests.waiting import deadline, until, until_asked

HERE, ELSEWHERE = "node-a", "node-b"
LEASE_MS = 15_000
TEXT = TextPart("Hello")


def begin(client_message_id: str = "s1", node_id: str = HERE, lease_ms: int = LEASE_MS, **send: Any) -> BeginStream:  # noqa: ANN401 (fields of the command)
    return BeginStream(SendMessage("c", client_message_id=client_message_id, **send), node_id, lease_ms)


def end(begun: BegunStream, *parts: MessagePart, **more: Any) -> EndStream:  # noqa: ANN401 (fields of the command)
    stream = stream_of(begun)
    fields = {"attempt": stream.attempt, "node_id": stream.node_id, "state": "done", **more}
    return EndStream(message_id=stream.message_id, parts=parts, **fields)


def keep(begun: BegunStream, *parts: MessagePart, node_id: str = HERE) -> KeepCheckpoints:
    stream = stream_of(begun)
    return KeepCheckpoints(node_id, (Checkpoint(stream.message_id, stream.attempt, parts),))


def stream_of(begun: BegunStream) -> Stream:
    assert begun.stream is not None
    return begun.stream


async def refused(node: Node, actor: Actor, command: Any) -> ChatError:  # noqa: ANN401 (a command)
    with pytest.raises(ChatError) as refusal:
        await node.do(actor, command)
    return refusal.value


async def found(node: Node, begun: BegunStream) -> Message:
    message = (await node.do(NODE, FindStream(begun.message.id))).message
    assert isinstance(message, Message)
    return message


async def rows(node: Node) -> list[Any]:
    with node.read_engine.connect() as connection:
        return [*connection.execute(select(streams))]


def changes(node: Node) -> list[tuple[str | None, bool]]:
    """Returns the states of the stream's events so far, and whether each was the first end."""
    return [(each.message.state, each.is_first) for each in node.log if isinstance(each, StreamStateChanged)]


# --- opening ----------------------------------------------------------------------------------------------------------


async def test_a_stream_begins_as_an_empty_message_that_counts_at_once(node: Node) -> None:
    await with_agent(node)
    first = await node.send(BOB, "A question")
    begun = await node.do(HELPER, begin(reply_to_id=str(first.id), metadata={"a": 1}))
    message, stream = begun.message, stream_of(begun)
    assert (message.state, message.content, message.parts, message.seq) == ("streaming", "", (), first.seq + 1)
    assert (message.reply_to.id, message.metadata) == (first.id, {"a": 1})
    assert (stream.attempt, stream.author_id, stream.until_ms) == (1, "helper", node.clock.now_ms + LEASE_MS)
    assert begun.member_count == 3
    assert await found(node, begun) == message
    assert [event.message for event in node.log if isinstance(event, MessageSent)] == [first, message]


async def test_the_same_again_takes_over_with_a_higher_attempt(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    again = await node.do(HELPER, begin(node_id=ELSEWHERE, lease_ms=60_000))
    assert again.message == begun.message
    assert (stream_of(again).attempt, stream_of(again).node_id, stream_of(again).lease_ms) == (2, ELSEWHERE, 60_000)
    both = await node.in_one_batch((HELPER, begin("s2")), (HELPER, begin("s2")), (HELPER, begin("s2")))
    assert [stream_of(each).attempt for each in both] == [1, 2, 3]
    assert {each.message.id for each in both} == {both[0].message.id}
    assert len([event for event in node.log if isinstance(event, MessageSent)]) == 2
    assert len(await rows(node)) == 2


@pytest.mark.parametrize(
    "other",
    [
        begin(metadata={"a": 2}),
        begin(thread_id="9"),
        SendMessage("c", "Hello", "s1"),
        SendMessage("c", "", "s1", attachments=(AttachmentRef(url="https://example.com/a"),)),
    ],
    ids=["metadata", "thread", "a message", "an empty message"],
)
async def test_another_command_with_the_id_of_a_stream_is_a_conflict(node: Node, other: Any) -> None:  # noqa: ANN401 (a command)
    await with_agent(node)
    begun = await node.do(HELPER, begin(metadata={"a": 1}))
    assert await node.refusal(HELPER, other) == "conflict"
    await node.do(HELPER, end(begun, TEXT))
    assert await node.refusal(HELPER, other) == "conflict"


async def test_the_id_of_an_ordinary_message_is_a_conflict(node: Node) -> None:
    await with_agent(node)
    await node.do(HELPER, SendMessage("c", "", "s1", attachments=(AttachmentRef(url="https://example.com/a"),)))
    await node.send(HELPER, "Hello", "s2")
    for id_ in ("s1", "s2"):
        assert await node.refusal(HELPER, begin(id_)) == "conflict"
    assert await rows(node) == []


@pytest.mark.parametrize(
    ("streams_for", "author", "code"),
    [
        ("agents", (HELPER, None), None),
        ("agents", (BOB, None), "forbidden"),
        ("agents", (BACKEND, "bob"), None),
        ("everyone", (BOB, None), None),
        ("off", (HELPER, None), "forbidden"),
        ("off", (BACKEND, "bob"), "forbidden"),
        ("everyone", (MALLORY, None), "forbidden"),
        ("everyone", (BOB, "helper"), "forbidden"),
    ],
)
async def test_the_operator_says_who_streams(
    database: Database, clock: Clock, streams_for: Streamers, author: tuple[Actor, str | None], code: str | None
) -> None:
    actor, sender_id = author
    async with running(database, clock, policy=AccessPolicy(streams=streams_for)) as node:
        await with_agent(node)
        await node.users(MALLORY)
        command = begin(sender_id=sender_id)
        if code is None:
            assert (await node.do(actor, command)).message.sender_id == (sender_id or actor.user_id)
        else:
            assert await node.refusal(actor, command) == code


LOST: dict[str, tuple[Actor, Any, str]] = {
    "muted": (ALICE, RestrictMember("c", "helper", "mute"), "muted"),
    "banned from the conversation": (ALICE, RestrictMember("c", "helper", "ban"), "forbidden"),
    "banned": (BACKEND, BanUser("helper"), "banned"),
    "removed": (ALICE, RemoveMember("c", "helper"), "forbidden"),
}


@pytest.mark.parametrize("how", LOST)
async def test_who_may_not_write_any_more_neither_opens_nor_takes_over(node: Node, how: str) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, TEXT))
    by, command, code = LOST[how]
    await node.do(by, command)
    for client_message_id in ("s1", "s2"):
        assert await node.refusal(HELPER, begin(client_message_id)) == code
    node.clock.now_ms += LEASE_MS
    await node.fire()
    assert (await found(node, begun)).state == "interrupted"
    assert await node.refusal(HELPER, begin()) == code


async def test_a_stream_is_opened_only_after_what_its_author_has_seen(node: Node) -> None:
    await with_agent(node)
    seen = await node.send(BOB, "A question")
    begun = await node.do(HELPER, begin(if_last_seq=seen.seq))
    error = await refused(node, HELPER, begin("s2", if_last_seq=seen.seq))
    assert (error.code, error.cause) == ("conflict", "state_changed")
    assert await node.refusal(HELPER, begin("s2", if_last_seq=seen.seq + 5)) == "invalid_request"
    # Conditions are for the first attempt.
    assert stream_of(await node.do(HELPER, begin(if_last_seq=seen.seq))).attempt == 2
    assert begun.message.seq == seen.seq + 1
    assert await node.refusal(HELPER, begin("s3", if_handler="bob")) == "conflict"
    assert stream_of(await node.do(HELPER, begin("s3", if_handler=None))).attempt == 1


async def test_a_stream_in_a_thread_counts_from_its_beginning(node: Node) -> None:
    await with_agent(node)
    root = await node.send(BOB, "Root")
    begun = await node.do(HELPER, begin(thread_id=str(root.id)))
    assert begun.message.thread_id == root.id
    assert (await node.do(BOB, GetMessage(str(root.id)))).reply_count == 1
    node.clock.now_ms += LEASE_MS
    await node.fire()
    assert (await node.do(BOB, GetMessage(str(root.id)))).reply_count == 0


@pytest.mark.parametrize("lease_ms", [4_999, 300_001])
async def test_a_lease_has_5_to_300_seconds(node: Node, lease_ms: int) -> None:
    await with_agent(node)
    assert await node.refusal(HELPER, begin(lease_ms=lease_ms)) == "invalid_request"


# --- checkpoints ------------------------------------------------------------------------------------------------------


async def test_a_checkpoint_replaces_the_one_before_and_is_no_event(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    logged = await node.replay()
    for parts in (ALL[:1], ALL, (TextPart("Hello @Bob"),), (TextPart(" "), TOOL)):
        assert (await node.do(NODE, keep(begun, *parts))).lost == ()
        assert (await node.do(BOB, GetMessage(str(begun.message.id)))).parts == parts
    assert [event.pos for event in await node.replay()] == [event.pos for event in logged]
    with node.read_engine.connect() as connection:
        content = connection.execute(select(messages.c.content).where(messages.c.id == begun.message.id)).scalar_one()
        mentioned = connection.execute(select(mentions)).all()
    assert (content, mentioned) == ("", [])
    assert (await node.do(HELPER, begin())).message.parts == (TextPart(" "), TOOL)


async def test_only_the_newest_attempt_in_its_home_stores(node: Node) -> None:
    await with_agent(node)
    first = await node.do(HELPER, begin())
    await node.do(NODE, keep(first, TextPart("first")))
    second = await node.do(HELPER, begin(node_id=ELSEWHERE))
    other = await node.do(HELPER, begin("s2"))
    late = [
        keep(first, TextPart("late")),
        keep(first, TextPart("late"), node_id=ELSEWHERE),
        keep(second, TextPart("late")),
        KeepCheckpoints(HERE, (Checkpoint(7, 1, (TEXT,)),)),
    ]
    for command in late:
        assert (await node.do(NODE, command)).lost == (command.checkpoints[0].message_id,)
    assert (await found(node, first)).parts == (TextPart("first"),)
    mixed = KeepCheckpoints(HERE, (*late[0].checkpoints, *keep(other, TEXT).checkpoints))
    assert (await node.do(NODE, mixed)).lost == (first.message.id,)
    assert (await found(node, other)).parts == (TEXT,)
    assert (await node.do(NODE, keep(second, TextPart("second"), node_id=ELSEWHERE))).lost == ()
    assert await node.refusal(HELPER, keep(second, TEXT)) == "forbidden"


async def test_commands_of_one_transaction_see_each_others_checkpoints(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    kept, again, late, ended = await node.in_one_batch(
        (NODE, keep(begun, TextPart("kept"))),
        (HELPER, begin()),
        (NODE, keep(begun, TextPart("late"))),
        (HELPER, replace(end(begun, TextPart("all")), attempt=2)),
    )
    assert (kept.lost, again.message.parts, late.lost) == ((), (TextPart("kept"),), (begun.message.id,))
    assert (ended.content, await found(node, begun)) == ("all", ended)
    assert (await node.do(NODE, keep(begun, TextPart("late")))).lost == (begun.message.id,)


# --- ends -------------------------------------------------------------------------------------------------------------


async def test_the_end_writes_the_text_and_what_follows_from_it_and_is_no_edit(node: Node) -> None:
    await with_agent(node)
    await upload(node, HELPER, "f1")
    await upload(node, HELPER, "f2")
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, TextPart("Hel")))
    parts = (ReasoningPart("Hm"), TextPart("Hello @Bob"), SourcePart(file_id="f1"), TOOL)
    message = await node.do(HELPER, end(begun, *parts, attachments=(AttachmentRef("f2"),)))
    assert (message.state, message.content, message.parts) == ("done", "Hello @Bob", parts)
    assert (message.mentions, [each.id for each in message.attachments]) == (("bob",), ["f2", "f1"])
    assert (message.edited_ms, message.created_ms, message.seq) == (None, begun.message.created_ms, begun.message.seq)
    assert await node.do(BOB, GetMessage(str(message.id))) == message
    assert (await node.do(BOB, GetFile("f1"))).id == "f1"
    assert (changes(node), await rows(node), await node.next_timer_ms()) == ([("done", True)], [], None)


@pytest.mark.parametrize(
    ("by", "change", "error"),
    [
        (HELPER, {"attempt": 1}, ("conflict", {"reason": "superseded"})),
        (HELPER, {"attempt": 3}, ("conflict", {"reason": "superseded"})),
        (HELPER, {"node_id": ELSEWHERE}, ("conflict", {"reason": "superseded"})),
        (BOB, {}, ("forbidden", None)),
        (HELPER, {"parts": ()}, ("invalid_request", None)),
        (HELPER, {"parts": (ReasoningPart("Hm"),)}, ("invalid_request", None)),
        (HELPER, {"parts": (TextPart(" "),)}, ("invalid_request", None)),
        (HELPER, {"parts": (TextPart("x" * 65_537),)}, ("payload_too_large", None)),
        (HELPER, {"parts": (SourcePart(file_id="unknown"),)}, ("forbidden", None)),
        (HELPER, {"attachments": (AttachmentRef(),)}, ("invalid_request", None)),
        (HELPER, {"attachments": (AttachmentRef("f"),) * (ATTACHMENTS_MAX + 1)}, ("invalid_request", None)),
        (HELPER, {"error": StreamError("x", "\x00")}, ("invalid_request", None)),
        (HELPER, {"error": StreamError("\ud800")}, ("invalid_request", None)),
    ],
)
async def test_an_end_that_is_refused_changes_nothing(
    node: Node, by: Actor, change: dict[str, Any], error: tuple[str, Any]
) -> None:
    await with_agent(node)
    await node.do(HELPER, begin())
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, TEXT))
    refusal = await refused(node, by, replace(end(begun, TEXT), **change))
    assert refusal.code == error[0]
    if error[1] is not None:
        assert refusal.details == error[1]
    assert ((await found(node, begun)).state, changes(node)) == ("streaming", [])
    assert (await node.do(HELPER, end(begun, TEXT))).state == "done"


async def test_a_stream_ends_once(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    ended = await node.do(HELPER, end(begun, TEXT))
    for state in ("done", "failed"):
        error = await refused(node, HELPER, end(begun, TextPart("other"), state=state))
        assert (error.code, error.details) == ("conflict", {"reason": "ended", "state": "done"})
    again = await node.do(HELPER, begin())
    assert (again.message, again.stream) == (ended, None)
    sent = await node.send(HELPER, "Hello")
    error = await refused(node, HELPER, replace(end(begun, TEXT), message_id=sent.id))
    assert error.code == "conflict"
    assert await node.refusal(HELPER, replace(end(begun, TEXT), message_id=7)) == "forbidden"
    assert changes(node) == [("done", True)]


async def test_the_back_end_ends_the_streams_of_all(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    assert (await node.do(BACKEND, end(begun, TEXT))).state == "done"


async def test_a_stream_may_fail_without_a_text(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    error = StreamError("overloaded", "Try again later.")
    message = await node.do(HELPER, end(begun, state="failed", error=error))
    assert (message.state, message.content, message.parts, message.error) == ("failed", "", (), error)
    assert await node.do(BOB, GetMessage(str(message.id))) == message


async def test_a_message_that_is_deleted_while_it_is_open_stays_deleted(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, TextPart("a secret")))
    await node.do(ALICE, DeleteMessage(str(begun.message.id)))
    assert (await node.do(NODE, keep(begun, TextPart("a secret")))).lost == (begun.message.id,)
    error = await refused(node, HELPER, end(begun, TEXT))
    assert (error.code, error.details) == ("conflict", {"reason": "ended"})
    again = await node.do(HELPER, begin())
    assert (again.stream, again.message.deleted_ms) == (None, node.clock.now_ms)
    node.clock.now_ms += LEASE_MS
    await node.fire()
    assert (changes(node), await rows(node), await node.next_timer_ms()) == ([], [], None)
    with node.read_engine.connect() as connection:
        assert "secret" not in str(connection.execute(select(messages.c.extra)).all())


# --- leases -----------------------------------------------------------------------------------------------------------


async def test_a_lease_ends_after_its_time_without_a_write_and_never_earlier(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    for _ in range(3):
        node.clock.now_ms += LEASE_MS - 1
        await node.fire()
        assert (await found(node, begun)).state == "streaming"
        await node.do(NODE, keep(begun, TextPart("Hello @Bob")))
    node.clock.now_ms += LEASE_MS - 1
    await node.fire()
    assert changes(node) == []
    node.clock.now_ms += 1
    await node.fire()
    message = await found(node, begun)
    assert (message.state, message.content, message.mentions) == ("interrupted", "Hello @Bob", ("bob",))
    assert changes(node) == [("interrupted", True)]
    error = await refused(node, HELPER, end(begun, TEXT))
    assert error.details == {"reason": "ended", "state": "interrupted"}


async def test_the_lease_of_the_newest_attempt_counts(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin(lease_ms=300_000))
    await node.do(HELPER, begin(lease_ms=5_000))
    await node.do(NODE, keep(begun, TEXT))
    node.clock.now_ms += 5_000
    await node.fire()
    assert [event.message.id for event in node.log if isinstance(event, MessageDeleted)] == [begun.message.id]


@pytest.mark.parametrize("parts", [(), (TextPart("\n"),), (ReasoningPart(" "), TextPart("  "))])
async def test_an_interrupted_stream_without_anything_is_deleted(node: Node, parts: tuple[MessagePart, ...]) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, *parts))
    node.clock.now_ms += LEASE_MS
    await node.fire()
    message = await found(node, begun)
    assert (message.deleted_ms, message.state, changes(node)) == (node.clock.now_ms, None, [])
    assert (await rows(node), await node.next_timer_ms()) == ([], None)


@pytest.mark.parametrize("parts", [(TextPart(" Hello\n"),), ALL, (ReasoningPart("Hm"),), (DataPart("n", 1),)])
async def test_an_interrupted_stream_is_continued_within_an_hour(node: Node, parts: tuple[MessagePart, ...]) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, *parts))
    node.clock.now_ms += LEASE_MS
    await node.fire()
    node.clock.now_ms += CONTINUABLE_MS - 1
    await node.fire()
    again = await node.do(HELPER, begin(node_id=ELSEWHERE))
    assert (stream_of(again).attempt, again.message.state, again.message.parts) == (2, "streaming", parts)
    assert await found(node, begun) == again.message
    assert (await node.do(NODE, keep(again, *parts, TEXT, node_id=ELSEWHERE))).lost == ()
    await node.do(HELPER, end(again, *parts, TEXT))
    assert changes(node) == [("interrupted", True), ("streaming", False), ("done", False)]
    assert (await found(node, begun)).parts == (*parts, TEXT)


@pytest.mark.parametrize("fires", [True, False])
async def test_an_interrupted_stream_is_not_continued_after_an_hour(node: Node, *, fires: bool) -> None:
    """Also if no node has looked at its timer."""
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, TEXT))
    node.clock.now_ms += LEASE_MS
    await node.fire()
    node.clock.now_ms += CONTINUABLE_MS
    if fires:
        await node.fire()
        assert (await rows(node), await node.next_timer_ms()) == ([], None)
    again = await node.do(HELPER, begin())
    assert (again.stream, again.message.state, again.message.content) == (None, "interrupted", "Hello")
    error = await refused(node, HELPER, end(begun, TEXT))
    assert error.details == {"reason": "ended", "state": "interrupted"}


# --- through the home -------------------------------------------------------------------------------------------------


async def opened(node: Node, client_message_id: str = "s1") -> OpenedStream:
    answer = await node.do(HELPER, StreamMessage(conversation_id="c", client_message_id=client_message_id))
    assert isinstance(answer, OpenedStream)
    return answer


async def until_stored(node: Node, stream: OpenedStream, content: str) -> None:
    """Waits until the stream's home has stored a content. It does so within a second, and renews the lease."""

    async def is_stored() -> bool:
        message = await node.do(BACKEND, GetMessage(str(stream.message.id)))
        return bool(message.content == content)

    await until_asked(is_stored)


def append(stream: OpenedStream, text: str, part: int = 0, **more: Any) -> AppendToMessage:  # noqa: ANN401 (fields of the command)
    assert stream.attempt is not None
    fields = {"attempt": stream.attempt, **more}
    return AppendToMessage(message_id=str(stream.message.id), part=part, text=text, **fields)


def finish(stream: OpenedStream, **more: Any) -> FinishMessage:  # noqa: ANN401 (fields of the command)
    assert stream.attempt is not None
    return FinishMessage(message_id=str(stream.message.id), attempt=stream.attempt, **more)


async def test_blank_parts_do_not_keep_a_stream_from_ending(node: Node) -> None:
    await with_agent(node)
    stream = await opened(node)
    for part, (text, kind) in enumerate([("\n", "reasoning"), ("Hello", "text"), ("\n\n", "text")]):
        await node.do(HELPER, append(stream, text, part, type=kind))
    message = await node.do(HELPER, finish(stream))
    assert (message.content, message.parts, message.state) == ("Hello", (), "done")


async def test_nothing_is_written_while_and_after_the_stream_ends(node: Node) -> None:
    await with_agent(node)
    stream = await opened(node)
    await node.do(HELPER, append(stream, "Hello"))
    with node.clock.stopped():
        ending = asyncio.ensure_future(node.chat.execute(HELPER, finish(stream)))
        await node.clock.wait_until_asked()
        assert await node.refusal(HELPER, append(stream, " world")) == "unavailable"
        assert await node.refusal(HELPER, finish(stream)) == "unavailable"
    async with deadline():
        message = await ending
    error = await refused(node, HELPER, append(stream, " world"))
    assert (error.code, error.details) == ("conflict", {"reason": "ended", "state": "done"})
    assert message.content == "Hello"


async def test_an_end_that_is_refused_leaves_the_stream_open(node: Node) -> None:
    await with_agent(node)
    stream = await opened(node)
    assert await node.refusal(HELPER, finish(stream)) == "invalid_request"
    await node.do(HELPER, append(stream, "Hello"))
    assert (await node.do(HELPER, finish(stream))).content == "Hello"


async def test_readers_of_a_taken_over_stream_lose_what_the_former_attempt_had_not_stored(node: Node) -> None:
    await with_agent(node)
    stream = await opened(node)
    await node.do(HELPER, append(stream, "not stored"))
    await _advanced(node, 1)
    again = await opened(node)
    assert (again.attempt, again.parts) == (2, ())
    assert [(change.part, change.text, change.drop) for change in await _advanced(node, 2)] == [(0, None, True)]
    error = await refused(node, HELPER, append(stream, "late"))
    assert (error.code, error.details) == ("conflict", {"reason": "superseded"})


async def _advanced(node: Node, count: int) -> Any:  # noqa: ANN401 (changes)
    """Returns the changes of the last of so many events that readers have received."""

    def sent() -> list[StreamAdvanced]:
        events = [event for event in node.events if isinstance(event, StreamAdvanced)]
        return events if len(events) >= count else []

    return (await until(sent))[-1].changes
