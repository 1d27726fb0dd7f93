"""Messages that agents write in turns while others read them: a stream and its turn have one lease, and one message
has the answer however many attempts it took, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.core.commands.agents.turns import EndTurn, FailTurn, UpdateTurn
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.streams.storing import Checkpoint, KeepCheckpoints, MarkStopped
from talkwire.core.commands.streams.writing import FinishMessage, OpenedStream, StopMessage
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent, TurnFailed
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.parts.streams import CONTINUABLE_MS, LEASE_BY_REST_MS, STOP_WAIT_MS, StreamError
from tests.contracts.node import ALICE, BOB, CAROL, OPERATOR, Clock, Node, running
from tests.contracts.test_stream_approvals import Application
from tests.contracts.test_stream_rules import append, finish, rows
from tests.contracts.turn_actions import (
    BROKEN,
    HELPER,
    SECOND_MS,
    answer,
    ask_and_claim,
    asking,
    claim,
    claims,
    contents,
    done,
    fail,
    ids,
    lapse,
    opened,
    reason_of,
    recorded,
    refused,
    release,
    scene,
    states,
    stored,
    turn_now,
    written,
)
from tests.databases import Database
from tests.waiting import until_asked


async def end(node: Node, stream: OpenedStream, text: str = "An answer", **more: Any) -> Message:  # noqa: ANN401 (fields of the command)
    """Writes a stream's text from the beginning, and ends it."""
    if not stream.parts:
        await node.do(HELPER, append(stream, text, at=0))
    message = await node.do(HELPER, finish(stream, **more))
    assert isinstance(message, Message)
    return message


async def own_messages(node: Node) -> list[int]:
    """Returns the ids of the messages that the agent has begun."""
    return [event.message.id for event in await recorded(node, MessageSent) if event.message.sender_id == "helper"]


# --- one message ------------------------------------------------------------------------------------------------------


async def test_the_end_of_a_stream_ends_its_turn(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await opened(node, claimed.turn.token)
    assert stream.message.client_message_id == f"turn:{claimed.turn.id}"
    assert (await turn_now(node, claimed)).stream_id == stream.message.id
    message = await end(node, stream)
    assert (message.state, message.content) == ("done", "An answer")
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.stream_id) == ("done", None)
    assert await claims(node) == []


async def test_a_lapse_interrupts_the_stream_and_the_next_attempt_continues_the_same_message(node: Node) -> None:
    await scene(node)
    question, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token, metadata={"version": 1})
    await lapse(node, LEASE_BY_REST_MS - 1)
    assert (await turn_now(node, claimed)).state == "working"
    await lapse(node, 1)
    assert (await stored(node, stream.message)).state == "interrupted"
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.tries, turn.claimable_ms) == ("waiting", 1, node.clock.now_ms + SECOND_MS)
    assert await claims(node) == []
    await lapse(node, SECOND_MS)
    again = await claim(node)
    assert (ids(again), again.turn.attempt) == ([question.id], 2)
    continued = await opened(node, again.turn.token, metadata={"version": 2}, reply_to_id=str(question.id))
    assert (continued.message.id, continued.attempt) == (stream.message.id, 2)
    assert [part.length for part in continued.parts] == [len("Half of")]
    await node.do(HELPER, append(continued, " it", at=len("Half of")))
    message = await node.do(HELPER, finish(continued))
    assert (message.id, message.state, message.content) == (stream.message.id, "done", "Half of it")
    assert (await own_messages(node), await states(node)) == ([stream.message.id], ["done"])
    assert await rows(node) == []


async def test_while_a_stream_is_open_its_lease_is_the_turns(node: Node) -> None:
    await scene(node)
    await node.send(BOB, "A question")
    claimed = await claim(node, lease_s=5)
    stream = await written(node, claimed.turn.token, lease_s=300)
    await lapse(node, 299_999)
    assert await states(node) == ["working"]
    checkpoint = Checkpoint(stream.message.id, stream.attempt or 0, (TextPart("Half of"),))
    await node.do(NODE, KeepCheckpoints(node.chat.node_id, (checkpoint,)))
    await lapse(node, 200_000)
    assert await states(node) == ["working"]
    await node.do(HELPER, finish(stream))
    assert await states(node) == ["done"]


async def test_an_update_of_the_turn_keeps_its_stream_too(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await lapse(node, LEASE_BY_REST_MS - 1)
    await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))
    await lapse(node, 1)
    assert (await stored(node, stream.message)).state == "streaming"


async def test_a_former_attempt_neither_opens_nor_takes_over(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await lapse(node)
    await lapse(node, SECOND_MS)
    again = await claim(node)
    name = stream.message.client_message_id
    for fields in ({}, {"client_message_id": name}, {"client_message_id": "other"}):
        with pytest.raises(ChatError) as refusal:
            await opened(node, claimed.turn.token, **fields)
        assert (refusal.value.code, refusal.value.details) == ("conflict", {"reason": "superseded"})
    with pytest.raises(ChatError) as refusal:  # without any turn
        await opened(node, None, client_message_id=name)
    assert refusal.value.code == "conflict"
    assert (await stored(node, stream.message)).state == "interrupted"
    assert (await opened(node, again.turn.token)).attempt == 2
    assert await reason_of(node, HELPER, append(stream, "x", at=0)) == "superseded"
    assert await reason_of(node, HELPER, finish(stream)) == "superseded"


async def test_a_stream_of_another_turn_is_not_taken_over(node: Node) -> None:
    await scene(node)
    _, first = await ask_and_claim(node)
    stream = await written(node, first.turn.token, client_message_id="mine")
    await lapse(node)
    await node.send(BOB, "Another question")
    second = await claim(node)
    assert second.turn.id != first.turn.id
    with pytest.raises(ChatError) as refusal:
        await opened(node, second.turn.token, client_message_id="mine")
    assert refusal.value.code == "conflict"
    assert (await stored(node, stream.message)).state == "interrupted"


async def test_the_next_attempt_finds_a_stream_with_an_id_of_its_own(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token, client_message_id="mine")
    await lapse(node)
    await lapse(node, SECOND_MS)
    continued = await opened(node, (await claim(node)).turn.token)
    assert continued.message.id == stream.message.id


async def test_the_same_attempt_opens_its_stream_again(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    first, again = await opened(node, claimed.turn.token), await opened(node, claimed.turn.token)
    assert (again.message.id, first.attempt, again.attempt) == (first.message.id, 1, 2)


async def test_a_stream_without_a_turn_needs_an_id(node: Node) -> None:
    await scene(node)
    with pytest.raises(ChatError) as refusal:
        await opened(node, None)
    assert refusal.value.code == "invalid_request"


async def test_a_stream_that_cannot_be_continued_any_more_is_begun_anew(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await lapse(node)
    await lapse(node, CONTINUABLE_MS)
    again = await claim(node)
    other = await opened(node, again.turn.token)
    assert other.attempt is not None
    assert other.message.id != stream.message.id
    await end(node, other)
    assert await states(node) == ["done"]
    assert (await stored(node, stream.message)).state != "interrupted"


# --- ends -------------------------------------------------------------------------------------------------------------


async def test_a_stream_that_fails_fails_the_attempt(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    message = await node.do(HELPER, finish(stream, state="failed", error=BROKEN))
    assert message.state == "failed"
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.tries, turn.error, turn.stream_id) == ("waiting", 1, BROKEN, None)
    await lapse(node, SECOND_MS)
    again = await opened(node, (await claim(node)).turn.token)
    assert again.message.id != stream.message.id, "what has failed is not continued"
    assert (await end(node, again)).state == "done"
    assert await states(node) == ["done"]


async def test_a_stream_that_its_author_interrupts_is_continued_by_the_next_attempt(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    end_of = FinishMessage(message_id=str(stream.message.id), attempt=stream.attempt or 0, state="interrupted")
    await node.do(HELPER, end_of)
    assert (await turn_now(node, claimed)).tries == 1
    await lapse(node, SECOND_MS)
    assert (await opened(node, (await claim(node)).turn.token)).message.id == stream.message.id


async def test_a_stream_that_ends_before_it_has_a_text_leaves_no_message(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await opened(node, claimed.turn.token)
    await lapse(node)
    assert (await stored(node, stream.message)).deleted_ms is not None
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.tries, turn.stream_id) == ("waiting", 1, None)
    await lapse(node, SECOND_MS)
    again = await opened(node, (await claim(node)).turn.token)
    assert again.message.id != stream.message.id
    await end(node, again)
    assert await states(node) == ["done"]


async def test_a_turn_that_fails_for_good_leaves_no_interrupted_stream(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=AccessPolicy(max_turn_tries=1)) as node:
        await scene(node)
        _, claimed = await ask_and_claim(node)
        stream = await written(node, claimed.turn.token)
        await lapse(node)
        message = await stored(node, stream.message)
        assert (message.state, message.content) == ("failed", "Half of")
        assert message.error == StreamError("interrupted", "The answer was not finished.")
        assert len(await recorded(node, TurnFailed)) == 1
        assert (await rows(node), await states(node)) == ([], ["failed"])
        assert (await opened_or_none(node, message)) is None


async def opened_or_none(node: Node, message: Message) -> int | None:
    """Returns the attempt with which a stream is opened again, without a turn; None if it is not."""
    try:
        return (await opened(node, None, client_message_id=message.client_message_id)).attempt
    except ChatError as error:
        assert error.code == "conflict"  # noqa: PT017 (either is a refusal)
        return None


@pytest.mark.parametrize("how", ["a plain message", "nothing to say", "failures"])
async def test_a_turn_that_ends_without_its_stream_leaves_no_interrupted_one(node: Node, how: str) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await lapse(node)
    await lapse(node, SECOND_MS)
    again = await claim(node)
    if how == "a plain message":
        await answer(node, again.turn.token)
    elif how == "nothing to say":
        await done(node, again.turn.token)
    else:
        await fail(node, again.turn.token)
        for pause_s in (5, 30, 120):
            await lapse(node, pause_s * SECOND_MS)
            await fail(node, (await claim(node)).turn.token)
    assert (await stored(node, stream.message)).state == "failed"
    assert await rows(node) == []
    assert await states(node) == ["failed" if how == "failures" else "done"]


@pytest.mark.parametrize("command", ["send", "other stream", "done", "fail"])
async def test_a_turn_with_an_open_stream_ends_with_the_stream_only(node: Node, command: str) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    token = claimed.turn.token
    if command == "other stream":
        with pytest.raises(ChatError) as refusal:
            await opened(node, token, client_message_id="other")
        error = refusal.value
    else:
        commands = {
            "send": SendMessage("c", "An answer", turn=token),
            "done": EndTurn(turn=token),
            "fail": FailTurn(turn=token),
        }
        error = await refused(node, HELPER, commands[command])
    assert (error.code, error.details) == (
        "conflict",
        {"reason": "streaming", "messageId": str(stream.message.id)},
    )
    await answer(node, token, "By the way", more=True)
    await node.do(HELPER, finish(stream))
    assert await states(node) == ["done"]


# --- people -----------------------------------------------------------------------------------------------------------

MAY_STOP: dict[str, Actor] = {"the one who asked": BOB, "the owner of the agent": CAROL, "a moderator": ALICE}


@pytest.mark.parametrize("who", MAY_STOP)
async def test_a_stopped_stream_ends_the_turn(node: Node, who: str) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await node.do(MAY_STOP[who], MarkStopped(message_id=str(stream.message.id)))
    await lapse(node, STOP_WAIT_MS)
    assert (await stored(node, stream.message)).state == "stopped"
    assert await states(node) == ["done"]
    assert await claims(node) == []


async def test_members_who_did_not_ask_do_not_stop_a_stream(node: Node) -> None:
    await scene(node)
    question = await node.send(ALICE, "A question")
    stream = await written(node, (await claim(node)).turn.token)
    assert await node.refusal(BOB, MarkStopped(message_id=str(stream.message.id))) == "forbidden"
    assert await node.refusal(BOB, MarkStopped(reply_to_id=str(question.id))) == "forbidden"


async def test_the_answer_to_a_message_is_stopped_before_it_has_begun(node: Node) -> None:
    await scene(node)
    question, claimed = await ask_and_claim(node)
    await node.do(BOB, MarkStopped(reply_to_id=str(question.id)))
    renewed = await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))
    assert renewed.stop is not None
    assert renewed.stop.by == "bob"
    await lapse(node)
    assert await states(node) == ["done"], "it is not tried again"


@pytest.mark.parametrize("how", ["released", "failed", "lapsed"])
async def test_an_attempt_that_was_to_stop_is_not_tried_again(node: Node, how: str) -> None:
    await scene(node)
    question, claimed = await ask_and_claim(node)
    await node.do(BOB, MarkStopped(reply_to_id=str(question.id)))
    if how == "released":
        await release(node, claimed.turn.token)
    elif how == "failed":
        await fail(node, claimed.turn.token)
    else:
        await lapse(node)
    assert await states(node) == ["done"]
    assert await claims(node) == []


async def test_a_stop_is_of_the_attempt_and_its_stream(node: Node) -> None:
    await scene(node)
    question, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await node.do(BOB, MarkStopped(reply_to_id=str(question.id)))
    assert (await node.do(HELPER, UpdateTurn(turn=claimed.turn.token))).stop is not None
    await lapse(node, STOP_WAIT_MS)
    assert (await stored(node, stream.message)).state == "stopped"
    assert await states(node) == ["done"]
    await node.send(BOB, "Another question")
    again = await claim(node)
    assert (await node.do(HELPER, UpdateTurn(turn=again.turn.token))).stop is None


async def test_a_stream_that_a_hook_blocks_ends_the_turn(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    Application(node).refuse_ends()
    assert await node.refusal(HELPER, finish(stream)) == "forbidden"
    message = await stored(node, stream.message)
    assert (message.state, message.content) == ("blocked", "")
    assert await states(node) == ["done"]


async def test_a_stream_that_is_deleted_ends_the_turn(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await node.do(ALICE, DeleteMessage(str(stream.message.id)))
    assert await states(node) == ["done"]
    assert (await claims(node), await rows(node)) == ([], [])


async def test_a_deleted_interrupted_stream_is_begun_anew(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await lapse(node)
    await node.do(OPERATOR, DeleteMessage(str(stream.message.id)))
    await lapse(node, SECOND_MS)
    again = await opened(node, (await claim(node)).turn.token)
    assert again.message.id != stream.message.id
    await end(node, again)
    assert await states(node) == ["done"]


async def test_a_muted_agent_does_not_hold_its_turn(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    await written(node, claimed.turn.token)
    await node.do(ALICE, RestrictMember("c", "helper", "mute"))

    async def is_free() -> bool:
        return (await turn_now(node, claimed)).state == "waiting"

    await until_asked(is_free)


# --- more, releases ---------------------------------------------------------------------------------------------------


async def test_with_more_the_end_of_a_stream_is_not_that_of_the_turn(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    first = await opened(node, claimed.turn.token, more=True)
    assert (await end(node, first)).state == "done"
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.stream_id, turn.more) == ("working", None, False)
    second = await opened(node, claimed.turn.token)
    assert second.message.id != first.message.id
    assert second.message.client_message_id != first.message.client_message_id
    await end(node, second)
    assert await states(node) == ["done"]
    assert len(await own_messages(node)) == 2


@pytest.mark.parametrize(("opening", "ending"), [(False, True), (True, False)])
async def test_the_end_of_a_stream_says_whether_there_is_more(node: Node, *, opening: bool, ending: bool) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    first = await opened(node, claimed.turn.token, more=opening)
    await end(node, first, more=ending)
    assert (await turn_now(node, claimed)).state == ("working" if ending else "done")
    if ending:
        await end(node, await opened(node, claimed.turn.token))
        assert await states(node) == ["done"]


async def test_a_stream_that_fails_or_was_stopped_ends_its_attempt_with_more_too(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    failing = await opened(node, claimed.turn.token)
    await end(node, failing, state="failed", more=True)
    assert (await turn_now(node, claimed)).state == "waiting"
    await lapse(node, SECOND_MS)
    again = await claim(node)
    stopping = await opened(node, again.turn.token)
    await node.do(ALICE, StopMessage(message_id=str(stopping.message.id)))
    await end(node, stopping, more=True)
    assert (await turn_now(node, claimed)).state == "done"


async def test_with_more_an_attempt_that_is_lost_later_continues_nothing_that_is_done(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    first = await opened(node, claimed.turn.token, more=True)
    await end(node, first)
    second = await written(node, claimed.turn.token)
    await lapse(node)
    await lapse(node, SECOND_MS)
    continued = await opened(node, (await claim(node)).turn.token)
    assert continued.message.id == second.message.id


@pytest.mark.parametrize("fires", [True, False], ids=["after the interruption", "at once"])
async def test_a_release_with_an_open_stream_hands_its_message_over(node: Node, *, fires: bool) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await release(node, claimed.turn.token)
    if fires:
        await node.fire()
        assert (await stored(node, stream.message)).state == "interrupted"
    again = await claim(node)
    assert (again.turn.attempt, again.turn.tries) == (2, 0)
    continued = await opened(node, again.turn.token)
    assert continued.message.id == stream.message.id
    await node.fire()
    assert (await turn_now(node, again)).state == "working"
    await node.do(HELPER, append(continued, " it", at=len("Half of")))
    assert (await node.do(HELPER, finish(continued))).content == "Half of it"
    assert await states(node) == ["done"]


async def test_a_release_is_no_failure_of_whoever_claims_next(node: Node) -> None:
    """The stream of the attempt that was given back may be interrupted after that."""
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await release(node, claimed.turn.token)
    again = await claim(node)
    await node.fire()
    turn = await turn_now(node, again)
    assert (turn.state, turn.tries) == ("working", 0)
    assert (await stored(node, stream.message)).state == "interrupted"
    await answer(node, again.turn.token)
    assert (await stored(node, stream.message)).state == "failed"
    assert await states(node) == ["done"]


async def test_a_stream_that_is_interrupted_after_its_turn_has_ended_has_failed(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await release(node, claimed.turn.token)
    await answer(node, (await claim(node)).turn.token)
    await node.fire()
    assert (await stored(node, stream.message)).state == "failed"
    assert (await rows(node), await states(node)) == ([], ["done"])


async def test_a_stream_that_is_finished_after_a_release_is_the_answer(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await release(node, claimed.turn.token)
    assert (await node.do(HELPER, finish(stream))).state == "done"
    assert await states(node) == ["done"]
    assert await claims(node) == []


async def test_a_card_beside_an_open_stream_waits_and_the_next_stream_is_another(node: Node) -> None:
    await scene(node)
    _, claimed = await ask_and_claim(node)
    stream = await written(node, claimed.turn.token)
    await node.do(HELPER, asking(claimed.turn.token))
    assert await states(node) == ["waiting"]
    assert (await node.do(HELPER, finish(stream))).state == "done"
    turn = await turn_now(node, claimed)
    assert (turn.state, turn.claimable_ms, turn.stream_id) == ("waiting", None, None)


async def test_the_answer_to_the_next_question_is_another_message(node: Node) -> None:
    await scene(node)
    _, first = await ask_and_claim(node)
    stream = await opened(node, first.turn.token)
    await node.send(BOB, "Another question")
    await end(node, stream)
    second = await claim(node)
    assert contents(second) == ["Another question"]
    assert (await opened(node, second.turn.token)).message.id != stream.message.id
