"""Who stops a message that is being written, what its author receives, how many a user writes, and what happens to
those of an author who may not write any more; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from talkwire.core.commands.accounts import BanUser, PutUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation
from talkwire.core.commands.members import RemoveMember, UpdateMember
from talkwire.core.commands.messages import DeleteMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.streams.storing import BeginStream, BegunStream, MarkStopped
from talkwire.core.commands.streams.writing import (
    FinishMessage,
    KeepStream,
    OpenedStream,
    RewindMessage,
    StopMessage,
    StreamMessage,
)
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.events import StreamStopped
from talkwire.core.domain.model import Actor
from talkwire.core.domain.parts.message_parts import MessagePart
from talkwire.core.domain.parts.streams import (
    ANSWERS_STOPPED_MS,
    CONTINUABLE_MS,
    LEASE_BY_REST_MS,
    STOP_WAIT_MS,
    StopRequest,
)
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.contracts.test_parts import HELPER, with_agent
from tests.contracts.test_stream_approvals import store
from tests.contracts.test_stream_rules import (
    LEASE_MS,
    TEXT,
    append,
    begin,
    changes,
    end,
    finish,
    found,
    keep,
    opened,
    refused,
    rows,
    stream_of,
)
from tests.databases import Database
from tests.waiting import until_asked


async def asked(node: Node) -> str:
    """Makes a group of Alice, its owner, Bob, Carol and the agent of Carol. Returns the id of a question of Bob's."""
    await with_agent(node)
    await node.users(CAROL)
    await node.do(BACKEND, PutUser("helper", owner_id="carol"))
    await node.group("team", ALICE, BOB, CAROL, HELPER)
    return str((await node.send(BOB, "A question", to="team")).id)


def begin_in_team(client_message_id: str = "s1", **send: Any) -> BeginStream:  # noqa: ANN401 (fields of the command)
    return begin_in("team", client_message_id, **send)


def begin_in(conversation_id: str, client_message_id: str = "s1", **send: Any) -> BeginStream:  # noqa: ANN401 (fields of the command)
    command = begin(client_message_id, **send)
    return replace(command, send=replace(command.send, conversation_id=conversation_id))


MAY_STOP: dict[str, tuple[Actor, bool]] = {
    "the one who is answered": (BOB, True),
    "the owner of the conversation": (ALICE, True),
    "the owner of the agent": (CAROL, True),
    "the back end": (BACKEND, True),
    "an operator": (OPERATOR, True),
    "the agent": (HELPER, False),
    "a stranger": (MALLORY, False),
}


@pytest.mark.parametrize("who", MAY_STOP)
async def test_who_may_stop_an_answer(node: Node, who: str) -> None:
    question = await asked(node)
    await node.users(MALLORY)
    answer = await node.do(HELPER, begin_in_team(reply_to_id=question))
    actor, may = MAY_STOP[who]
    stop = MarkStopped(message_id=str(answer.message.id))
    if may:
        (stopped,) = await node.do(actor, stop)
        assert (stopped.message_id, stopped.stop) == (answer.message.id, StopRequest(actor.user_id, node.clock.now_ms))
    else:
        assert await node.refusal(actor, stop) == "forbidden"
        assert stream_of(await node.do(HELPER, begin_in_team(reply_to_id=question))).stop is None


async def test_without_a_question_the_sender_of_the_thread_stops_and_other_members_do_not(node: Node) -> None:
    root = await asked(node)
    await node.do(BACKEND, PutUser("helper", owner_id="alice"))
    in_thread = await node.do(HELPER, begin_in_team("s1", thread_id=root))
    alone = await node.do(HELPER, begin_in_team("s2"))
    assert await node.refusal(CAROL, MarkStopped(message_id=str(in_thread.message.id))) == "forbidden"
    assert await node.refusal(BOB, MarkStopped(message_id=str(alone.message.id))) == "forbidden"
    assert len(await node.do(BOB, MarkStopped(message_id=str(in_thread.message.id)))) == 1


async def test_both_stop_in_a_direct_conversation(node: Node) -> None:
    await with_agent(node)
    direct = await node.do(BOB, CreateConversation("direct", member_ids=("helper",)))
    first = await node.send(HELPER, "Hello", to=direct.conversation.id)
    answer = await node.do(HELPER, begin_in(direct.conversation.id, reply_to_id=str(first.id)))
    assert len(await node.do(BOB, MarkStopped(message_id=str(answer.message.id)))) == 1


@pytest.mark.parametrize("state", ["done", "failed"])
async def test_from_then_on_each_end_is_stopped_and_keeps_the_text(node: Node, state: str) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(ALICE, MarkStopped(message_id=str(begun.message.id)))
    message = await node.do(HELPER, end(begun, TEXT, state=state))
    assert (message.state, message.content, changes(node)) == ("stopped", "Hello", [("stopped", True)])
    assert (await rows(node), await node.next_timer_ms()) == ([], None)
    error = await refused(node, ALICE, MarkStopped(message_id=str(message.id)))
    assert (error.code, error.details) == ("conflict", {"reason": "ended", "state": "stopped"})
    assert (await node.do(HELPER, begin())).stream is None


@pytest.mark.parametrize("parts", [(TEXT,), ()])
async def test_the_server_ends_it_after_ten_seconds_and_not_before(node: Node, parts: tuple[MessagePart, ...]) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(ALICE, MarkStopped(message_id=str(begun.message.id)))
    node.clock.now_ms += STOP_WAIT_MS - 1
    kept = await node.do(NODE, keep(begun, *parts))
    assert (kept.lost, kept.stops) == (
        (),
        {begun.message.id: StopRequest("alice", node.clock.now_ms - STOP_WAIT_MS + 1)},
    )
    again = await node.do(ALICE, MarkStopped(message_id=str(begun.message.id)))
    assert again[0].stopped_ms == node.clock.now_ms - STOP_WAIT_MS + 1, "the first request counts"
    await node.fire()
    assert changes(node) == []
    node.clock.now_ms += 1
    await node.fire()
    message = await found(node, begun)
    assert (message.state, message.parts, message.deleted_ms) == ("stopped", (), None)
    assert message.content == ("Hello" if parts else "")
    assert (await rows(node), await node.next_timer_ms()) == ([], None)


async def test_a_stop_lasts_through_a_take_over_and_a_lease_that_ends(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin(lease_ms=5_000))
    await node.do(NODE, keep(begun, TEXT))
    await node.do(ALICE, MarkStopped(message_id=str(begun.message.id)))
    again = await node.do(HELPER, begin(lease_ms=5_000))
    assert (stream_of(again).attempt, stream_of(again).stop) == (2, StopRequest("alice", node.clock.now_ms))
    node.clock.now_ms += 5_000
    await node.fire()
    assert (await found(node, begun)).state == "stopped"
    assert (await node.do(HELPER, begin())).stream is None


async def test_an_interrupted_stream_that_is_stopped_is_not_continued(node: Node) -> None:
    await with_agent(node)
    begun = await node.do(HELPER, begin())
    await node.do(NODE, keep(begun, TEXT))
    node.clock.now_ms += LEASE_MS
    await node.fire()
    assert await node.do(ALICE, MarkStopped(message_id=str(begun.message.id))) == []
    assert changes(node) == [("interrupted", True), ("stopped", False)]
    assert (await node.do(HELPER, begin())).stream is None
    assert (await rows(node), await node.next_timer_ms()) == ([], None)


async def test_all_answers_of_a_message_are_stopped_for_an_hour(node: Node) -> None:
    question = await asked(node)
    other = str((await node.send(BOB, "Another question", to="team")).id)
    now = await node.do(HELPER, begin_in_team("s1", reply_to_id=question))
    unasked = await node.do(HELPER, begin_in_team("s2", reply_to_id=other))
    assert await node.refusal(CAROL, MarkStopped(reply_to_id=question)) == "forbidden"
    (stopped,) = await node.do(BOB, MarkStopped(reply_to_id=question))
    assert stopped.message_id == now.message.id
    node.clock.now_ms += ANSWERS_STOPPED_MS - 1
    later = await node.do(HELPER, begin_in_team("s3", reply_to_id=question))
    assert stream_of(later).stop == StopRequest("bob", node.clock.now_ms), "its author has ten seconds from its opening"
    node.clock.now_ms += 1
    assert stream_of(await node.do(HELPER, begin_in_team("s4", reply_to_id=question))).stop is None
    await node.do(BOB, MarkStopped(reply_to_id=other))
    assert stream_of(await node.do(HELPER, begin_in_team("s5", reply_to_id=question))).stop is None
    assert stream_of(await node.do(HELPER, begin_in_team("s6", reply_to_id=other))).stop is not None
    assert (await found(node, unasked)).id == unasked.message.id


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (MarkStopped(), "invalid_request"),
        (MarkStopped(message_id="1", reply_to_id="1"), "invalid_request"),
        (MarkStopped(message_id="1"), "forbidden"),
        (MarkStopped(reply_to_id="x"), "forbidden"),
    ],
)
async def test_a_bad_stop_is_refused(node: Node, stop: MarkStopped, code: str) -> None:
    await with_agent(node)
    assert await node.refusal(ALICE, stop) == code


async def test_a_message_that_is_no_stream_cannot_be_stopped(node: Node) -> None:
    await with_agent(node)
    sent = await node.send(HELPER, "Hello")
    error = await refused(node, ALICE, MarkStopped(message_id=str(sent.id)))
    assert (error.code, error.details) == ("conflict", {"reason": "no_stream"})
    begun = await node.do(HELPER, begin())
    await node.do(ALICE, DeleteMessage(str(begun.message.id)))
    assert (await refused(node, ALICE, MarkStopped(message_id=str(begun.message.id)))).details == {"reason": "ended"}


async def test_a_stop_makes_every_answer_to_the_author_say_so(node: Node) -> None:
    await with_agent(node)
    events: list[object] = []
    node.chat.subscribe(lambda news: events.extend(each for each in news if isinstance(each, StreamStopped)))
    stream = await opened(node)
    assert stream.stop is None
    assert (await node.do(HELPER, append(stream, "Hello"))).stop is None
    await node.do(ALICE, StopMessage(message_id=str(stream.message.id)))
    stop = StopRequest("alice", node.clock.now_ms)
    assert events == [StreamStopped("c", stream.message.id, "helper", "alice", node.clock.now_ms)]
    assert (await node.do(HELPER, append(stream, " world"))).stop == stop
    again = await opened(node)
    assert again.stop == stop
    of_stream: dict[str, Any] = {"message_id": str(again.message.id), "attempt": again.attempt}
    assert (await node.do(HELPER, KeepStream(**of_stream))).stop == stop
    await node.do(HELPER, append(again, "Hello", 0))
    assert (await node.do(HELPER, RewindMessage(part=0, at=1, **of_stream))).stop == stop
    assert (await node.do(HELPER, FinishMessage(**of_stream))).state == "stopped"


async def test_a_home_that_missed_the_stop_learns_of_it_with_a_checkpoint(node: Node) -> None:
    await with_agent(node)
    stream = await opened(node)
    await node.do(ALICE, MarkStopped(message_id=str(stream.message.id)))  # without its signal
    length = 0

    async def is_stopped() -> bool:
        nonlocal length
        answer = await node.do(HELPER, append(stream, "x", at=length))
        length = answer.length
        return bool(answer.stop is not None)

    await until_asked(is_stopped)


# --- how many ---------------------------------------------------------------------------------------------------------


async def test_a_user_writes_so_many_streams_at_once(database: Database, clock: Clock) -> None:
    policy = AccessPolicy(streams="everyone", open_streams=2, open_agent_streams=3)
    async with running(database, clock, policy=policy) as node:
        await with_agent(node)
        for author, most in ((BOB, 2), (HELPER, 3)):
            begun = [await node.do(author, begin(f"s{number}")) for number in range(most)]
            error = await refused(node, author, begin("more"))
            assert (error.code, error.details) == ("conflict", {"reason": "too_many", "limit": most})
            assert stream_of(await node.do(author, begin("s0"))).attempt == 2, "a take-over opens none"
            await node.do(author, end(begun[1], TEXT))
            await node.do(author, begin("more"))
        assert (await node.do(ALICE, begin())).stream is not None, "each user has their own"


async def test_interrupted_streams_do_not_count_until_they_are_continued(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(open_agent_streams=1)) as node:
        await with_agent(node)
        begun = await node.do(HELPER, begin("s1"))
        await node.do(NODE, keep(begun, TEXT))
        node.clock.now_ms += LEASE_MS
        await node.fire()
        other = await node.do(HELPER, begin("s2"))
        assert (await refused(node, HELPER, begin("s1"))).details == {"reason": "too_many", "limit": 1}
        await node.do(HELPER, end(other, TEXT))
        assert stream_of(await node.do(HELPER, begin("s1"))).attempt == 2


# --- authors who may not write any more -------------------------------------------------------------------------------

LOST: dict[str, tuple[Actor, Any]] = {
    "muted": (ALICE, RestrictMember("c", "helper", "mute")),
    "banned from the conversation": (ALICE, RestrictMember("c", "helper", "ban")),
    "banned": (BACKEND, BanUser("helper")),
    "removed": (ALICE, RemoveMember("c", "helper")),
    "left": (HELPER, RemoveMember("c", "helper")),
}


@pytest.mark.parametrize("how", LOST)
async def test_a_stream_ends_at_once_when_its_author_may_not_write_any_more(node: Node, how: str) -> None:
    await with_agent(node)
    await node.group("other", ALICE, HELPER)
    stream, empty = await opened(node), await opened(node, "s2")
    await store(node, stream, "Hello")
    by, command = LOST[how]
    await node.do(by, command)

    async def is_over() -> bool:
        return [each.message_id for each in await rows(node)] == [stream.message.id]

    await until_asked(is_over)
    message = [await found(node, BegunStream(each.message, None)) for each in (stream, empty)]
    assert [(each.state, each.content) for each in message] == [("interrupted", "Hello"), (None, "")]
    assert message[1].deleted_ms is not None
    assert await node.refusal(HELPER, append(stream, "x")) in {"conflict", "banned"}
    node.clock.now_ms += CONTINUABLE_MS
    await node.fire()
    assert (await rows(node), changes(node)) == ([], [("interrupted", True)])


async def test_a_stream_of_a_deleted_conversation_is_gone(node: Node) -> None:
    await with_agent(node)
    stream = await opened(node)
    await store(node, stream, "Hello")
    await node.do(ALICE, DeleteConversation("c"))
    for command in (append(stream, "x"), finish(stream), MarkStopped(message_id=str(stream.message.id))):
        assert await node.refusal(BACKEND, command) == "not_found"
    node.clock.now_ms += LEASE_BY_REST_MS
    await node.fire()
    assert (await rows(node), changes(node), await node.next_timer_ms()) == ([], [], None)


async def test_a_block_and_the_loss_of_a_role_end_streams_too(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(streams="everyone")) as node:
        await with_agent(node)
        direct = await node.do(BOB, CreateConversation("direct", member_ids=("helper",)))
        news = await node.do(ALICE, CreateConversation("channel", name="News", member_ids=("bob",)))
        await node.do(ALICE, UpdateMember(news.conversation.id, "bob", "admin"))
        for conversation_id, lost in (
            (direct.conversation.id, (HELPER, BlockUser("bob"))),
            (news.conversation.id, (ALICE, UpdateMember(news.conversation.id, "bob", "member"))),
        ):
            stream = await _opened_in(node, conversation_id)
            stays = await _opened_in(node, "c")
            await node.do(BOB, append(stream, "Hello"))
            await node.do(*lost)

            async def is_over(message_id: int = stream.message.id) -> bool:
                return message_id not in {each.message_id for each in await rows(node)}

            await until_asked(is_over)
            assert (await node.do(BOB, append(stays, "Hello", at=0))).length == 5


async def _opened_in(node: Node, conversation_id: str) -> OpenedStream:
    stream = StreamMessage(conversation_id=conversation_id, client_message_id=f"in {conversation_id}")
    answer = await node.do(BOB, stream)
    assert isinstance(answer, OpenedStream)
    return answer
