"""Requests that are sent twice with one `Idempotency-Key`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from talkwire.core.commands.accounts import BanUser, EnsureUser
from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.invitations import CreateInvitation, ListInvitations
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.server.retries import AnswerRetry, FirstAnswer
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.features.catching_up.idempotency import ANSWERS_KEPT_MS
from talkwire.storage.schema import answers
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Call, Clock, Node, Outcome, running
from tests.databases import Database
from tests.waiting import DEADLINE_S, deadline

KEY = IdempotencyKey("alice", "POST /api/v1/conversations", "k1")


async def _ask(node: Node, actor: Actor, command: Command[Any], key: IdempotencyKey | None = KEY) -> Outcome:
    async with deadline():
        return await node.chat.execute(actor, command, key)


async def _refusal(node: Node, actor: Actor, command: Command[Any], key: IdempotencyKey | None = KEY) -> str:
    with pytest.raises(ChatError) as refused:
        await _ask(node, actor, command, key)
    return refused.value.code


async def _people(node: Node) -> None:
    for actor in (ALICE, BOB):
        await node.do(actor, EnsureUser(actor.user_id, actor.name))


async def test_a_retry_is_answered_with_the_first_answer_and_changes_nothing(node: Node) -> None:
    await _people(node)
    command = CreateConversation("group", ("bob",), "Plans")
    first = await _ask(node, ALICE, command)
    events = len(node.log)
    assert await _ask(node, ALICE, command) == first
    assert len(node.log) == events
    assert first.members is not None


async def test_without_a_key_the_same_request_is_another_one(node: Node) -> None:
    await _people(node)
    command = CreateConversation("group", ("bob",), "Plans")
    first, second = await _ask(node, ALICE, command, None), await _ask(node, ALICE, command, None)
    assert first.conversation.id != second.conversation.id


async def test_the_first_answer_outlasts_a_restart(database: Database, clock: Clock) -> None:
    command = CreateConversation("group", ("bob",), "Plans")
    async with running(database, clock) as node:
        await _people(node)
        first = await _ask(node, ALICE, command)
    async with running(database, clock) as node:
        assert await _ask(node, ALICE, command) == first


async def test_an_answer_of_nothing_is_kept_too(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    leave = RemoveMember("c", "bob")
    key = IdempotencyKey("bob", "POST /leave", "k")
    first = await _ask(node, BOB, leave, key)
    assert await _ask(node, BOB, leave, key) == first
    assert await _refusal(node, BOB, leave, None) == "forbidden"


async def test_a_code_that_is_shown_once_is_not_kept(node: Node) -> None:
    key = IdempotencyKey("backend", "POST /api/v1/invitations", "k1")
    created = await _ask(node, BACKEND, CreateInvitation(max_uses=3), key)
    events = len(node.log)
    for command in (CreateInvitation(max_uses=3), AnswerRetry(CreateInvitation(max_uses=3), key)):
        with pytest.raises(ChatError, match="shown only once") as refused:
            await _ask(node, BACKEND, command, key if isinstance(command, CreateInvitation) else None)
        assert (refused.value.code, refused.value.details) == ("conflict", {"invitationId": created.invitation.id})
    assert len(node.log) == events
    assert (await node.do(BACKEND, ListInvitations())).items[0].invitation == created.invitation
    with node.read_engine.begin() as connection:
        assert created.code not in repr(connection.execute(select(answers)).all())


async def test_another_request_under_the_same_key_is_a_conflict(node: Node) -> None:
    await _people(node)
    await _ask(node, ALICE, CreateConversation("group", ("bob",), "Plans"))
    events = len(node.log)
    assert await _refusal(node, ALICE, CreateConversation("group", ("bob",), "Other plans")) == "conflict"
    assert await _refusal(node, ALICE, AddMembers("c", ("bob",))) == "conflict"
    assert len(node.log) == events


@pytest.mark.parametrize(
    "other",
    [
        IdempotencyKey("bob", KEY.route, KEY.key),
        IdempotencyKey(KEY.user_id, "POST /api/v1/elsewhere", KEY.key),
        IdempotencyKey(KEY.user_id, KEY.route, "k2"),
    ],
)
async def test_users_routes_and_keys_tell_requests_apart(node: Node, other: IdempotencyKey) -> None:
    await _people(node)
    command = CreateConversation("group", ("bob",), "Plans")
    first, second = await _ask(node, ALICE, command), await _ask(node, ALICE, command, other)
    assert first.conversation.id != second.conversation.id


async def test_equal_requests_at_once_have_one_effect_and_equal_answers(node: Node) -> None:
    await _people(node)
    command = CreateConversation("group", ("bob",), "Plans")
    events = len(node.log)
    answers = await asyncio.gather(*(_ask(node, ALICE, command) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert len(node.log) == events + 1


async def test_equal_requests_in_one_batch_have_one_effect(node: Node) -> None:
    await _people(node)
    command = CreateConversation("group", ("bob",), "Plans")
    events = len(node.log)
    with node.clock.stopped():
        node.submit(BACKEND, Call(lambda tx: None))
        await node.clock.wait_until_asked()
        waiting = [node.submit(ALICE, command, KEY) for _ in range(5)]
    answers = await asyncio.wait_for(asyncio.gather(*waiting), DEADLINE_S)
    assert all(answer == answers[0] for answer in answers)
    assert len(node.log) == events + 1


async def test_a_retry_of_a_refused_request_may_succeed(node: Node) -> None:
    await node.do(ALICE, EnsureUser("alice", "Alice"))
    command = CreateConversation("group", ("bob",), "Plans")
    assert await _refusal(node, ALICE, command) == "invalid_request"
    await node.do(BOB, EnsureUser("bob", "Bob"))
    assert (await _ask(node, ALICE, command)).conversation.name == "Plans"


async def test_a_failed_transaction_stores_no_result(node: Node) -> None:
    await _people(node)
    command = CreateConversation("group", ("bob",), "Plans")

    def fail(_: object) -> None:
        raise RuntimeError("on purpose")

    events = len(node.log)
    with node.clock.stopped():
        node.submit(BACKEND, Call(lambda tx: None))
        await node.clock.wait_until_asked()
        created = node.submit(ALICE, command, KEY)
        broken = node.submit(BACKEND, Call(fail))
    answer, error = await asyncio.wait_for(asyncio.gather(created, broken, return_exceptions=True), DEADLINE_S)
    assert isinstance(error, RuntimeError)
    assert await _ask(node, ALICE, command) == answer
    assert len(node.log) == events + 1


async def test_after_a_day_a_key_is_forgotten(node: Node, clock: Clock) -> None:
    await _people(node)
    command = CreateConversation("group", ("bob",), "Plans")
    first = await _ask(node, ALICE, command)
    clock.now_ms += ANSWERS_KEPT_MS - 1
    assert await _ask(node, ALICE, command) == first
    clock.now_ms += 1
    assert (await _ask(node, ALICE, command)).conversation.id != first.conversation.id


async def test_forgotten_keys_are_gone_from_the_database(node: Node, clock: Clock) -> None:
    await _people(node)
    for number in range(3):
        key = IdempotencyKey("alice", "POST /x", str(number))
        await _ask(node, ALICE, CreateConversation("group", ("bob",), str(number)), key)
    clock.now_ms += ANSWERS_KEPT_MS
    await _ask(node, OPERATOR, BanUser("bob"), IdempotencyKey("operator", "POST /x", "k"))
    with node.read_engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM answers").scalar_one() == 1


# --- retries that are looked up -------------------------------------------------------------------------------------


async def test_the_first_answer_is_found_without_carrying_anything_out(node: Node) -> None:
    await _people(node)
    command = CreateConversation("group", ("bob",), "Plans")
    assert await node.do(ALICE, AnswerRetry(command, KEY)) is None
    first = await _ask(node, ALICE, command)
    assert await node.do(ALICE, AnswerRetry(command, KEY)) == FirstAnswer(first)
    assert await node.refusal(ALICE, AnswerRetry(CreateConversation("group", ("bob",), "X"), KEY)) == "conflict"


async def test_a_sent_message_is_found_by_its_client_message_id(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    command = SendMessage("c", "Hello", "m1")
    assert await node.do(ALICE, AnswerRetry(command)) is None
    message = await node.do(ALICE, command)
    assert await node.do(ALICE, AnswerRetry(command)) == FirstAnswer(message)
    assert await node.do(BOB, AnswerRetry(command)) is None
    assert await node.refusal(ALICE, AnswerRetry(SendMessage("c", "Other", "m1"))) == "conflict"
    assert await node.do(ALICE, AnswerRetry(SendMessage("c", "Hello"))) is None


async def test_a_stranger_finds_no_message(node: Node) -> None:
    await node.group("c", ALICE)
    await node.do(ALICE, SendMessage("c", "Hello", "m1"))
    await node.group("d", BOB)
    assert await node.do(BOB, AnswerRetry(SendMessage("c", "Hello", "m1"))) is None
    assert await node.do(BOB, AnswerRetry(SendMessage("d", "Hello", "m1"))) is None
    assert await node.refusal(BOB, AnswerRetry(SendMessage("c", "Hello", "m1", sender_id="alice"))) == "forbidden"
    assert await node.do(BACKEND, AnswerRetry(SendMessage("c", "Hello", "m1", sender_id="alice"))) is not None
