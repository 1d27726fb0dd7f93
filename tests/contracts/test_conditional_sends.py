"""Messages that are stored only if nothing new has come: `if_last_seq`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.messages import (
    CHANGED_MAX,
    ConversationChanged,
    DeleteMessage,
    EditMessage,
    ListMessages,
    SendMessage,
    SendMessages,
)
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import SEQ_MAX, Actor, Message
from talkwire.core.domain.pages import PAGE_MAX_BYTES
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, Clock, Node, running
from tests.databases import Database


def _reply(if_last_seq: int, content: str = "an answer", client_message_id: str | None = None) -> SendMessage:
    return SendMessage("c", content, client_message_id, if_last_seq=if_last_seq)


async def _refused(node: Node, actor: Actor, command: SendMessage) -> ChatError:
    with pytest.raises(ChatError) as refused:
        await node.do(actor, command)
    return refused.value


async def _changed(node: Node, actor: Actor, command: SendMessage) -> ConversationChanged:
    """Returns the details with which a message is refused because something new has come."""
    refused = await _refused(node, actor, command)
    assert (refused.code, refused.cause) == ("conflict", "state_changed")
    assert isinstance(refused.details, ConversationChanged)
    return refused.details


async def _seqs(node: Node) -> Sequence[int]:
    page = await node.do(BACKEND, ListMessages("c"))
    return [message.seq for message in page.items]


@dataclass(frozen=True)
class Case:
    """How many messages Bob has sent, what Alice expects, and the outcome: None for a stored message, the numbers of
    the messages that the refusal has, or the code of another refusal."""

    sent: int
    if_last_seq: int
    outcome: Sequence[int] | str | None


CASES = [
    Case(0, 0, None),
    Case(3, 3, None),
    Case(3, 2, [3]),
    Case(3, 0, [1, 2, 3]),
    Case(CHANGED_MAX, 0, range(1, CHANGED_MAX + 1)),
    Case(CHANGED_MAX + 5, 2, range(6, CHANGED_MAX + 6)),
    Case(0, 1, "invalid_request"),
    Case(3, 4, "invalid_request"),
    Case(3, SEQ_MAX, "invalid_request"),
]


@pytest.mark.parametrize("one_batch", [False, True])
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_message_is_stored_only_after_the_one_that_its_sender_expects(
    node: Node, case: Case, *, one_batch: bool
) -> None:
    """Also where the messages before are of the same transaction."""
    await node.group("c", ALICE, BOB)
    texts = [SendMessage("c", str(number)) for number in range(1, case.sent + 1)]
    steps = [(BOB, text) for text in texts]
    if one_batch:
        *sent, outcome = await node.in_one_batch(*steps, (ALICE, _reply(case.if_last_seq)))
    else:
        sent = [await node.do(*step) for step in steps]
        (outcome,) = await asyncio.gather(node.do(ALICE, _reply(case.if_last_seq)), return_exceptions=True)
    if case.outcome is None:
        assert isinstance(outcome, Message)
        assert outcome.seq == case.sent + 1
        assert (outcome.content, outcome.metadata) == ("an answer", None)
    else:
        assert isinstance(outcome, ChatError)
        assert outcome.code == (case.outcome if isinstance(case.outcome, str) else "conflict")
    if isinstance(case.outcome, Sequence) and not isinstance(case.outcome, str):
        shown = tuple(message for message in sent if message.seq in case.outcome)
        assert outcome.details == ConversationChanged(case.sent, shown)
    assert len((await node.do(BACKEND, ListMessages("c", limit=100))).items) == case.sent + (case.outcome is None)


async def test_of_many_senders_at_once_exactly_one_is_stored(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.send(ALICE, "a question")
    asked = [node.do(actor, _reply(1, actor.user_id)) for actor in (ALICE, BOB, CAROL) for _ in range(5)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    (stored,) = (outcome for outcome in outcomes if isinstance(outcome, Message))
    refused = [outcome for outcome in outcomes if isinstance(outcome, ChatError)]
    assert [each.details for each in refused] == [ConversationChanged(2, (stored,))] * 14
    assert await _seqs(node) == [1, 2]


async def test_of_senders_on_two_nodes_exactly_one_is_stored(database: Database, clock: Clock) -> None:
    """On SQLite, which only one node uses, the senders are on the same one."""
    async with running(database, clock, alone=database.kind == "sqlite") as one:
        await one.group("c", ALICE, BOB)
        await one.send(ALICE, "a question")
        async with AsyncExitStack() as nodes:
            other = one
            if database.kind != "sqlite":
                other = await nodes.enter_async_context(running(database, clock, alone=False))
            asked = [node.do(actor, _reply(1)) for _ in range(5) for node, actor in ((one, ALICE), (other, BOB))]
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(outcome, Message) for outcome in outcomes) == 1
        assert {outcome.code for outcome in outcomes if isinstance(outcome, ChatError)} == {"conflict"}
        assert await _seqs(one) == [1, 2]


async def test_a_retry_of_a_stored_message_is_answered_whatever_has_come_since(database: Database) -> None:
    """Also after a restart of the server, and with another `if_last_seq`, which is not part of the message."""
    async with running(database, Clock()) as node:
        await node.group("c", ALICE, BOB)
        stored = await node.do(ALICE, _reply(0, client_message_id="m1"))
        await node.send(BOB, "meanwhile")
    async with running(database, Clock()) as node:
        for if_last_seq in (0, 1, 7):
            assert await node.do(ALICE, _reply(if_last_seq, client_message_id="m1")) == stored
        assert await node.send(ALICE, "an answer", "m1") == stored
        assert (await _refused(node, ALICE, _reply(2, "another", "m1"))).cause == "retry_differs"
        # A refused message has stored nothing: the same one may be sent again.
        assert (await _changed(node, ALICE, _reply(0, client_message_id="m2"))).last_seq == 2
        assert (await node.do(ALICE, _reply(2, client_message_id="m2"))).seq == 3


async def test_what_the_sender_may_not_see_is_in_no_refusal(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", history="from-join", owner_id="alice"))
    old = await node.send(ALICE, "secret")
    await node.do(BACKEND, AddMembers("c", ("carol",)))
    assert await _changed(node, CAROL, _reply(0)) == ConversationChanged(1, ())
    reply = await node.do(ALICE, SendMessage("c", "about that", reply_to_id=str(old.id)))
    changed = await _changed(node, CAROL, _reply(0))
    assert [(message.seq, message.reply_to) for message in changed.messages] == [(2, None)]
    assert (await _changed(node, ALICE, _reply(0))).messages == (old, reply)
    assert (await _refused(node, MALLORY, _reply(0))).code == "forbidden"


async def test_messages_are_in_the_refusal_as_they_are_now(node: Node) -> None:
    """The sender's own messages count, too, and so do deleted ones."""
    await node.group("c", ALICE, BOB)
    edited = await node.send(ALICE, "1")
    deleted = await node.send(BOB, "secret")
    edited = await node.do(ALICE, EditMessage(str(edited.id), "2", metadata={"a": 1}))
    await node.do(BOB, DeleteMessage(str(deleted.id)))
    changed = await _changed(node, ALICE, _reply(0))
    assert (changed.last_seq, changed.messages[0], changed.messages[1].content) == (2, edited, "")
    assert changed.messages[1].deleted_ms is not None


async def test_a_refusal_has_no_more_than_a_page_of_text(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    size = 60_000
    await node.in_one_batch(*((BOB, SendMessage("c", f"{number}" + "x" * size)) for number in range(8)))
    changed = await _changed(node, ALICE, _reply(0))
    assert [message.seq for message in changed.messages] == list(range(9 - PAGE_MAX_BYTES // size, 9))


async def test_a_sender_who_may_not_write_learns_that_first(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "a question")
    await node.do(ALICE, RestrictMember("c", "bob", "mute"))
    assert (await _refused(node, BOB, _reply(0))).code == "muted"


@pytest.mark.parametrize(
    "command",
    [
        SendMessage("c", "x", created_ms=1, if_last_seq=0),
        SendMessage("c", "x", system=True, if_last_seq=0),
        SendMessage("c", "x", sender_id="alice", if_last_seq=-1),
        SendMessage("c", "x", sender_id="alice", if_last_seq=SEQ_MAX + 1),
    ],
)
async def test_a_condition_is_a_number_and_imported_messages_have_none(node: Node, command: SendMessage) -> None:
    await node.group("c", ALICE, BOB)
    assert (await _refused(node, BACKEND, command)).code == "invalid_request"


async def test_each_message_of_a_batch_has_a_condition_of_its_own(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    messages = tuple(SendMessage("c", str(n), sender_id="bob", if_last_seq=n) for n in (0, 1, 1, 2))
    outcomes = await node.do(BACKEND, SendMessages(messages, skip_refused=True))
    first, second, refused, last = outcomes
    assert [each.seq for each in (first, second, last)] == [1, 2, 3]
    assert isinstance(refused, ChatError)
    assert refused.details == ConversationChanged(2, (second,))
