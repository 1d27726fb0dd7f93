"""Cards: each is decided once, by those whom it asks, and everybody is notified of that and of no more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from talkwire.core.commands.accounts import BanUser, EnsureUser, PutUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.cards.deciding import (
    ActOnCard,
    CancelCard,
    CloseCard,
    GetCard,
    GetReceipt,
    ListWaitingCards,
    SeenCard,
)
from talkwire.core.commands.conversations import CreateConversation, UpdateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, EditMessage, ForwardMessage, GetMessage, SendMessage
from talkwire.core.commands.moderation.audit import ListAudit
from talkwire.core.commands.moderation.restrictions import RestrictMember, UnrestrictMember
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.cards.card import AskedCard, CardChoice, CardState, MessageCard
from talkwire.core.domain.cards.card_digest import digest_of
from talkwire.core.domain.cards.card_text import text_of
from talkwire.core.domain.cards.deciding import admits, is_asked
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import CardActed, CardDecided, MessageSent
from talkwire.core.domain.model import Actor, Member, MemberRole, Message, User, UserKind
from talkwire.core.domain.moderation.audit import AuditEntry
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.times import iso
from talkwire.core.ports.stores import Question
from talkwire.dialects.messenger.log_events import log_event_payloads
from talkwire.payloads.cards.card import card_payload
from talkwire.storage.messages.cards import CardRows
from talkwire.storage.schema import card_choices, members, open_cards, timers, users
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Call, Node
from tests.contracts.test_erasure import erase
from tests.contracts.test_holds import hold_conversation, prune
from tests.repetition import repetitions

DAVE = Actor("dave", "Dave")
MAKER = Actor("maker", "Maker")
HELPER = Actor("helper", "Helper")
OTHER_AGENT = Actor("other", "Other")
PEOPLE = (ALICE, BOB, CAROL, DAVE, MAKER)

SECOND_MS = 1000
DAY_MS = 86_400_000
YES, NO = {"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}
LINK = {"id": "more", "label": "More", "url": "https://example.org/more"}
ASKED: dict[str, Any] = {"title": "Pay?", "actions": [YES, NO, LINK], "decide": "first"}
QUORUM: dict[str, Any] = {**ASKED, "decide": {"yes": 2, "no": 1}}
POLL: dict[str, Any] = {**ASKED, "actions": [YES, NO, {"id": "later", "label": "Later"}], "decide": "poll"}
FORM: dict[str, Any] = {
    **ASKED,
    "actions": [
        {**YES, "input": {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}},
        NO,
    ],
}


@pytest.fixture(autouse=True)
async def _group(node: Node) -> None:
    """A group of five people, in which Alice is the owner, Carol an admin, and Helper an agent that Maker owns."""
    await node.users(*PEOPLE, MALLORY)
    await node.do(BACKEND, PutUser("helper", name="Helper", kind="agent", owner_id="maker"))
    await node.do(BACKEND, PutUser("other", name="Other", kind="agent", owner_id="alice"))
    there = ("alice", "bob", "carol", "dave", "maker", "helper", "other")
    roles: dict[str, MemberRole] = {"alice": "owner", "carol": "admin"}
    await node.do(BACKEND, CreateConversation("group", there, id="c", name="C", roles=roles))


def sending(
    asked: dict[str, Any],
    client_message_id: str | None = None,
    to: str = "c",
    **more: Any,  # noqa: ANN401 (fields of the command)
) -> SendMessage:
    return SendMessage(to, "", client_message_id, card=msgspec.convert(asked, AskedCard), **more)


async def ask(node: Node, asked: dict[str, Any], by: Actor = BOB, to: str = "c") -> Message:
    message = await node.do(by, sending(asked, to=to))
    assert isinstance(message, Message)
    return message


def act(message: Message, *action_ids: str, **more: Any) -> ActOnCard:  # noqa: ANN401 (fields of the command)
    return ActOnCard(str(message.id), action_ids, **more)


def end(message: Message, state: str) -> CloseCard | CancelCard:
    return CloseCard(str(message.id)) if state == "closed" else CancelCard(str(message.id))


async def now(node: Node, message: Message) -> MessageCard:
    """Returns the card of a message as it is now."""
    card = (await stored(node, message)).card
    assert card is not None
    return card


async def stored(node: Node, message: Message) -> Message:
    found = await node.do(BACKEND, GetMessage(str(message.id)))
    assert isinstance(found, Message)
    return found


async def error_of(node: Node, actor: Actor, command: Any) -> ChatError:  # noqa: ANN401 (a command)
    with pytest.raises(ChatError) as refused:
        await node.do(actor, command)
    return refused.value


async def path_of(node: Node, actor: Actor, command: Any) -> str:  # noqa: ANN401 (a command)
    """Returns the path in an `invalid_request` refusal."""
    error = await error_of(node, actor, command)
    assert error.code == "invalid_request", error
    assert isinstance(error.details, list)
    return str(error.details[0]["path"])


async def entries(node: Node) -> list[AuditEntry]:
    """Returns the entries of the audit log about decisions, oldest first."""
    page = await node.do(OPERATOR, ListAudit(limit=100, action="card-decide"))
    return [*reversed(page.items)]


def _rows(node: Node) -> tuple[set[tuple[int, str]], set[int]]:
    with node.read_engine.connect() as connection:
        chosen = connection.execute(select(card_choices.c.message_id, card_choices.c.user_id))
        opened = connection.execute(select(open_cards.c.message_id))
        return {(row.message_id, row.user_id) for row in chosen}, {*opened.scalars()}


async def choosers(node: Node) -> set[tuple[int, str]]:
    """Returns the message and the user of each stored choice."""
    return (await asyncio.to_thread(_rows, node))[0]


async def opened(node: Node) -> set[int]:
    """Returns the messages that are stored as open cards."""
    return (await asyncio.to_thread(_rows, node))[1]


def decisions(node: Node) -> list[CardDecided]:
    return [event for event in node.log if isinstance(event, CardDecided)]


# --- asking -----------------------------------------------------------------------------------------------------------


async def test_a_card_is_a_message_with_a_text_that_follows_from_it(node: Node) -> None:
    message = await ask(node, {**QUORUM, "text": "To Eve"})
    asked = msgspec.convert({**QUORUM, "text": "To Eve"}, AskedCard)
    assert message.card == MessageCard(asked, digest_of(asked), notified_ids=("alice", "carol", "dave", "maker"))
    assert message.content == "Pay?\n\nTo Eve\n\n- Yes\n- No\n- More: https://example.org/more"
    assert await stored(node, message) == message
    assert await node.do(ALICE, GetCard(str(message.id))) == SeenCard(message, None)
    assert await node.refusal(MALLORY, GetCard(str(message.id))) == "forbidden"
    text = await node.send(BOB, "A text")
    assert await path_of(node, ALICE, GetCard(str(text.id))) == "messageId"
    assert await path_of(node, ALICE, act(text, "yes")) == "messageId"
    for unknown in ("1", "nonsense"):
        assert await node.refusal(ALICE, GetCard(unknown)) == "forbidden"
        assert await node.refusal(ALICE, ActOnCard(unknown, ("yes",))) == "forbidden"


async def test_a_card_has_no_other_content_and_is_neither_imported_nor_a_notice(node: Node) -> None:
    card = msgspec.convert(ASKED, AskedCard)
    for actor, command in (
        (BOB, SendMessage("c", "A text", card=card)),
        (BOB, SendMessage("c", "", card=card, parts=(TextPart("A text"),))),
        (BACKEND, SendMessage("c", "", card=card, sender_id="bob", created_ms=node.clock.now_ms)),
        (BACKEND, SendMessage("c", "", card=card, system=True)),
    ):
        assert await path_of(node, actor, command) == "card"
    assert await path_of(node, BOB, sending({**ASKED, "title": ""})) == "card.title"
    assert await opened(node) == set()


async def test_a_retry_returns_the_first_card_whatever_became_of_it(node: Node) -> None:
    given = {**QUORUM, "subject": {"a": 1, "b": [2]}}
    first = await node.do(BOB, sending(given, "m1"))
    pos = node.chat.pos
    in_other_order = {**given, "subject": {"b": [2], "a": 1}, "decide": {"no": 1, "yes": 2}}
    for again in (given, in_other_order):
        assert await node.do(BOB, sending(again, "m1")) == first
    for other in (
        {**given, "title": "Pay more?"},
        {**given, "subject": {"a": 2, "b": [2]}},
        {**given, "decide": {"yes": 2}},
        {**given, "expiresAt": iso(node.clock.now_ms + SECOND_MS)},
    ):
        assert await node.refusal(BOB, sending(other, "m1")) == "conflict"
    assert await node.refusal(BOB, SendMessage("c", "A text", "m1")) == "conflict"
    assert node.chat.pos == pos
    seen = await node.do(ALICE, act(first, "no"))
    assert await node.do(BOB, sending(given, "m1")) == seen.message
    assert seen.message.card.state == "decided"


async def test_a_quorum_above_those_who_may_choose_now_is_refused(node: Node) -> None:
    """Of five people four may choose, as Bob asks himself."""
    await ask(node, {**QUORUM, "decide": {"yes": 4, "no": 1}})
    assert await path_of(node, BOB, sending({**QUORUM, "decide": {"yes": 5, "no": 1}})) == "card.decide"
    await ask(node, {**QUORUM, "decide": {"yes": 5}}, by=HELPER)
    assert await path_of(node, BOB, sending({**QUORUM, "who": {"users": ["alice", "mallory"]}})) == "card.decide"
    await ask(node, {**QUORUM, "who": {"users": ["alice", "mallory"], "agents": ["helper"]}})
    await node.do(ALICE, RestrictMember("c", "dave", "mute", node.clock.now_ms + SECOND_MS))
    await node.do(OPERATOR, BanUser("maker"))
    assert await path_of(node, BOB, sending({**QUORUM, "decide": {"yes": 3}})) == "card.decide"
    node.clock.now_ms += SECOND_MS
    await ask(node, {**QUORUM, "decide": {"yes": 3}})
    assert len(await opened(node)) == 4


async def test_people_who_are_stored_with_the_card_may_choose(node: Node) -> None:
    """One transaction creates a user, adds them and asks them."""
    eve = Actor("eve", "Eve")
    asked = {**QUORUM, "who": {"users": ["eve", "alice"]}}
    refused, *_, message = await node.in_one_batch(
        (BOB, sending(asked)),
        (eve, EnsureUser("eve", "Eve")),
        (BACKEND, AddMembers("c", ("eve",))),
        (BOB, sending(asked)),
    )
    assert isinstance(refused, ChatError)
    assert isinstance(message, Message)
    await node.do(eve, act(message, "no"))


async def test_a_quorum_beyond_the_safe_integers_is_refused(node: Node) -> None:
    assert await path_of(node, BOB, sending({**QUORUM, "decide": {"yes": 2**53}})) == "card.decide.yes"


# --- choosing ---------------------------------------------------------------------------------------------------------


async def test_the_first_of_several_decides(node: Node) -> None:
    message = await ask(node, ASKED)
    seen = await node.do(ALICE, act(message, "no", comment="Too much"))
    card = seen.message.card
    assert (card.state, card.action_id, card.decided_by, card.counts) == ("decided", "no", ("alice",), {"no": 1})
    assert card.ended_ms == node.clock.now_ms
    assert seen.mine == CardChoice("alice", ("no",), node.clock.now_ms, None, "Too much")
    assert seen.message.content == text_of(card) == f"{message.content}\n\nDecided: No"
    assert await stored(node, message) == seen.message
    pos = node.chat.pos
    for action in ("no", "yes"):
        refused = await error_of(node, CAROL, act(message, action))
        assert refused.code == "conflict"
        assert refused.details == {"state": "decided", "outcome": "decided", "actionId": "no"}
    assert await node.refusal(ALICE, act(message, "yes")) == "conflict"
    node.clock.now_ms += SECOND_MS
    assert await node.do(ALICE, act(message, "no", comment="Other words")) == seen
    assert await node.do(ALICE, GetCard(str(message.id))) == seen
    assert await node.do(CAROL, GetCard(str(message.id))) == SeenCard(seen.message, None, seen.choices)
    assert node.chat.pos == pos, "the same again changes nothing"
    assert len(decisions(node)) == 1


async def test_of_all_who_press_at_once_one_decides(node: Node) -> None:
    for press in ("at once", "in one batch"):
        message = await ask(node, ASKED)
        before = len(decisions(node))
        pressed = [(actor, act(message, action)) for actor, action in zip(PEOPLE, ("yes", "no") * 3, strict=False)]
        pressed = [each for each in pressed if each[0] is not BOB]
        if press == "at once":
            answers = await asyncio.gather(*(node.do(*each) for each in pressed), return_exceptions=True)
        else:
            answers = [*await node.in_one_batch(*pressed)]
        (winner,) = [answer for answer in answers if isinstance(answer, SeenCard)]
        card = await now(node, message)
        assert winner.message.card == card
        refusals = [answer for answer in answers if isinstance(answer, ChatError)]
        assert len(refusals) == len(pressed) - 1
        outcome = {"state": "decided", "outcome": "decided", "actionId": card.action_id}
        assert all((each.code, each.details) == ("conflict", outcome) for each in refusals)
        assert len(decisions(node)) == before + 1
        assert await choosers(node) >= {(message.id, card.decided_by[0])}
    assert len(await choosers(node)) == len(await entries(node)) == 2


async def test_a_quorum_is_reached_by_the_action_that_has_it_first(node: Node) -> None:
    message = await ask(node, QUORUM)
    first = await node.do(ALICE, act(message, "yes"))
    assert (first.message.card.state, first.message.card.counts) == ("open", {"yes": 1})
    assert first.message.content == message.content
    assert await opened(node) == {message.id}
    pos = node.chat.pos
    assert await node.do(ALICE, act(message, "yes")) == first
    refused = await error_of(node, ALICE, act(message, "no"))
    assert (refused.code, refused.details) == ("conflict", {"actionIds": ["yes"]})
    assert node.chat.pos == pos
    node.clock.now_ms += SECOND_MS
    second = (await node.do(DAVE, act(message, "yes"))).message.card
    assert (second.state, second.action_id, second.decided_by) == ("decided", "yes", ("alice", "dave"))
    assert await opened(node) == set()

    declined = await ask(node, QUORUM)
    await node.do(DAVE, act(declined, "yes"))
    card = (await node.do(ALICE, act(declined, "no"))).message.card
    assert (card.state, card.action_id, card.decided_by) == ("decided", "no", ("alice",))
    assert card.counts == {"yes": 1, "no": 1}


@pytest.mark.parametrize("lost", ["removed", "muted", "banned"])
@pytest.mark.parametrize("batch", [False, True], ids=["later", "in one batch"])
async def test_a_card_ends_once_too_few_are_left_who_could_choose(node: Node, lost: str, *, batch: bool) -> None:
    message = await ask(node, {**QUORUM, "decide": {"yes": 3, "no": 3}})
    await node.do(ALICE, act(message, "yes"))
    loss = {
        "removed": (ALICE, RemoveMember("c", "dave")),
        "muted": (ALICE, RestrictMember("c", "dave", "mute", None)),
        "banned": (OPERATOR, BanUser("dave")),
    }[lost]
    if batch:
        _, seen = await node.in_one_batch(loss, (CAROL, act(message, "no")))
    else:
        await node.do(*loss)
        assert (await now(node, message)).is_open, "only a choice ends it"
        seen = await node.do(CAROL, act(message, "no"))
    card = seen.message.card
    assert (card.state, card.action_id, card.decided_by) == ("unreachable", None, ())
    assert card.counts == {"yes": 1, "no": 1}
    assert seen.message.content == f"{message.content}\n\nEnded without a decision"
    refused = await error_of(node, MAKER, act(message, "yes"))
    assert (refused.code, refused.details) == ("conflict", {"state": "unreachable", "outcome": "unreachable"})
    assert await opened(node) == set()
    assert await entries(node) == []


async def test_a_card_stays_open_while_enough_are_left(node: Node) -> None:
    message = await ask(node, {**QUORUM, "decide": {"yes": 3, "no": 3}})
    await node.do(ALICE, act(message, "yes"))
    seen = await node.do(CAROL, act(message, "no"))
    assert seen.message.card.is_open, "Dave and Maker can still choose"
    await node.do(DAVE, act(message, "yes"))
    assert (await node.do(MAKER, act(message, "yes"))).message.card.state == "decided"


REFUSED: list[tuple[str, dict[str, Any], Actor, str]] = [
    ("the author", ASKED, BOB, "forbidden"),
    ("an agent", ASKED, OTHER_AGENT, "forbidden"),
    ("an agent in a poll", POLL, OTHER_AGENT, "forbidden"),
    ("an agent of another name", {**ASKED, "who": {"agents": ["helper"]}}, OTHER_AGENT, "forbidden"),
    ("an agent that is named as a person", {**ASKED, "who": {"users": ["other"]}}, OTHER_AGENT, "forbidden"),
    ("somebody who is not named", {**ASKED, "who": {"users": ["alice"]}}, DAVE, "forbidden"),
    ("another role", {**ASKED, "who": {"roles": ["owner", "admin"]}}, DAVE, "forbidden"),
    ("the author, of a role", {**ASKED, "who": {"roles": ["member"]}}, BOB, "forbidden"),
    ("a stranger", ASKED, MALLORY, "forbidden"),
    ("a stranger who is named", {**ASKED, "who": {"users": ["mallory"]}}, MALLORY, "forbidden"),
]


@pytest.mark.parametrize(("given", "actor", "code"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
async def test_a_card_is_not_decided_by_others(node: Node, given: dict[str, Any], actor: Actor, code: str) -> None:
    message = await ask(node, given)
    assert await node.refusal(actor, act(message, "yes")) == code
    assert (await now(node, message)).counts == {}


@pytest.mark.parametrize(
    ("given", "actor"),
    [
        (ASKED, MAKER),
        (POLL, BOB),
        ({**ASKED, "who": {"author": True}}, BOB),
        ({**ASKED, "who": {"users": ["bob"]}}, BOB),
        ({**ASKED, "who": {"agents": ["helper"]}}, HELPER),
        ({**ASKED, "who": {"roles": ["owner"]}}, ALICE),
        ({**ASKED, "who": {"users": ["dave"], "roles": ["owner"]}}, DAVE),
    ],
    ids=["anybody", "the author of a poll", "the author", "the author by name", "an agent", "a role", "a name"],
)
async def test_those_whom_a_card_asks_decide_it(node: Node, given: dict[str, Any], actor: Actor) -> None:
    message = await ask(node, given)
    assert (await node.do(actor, act(message, "yes"))).message.card.counts == {"yes": 1}


async def test_who_may_not_write_may_not_choose(node: Node) -> None:
    message = await ask(node, {**ASKED, "decide": "poll", "max": 2})
    await node.do(ALICE, RestrictMember("c", "dave", "mute", node.clock.now_ms + SECOND_MS))
    assert await node.refusal(DAVE, act(message, "yes")) == "muted"
    node.clock.now_ms += SECOND_MS
    await node.do(DAVE, act(message, "yes"))
    await node.do(ALICE, RestrictMember("c", "dave", "mute", None))
    assert await node.refusal(DAVE, act(message)) == "muted"
    await node.do(ALICE, UnrestrictMember("c", "dave", "mute"))
    await node.do(DAVE, act(message, "no"))
    await node.do(ALICE, RemoveMember("c", "dave"))
    for command in (act(message, "yes"), act(message, "no"), act(message), GetCard(str(message.id))):
        assert await node.refusal(DAVE, command) == "forbidden"
    await node.do(OPERATOR, BanUser("maker"))
    assert await node.refusal(MAKER, act(message, "yes")) == "banned"
    assert (await now(node, message)).counts == {"no": 1}


async def test_nobody_chooses_across_a_block(node: Node) -> None:
    direct = (await node.do(ALICE, CreateConversation("direct", ("bob",)))).conversation.id
    message = await ask(node, QUORUM | {"decide": {"yes": 1}}, to=direct)
    await node.do(BOB, BlockUser("alice"))
    assert await node.refusal(ALICE, act(message, "yes")) == "blocked"
    assert (await node.do(BOB, end(message, "cancelled"))).message.card.state == "cancelled"


async def test_who_does_not_see_a_card_does_not_choose(node: Node) -> None:
    await node.do(BACKEND, UpdateConversation("c", history="from-join"))
    message = await ask(node, ASKED)
    await node.do(ALICE, AddMembers("c", ("mallory",)))
    for command in (act(message, "yes"), GetCard(str(message.id))):
        assert await node.refusal(MALLORY, command) == "forbidden"


async def test_the_backend_chooses_in_a_members_name(node: Node) -> None:
    message = await ask(node, ASKED)
    assert await node.refusal(CAROL, act(message, "yes", sender_id="alice")) == "forbidden"
    assert await path_of(node, BACKEND, act(message, "yes")) == "senderId"
    assert await node.refusal(BACKEND, act(message, "yes", sender_id="bob")) == "forbidden"
    assert await path_of(node, BACKEND, act(message, "yes", sender_id="a b")) == "senderId"
    seen = await node.do(BACKEND, act(message, "yes", sender_id="alice"))
    assert seen.message.card.decided_by == ("alice",)
    assert seen == await node.do(ALICE, GetCard(str(message.id)))
    (entry,) = await entries(node)
    assert entry.actor_id == "backend"


@pytest.mark.parametrize(
    ("given", "action_ids", "more", "path"),
    [
        (ASKED, (), {}, "actionIds"),
        (ASKED, ("yes", "no"), {}, "actionIds"),
        (ASKED, ("maybe",), {}, "actionIds[0]"),
        (ASKED, ("more",), {}, "actionIds[0]"),
        ({**ASKED, "decide": {"yes": 1}}, ("no",), {}, "actionIds[0]"),
        (POLL, ("yes", "no"), {}, "actionIds"),
        ({**POLL, "max": 2}, ("yes", "maybe"), {}, "actionIds[1]"),
        ({**POLL, "max": 2}, ("yes", "no", "later"), {}, "actionIds"),
        ({**POLL, "max": 2}, ("yes", "yes"), {}, "actionIds"),
        (POLL, tuple(f"a{n}" for n in range(21)), {}, "actionIds"),
        (ASKED, ("x" * 65,), {}, "actionIds[0]"),
        (ASKED, ("yes\x00",), {}, "actionIds[0]"),
        (ASKED, ("yes",), {"comment": ""}, "comment"),
        (ASKED, ("yes",), {"comment": "x" * 1001}, "comment"),
        (ASKED, ("yes",), {"comment": "\x00"}, "comment"),
        (ASKED, ("yes",), {"input": {}}, "input"),
        (FORM, ("no",), {"input": {"n": 1}}, "input"),
        (FORM, ("yes",), {}, "input.n"),
        (FORM, ("yes",), {"input": {"n": 1.5}}, "input.n"),
        (FORM, ("yes",), {"input": {"n": 1, "m": 1}}, "input"),
    ],
    ids=str,
)
async def test_an_invalid_choice_is_refused_at_its_path(
    node: Node, given: dict[str, Any], action_ids: tuple[str, ...], more: dict[str, Any], path: str
) -> None:
    message = await ask(node, given)
    assert await path_of(node, ALICE, act(message, *action_ids, **more)) == path
    assert await choosers(node) == set()


async def test_a_form_is_filled_in_by_who_decides(node: Node) -> None:
    message = await ask(node, FORM | {"decide": {"yes": 2}})
    await node.do(ALICE, act(message, "yes", input={"n": 1}))
    assert await node.refusal(ALICE, act(message, "yes", input={"n": 2})) == "conflict"
    seen = await node.do(CAROL, act(message, "yes", input={"n": 3}, comment="Why"))
    assert seen.message.card.input == {"n": 3}
    assert seen.mine.input == {"n": 3}
    assert (await node.do(ALICE, GetCard(str(message.id)))).mine.input == {"n": 1}
    assert await node.do(CAROL, act(message, "yes", input={"n": 3})) == seen
    assert await node.refusal(CAROL, act(message, "yes", input={"n": 4})) == "conflict"


# --- polls ------------------------------------------------------------------------------------------------------------


async def test_choices_in_a_poll_change_until_it_is_closed(node: Node) -> None:
    message = await ask(node, {**POLL, "max": 2})
    for action_ids, counts in (
        (("yes",), {"yes": 1}),
        (("later", "no"), {"no": 1, "later": 1}),
        ((), {}),
        (("yes", "no"), {"yes": 1, "no": 1}),
    ):
        pos = node.chat.pos
        seen = await node.do(ALICE, act(message, *action_ids))
        assert seen.message.card.counts == counts
        assert (seen.mine is not None) == bool(action_ids)
        assert node.chat.pos == pos + 1
        for again in (act(message, *action_ids), act(message, *action_ids[::-1]), GetCard(str(message.id))):
            assert await node.do(ALICE, again) == seen
        assert node.chat.pos == pos + 1, "the same again changes nothing"
    await node.do(BOB, act(message, "yes"))
    pos = node.chat.pos
    assert await node.do(CAROL, act(message)) == await node.do(CAROL, GetCard(str(message.id)))
    assert node.chat.pos == pos
    closed = await node.do(BOB, end(message, "closed"))
    card = closed.message.card
    assert (card.state, card.counts, card.decided_by) == ("closed", {"yes": 2, "no": 1}, ())
    assert closed.message.content == f"{message.content}\n\nClosed\n\nYes: 2\nNo: 1"
    for action_ids in (("later",), ()):
        refused = await error_of(node, ALICE, act(message, *action_ids))
        assert (refused.code, refused.details) == ("conflict", {"state": "closed", "outcome": "closed"})
    assert await node.do(BOB, end(message, "closed")) == closed
    assert await choosers(node) == {(message.id, "alice"), (message.id, "bob")}


async def test_the_counts_of_a_poll_may_be_hidden_until_its_end(node: Node) -> None:
    message = await ask(node, {**POLL, "results": "closed"})
    seen = await node.do(ALICE, act(message, "yes"))
    assert card_payload(seen.message.card).counts is None
    closed = await node.do(BOB, end(message, "closed"))
    assert card_payload(closed.message.card).counts == {"yes": 1, "no": 0, "later": 0}
    live = await node.do(ALICE, act(await ask(node, POLL), "no"))
    assert card_payload(live.message.card).counts == {"yes": 0, "no": 1, "later": 0}


async def test_members_see_who_has_chosen_what_unless_that_is_hidden(node: Node) -> None:
    by_alice = CardChoice("alice", ("yes",), node.clock.now_ms, None, "Sure")
    by_carol = CardChoice("carol", ("no",), node.clock.now_ms)
    for asked, while_open, later in (
        ({**QUORUM, "decide": {"yes": 2, "no": 2}}, (by_alice, by_carol), (by_alice, by_carol)),
        (POLL, (by_alice, by_carol), (by_alice, by_carol)),
        ({**POLL, "results": "closed"}, (), (by_alice, by_carol)),
        ({**POLL, "names": "hidden"}, (), ()),
        ({**POLL, "names": "hidden", "results": "closed"}, (), ()),
    ):
        message = await ask(node, asked)
        assert (await node.do(ALICE, GetCard(str(message.id)))).choices == ()
        await node.do(ALICE, act(message, "yes", comment="Sure"))
        seen = await node.do(CAROL, act(message, "no"))
        assert (seen.mine, seen.choices) == (by_carol, while_open)
        for actor in (ALICE, DAVE, BACKEND):
            assert (await node.do(actor, GetCard(str(message.id)))).choices == while_open
        assert (await node.do(BOB, end(message, "cancelled"))).choices == later
        assert (await node.do(DAVE, GetCard(str(message.id)))).choices == later


@given(
    st.lists(
        st.tuples(st.sampled_from(["alice", "bob", "carol", "dave"]), st.sets(st.sampled_from(["yes", "no", "later"]))),
        max_size=12,
    )
)
@settings(max_examples=repetitions(20, 3), deadline=None)
def _choose_at_random(loop: asyncio.AbstractEventLoop, node: Node, made: list[tuple[str, set[str]]]) -> None:
    """Chooses in a poll in several transactions, and compares what is stored with a recount."""

    async def run() -> None:
        message = await ask(node, {**POLL, "max": 3})
        latest: dict[str, set[str]] = {}
        for start in range(0, len(made), 3):
            part = made[start : start + 3]
            await node.in_one_batch(*((Actor(id_, id_), act(message, *sorted(chosen))) for id_, chosen in part))
            latest |= dict(part)
        card = await now(node, message)
        counts = {id_: sum(id_ in each for each in latest.values()) for id_ in ("yes", "no", "later")}
        assert card.counts == {id_: count for id_, count in counts.items() if count}
        there = {user_id for id_, user_id in await choosers(node) if id_ == message.id}
        assert there == {id_ for id_, chosen in latest.items() if chosen}
        for user_id, chosen in latest.items():
            mine = (await node.do(Actor(user_id, user_id), GetCard(str(message.id)))).mine
            assert ({*mine.action_ids} if mine else set()) == chosen

    asyncio.run_coroutine_threadsafe(run(), loop).result()


async def test_the_counts_of_a_poll_equal_a_recount(node: Node) -> None:
    await asyncio.to_thread(_choose_at_random, asyncio.get_running_loop(), node)


# --- the other ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        (BOB, None),
        (ALICE, None),
        (CAROL, None),
        (OPERATOR, None),
        (BACKEND, None),
        (DAVE, "forbidden"),
        (HELPER, "forbidden"),
        (MALLORY, "forbidden"),
    ],
    ids=lambda each: each.user_id if isinstance(each, Actor) else str(each),
)
async def test_its_author_and_moderators_close_a_poll(node: Node, actor: Actor, code: str | None) -> None:
    message = await ask(node, POLL)
    if code is None:
        assert (await node.do(actor, end(message, "closed"))).message.card.state == "closed"
    else:
        assert await node.refusal(actor, end(message, "closed")) == code
        assert (await now(node, message)).is_open


@pytest.mark.parametrize("given", [ASKED, QUORUM, POLL], ids=["first", "quorum", "poll"])
async def test_its_author_the_owner_of_an_agent_and_the_backend_cancel_a_card(
    node: Node, given: dict[str, Any]
) -> None:
    for author, by, code in (
        (BOB, BOB, None),
        (HELPER, HELPER, None),
        (HELPER, MAKER, None),
        (HELPER, BACKEND, None),
        (BOB, BACKEND, None),
        (BOB, ALICE, "forbidden"),
        (BOB, CAROL, "forbidden"),
        (BOB, MAKER, "forbidden"),
        (BOB, OPERATOR, "forbidden"),
        (HELPER, ALICE, "forbidden"),
        (HELPER, OTHER_AGENT, "forbidden"),
        (BOB, MALLORY, "forbidden"),
    ):
        message = await ask(node, given, by=author)
        if code is None:
            seen = await node.do(by, end(message, "cancelled"))
            assert seen.message.card.state == "cancelled", (author, by)
            assert seen.message.content == f"{message.content}\n\nCancelled"
            pos = node.chat.pos
            assert await node.do(by, end(message, "cancelled")) == seen
            assert node.chat.pos == pos, "the same again changes nothing"
        else:
            assert await node.refusal(by, end(message, "cancelled")) == code, (author, by)
            assert (await now(node, message)).is_open
    for id_ in await opened(node):
        await node.do(BACKEND, CancelCard(str(id_)))
    assert await opened(node) == set()


async def test_only_a_poll_is_closed(node: Node) -> None:
    for asked in (ASKED, QUORUM):
        message = await ask(node, asked)
        assert await path_of(node, BOB, end(message, "closed")) == "messageId"
        assert (await now(node, message)).is_open


async def test_whoever_left_ends_no_card(node: Node) -> None:
    message = await ask(node, POLL)
    await node.do(BOB, RemoveMember("c", "bob"))
    for state in ("closed", "cancelled"):
        assert await node.refusal(BOB, end(message, state)) == "forbidden"
    await node.do(OPERATOR, BanUser("carol"))
    assert await node.refusal(CAROL, end(message, "closed")) == "banned"


async def test_a_card_ends_at_its_time(node: Node) -> None:
    later_ms = node.clock.now_ms + SECOND_MS
    messages = [await ask(node, {**given, "expiresAt": iso(later_ms)}) for given in (QUORUM, POLL)]
    for message in messages:
        assert message.card is not None
        assert message.card.expires_ms == later_ms
        await node.do(ALICE, act(message, "yes"))
    node.clock.now_ms = later_ms - 1
    await node.fire()
    assert [(await now(node, message)).state for message in messages] == ["open", "open"]
    node.clock.now_ms = later_ms
    await node.fire()
    for message in messages:
        card = await now(node, message)
        assert (card.state, card.ended_ms, card.counts) == ("expired", later_ms, {"yes": 1})
        refused = await error_of(node, CAROL, act(message, "yes"))
        assert (refused.code, refused.details) == ("conflict", {"state": "expired", "outcome": "expired"})
        assert await node.refusal(BOB, end(message, "cancelled")) == "conflict"
    assert [(await stored(node, each)).content.split("\n\n", 2)[2] for each in messages] == [
        "Expired",
        "Expired\n\nYes: 1",
    ]
    assert len(decisions(node)) == 2
    assert await opened(node) == set()
    assert await entries(node) == []


async def test_a_timer_that_is_too_early_for_its_card_is_set_again(node: Node) -> None:
    later_ms = node.clock.now_ms + SECOND_MS
    message = await ask(node, {**ASKED, "expiresAt": iso(later_ms)})
    node.clock.now_ms = later_ms - 1
    await node.do(OPERATOR, Call(lambda tx: tx.timers.set("card", str(message.id), tx.now_ms)))
    await node.fire()
    assert (await now(node, message)).is_open
    assert await node.next_timer_ms() == later_ms


async def test_a_card_that_has_ended_has_no_timer(node: Node) -> None:
    def keys() -> list[str]:
        with node.read_engine.connect() as connection:
            return [*connection.execute(select(timers.c.key).where(timers.c.kind == "card")).scalars()]

    given = {**ASKED, "expiresAt": iso(node.clock.now_ms + SECOND_MS)}
    message, deleted = await ask(node, given), await ask(node, given)
    await ask(node, ASKED)
    assert {*await asyncio.to_thread(keys)} == {str(message.id), str(deleted.id)}
    await node.do(ALICE, act(message, "yes"))
    assert await asyncio.to_thread(keys) == [str(deleted.id)]
    await node.do(BOB, DeleteMessage(str(deleted.id)))
    pos = node.chat.pos
    node.clock.now_ms += SECOND_MS
    await node.fire()
    assert await asyncio.to_thread(keys) == []
    assert node.chat.pos == pos


async def test_nobody_chooses_after_the_time_is_over_although_the_timer_has_not_fired(node: Node) -> None:
    message = await ask(node, {**ASKED, "expiresAt": iso(node.clock.now_ms + SECOND_MS)})
    node.clock.now_ms += SECOND_MS
    assert await node.refusal(ALICE, act(message, "yes")) == "conflict"
    assert await node.refusal(BOB, end(message, "cancelled")) == "conflict"
    assert await node.refusal(BOB, sending({**ASKED, "supersedes": str(message.id)})) == "conflict"
    poll = await ask(node, {**POLL, "expiresAt": iso(node.clock.now_ms + SECOND_MS)})
    await node.do(ALICE, act(poll, "yes"))
    node.clock.now_ms += SECOND_MS
    assert await node.refusal(ALICE, act(poll)) == "conflict"
    assert await node.refusal(BOB, end(poll, "closed")) == "conflict"


@pytest.mark.parametrize("given", [ASKED, POLL], ids=["first", "poll"])
async def test_a_time_that_is_over_or_too_late_is_refused(node: Node, given: dict[str, Any]) -> None:
    year_ms = 366 * 24 * 3600 * SECOND_MS
    for ms in (0, -1, year_ms + 1):
        command = sending({**given, "expiresAt": iso(node.clock.now_ms + ms)})
        assert await path_of(node, BOB, command) == "card.expiresAt"
    await ask(node, {**given, "expiresAt": iso(node.clock.now_ms + year_ms)})


async def test_a_card_takes_the_place_of_an_open_one_of_its_author(node: Node) -> None:
    former = await ask(node, {**QUORUM, "expiresAt": iso(node.clock.now_ms + SECOND_MS)})
    await node.do(ALICE, act(former, "yes"))
    new = sending({**QUORUM, "title": "Pay less?", "supersedes": str(former.id)}, "m1")
    message = await node.do(BOB, new)
    card = await now(node, former)
    assert (card.state, card.counts) == ("superseded", {"yes": 1})
    assert (await stored(node, former)).content == f"{former.content}\n\nReplaced by another card"
    refused = await error_of(node, CAROL, act(former, "yes"))
    assert (refused.code, refused.details) == ("conflict", {"state": "superseded", "outcome": "superseded"})
    assert await opened(node) == {message.id}
    pos = node.chat.pos
    assert await node.do(BOB, new) == message, "a retry"
    assert node.chat.pos == pos
    assert await node.refusal(BOB, sending({**ASKED, "supersedes": str(former.id)})) == "conflict"
    await node.do(ALICE, act(message, "yes"))
    assert (await node.do(DAVE, act(message, "yes"))).message.card.state == "decided"


async def test_a_card_takes_the_place_of_no_other_message(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob", "carol"), id="d", name="D"))
    others, elsewhere, text = (
        await ask(node, ASKED, by=CAROL),
        await ask(node, ASKED, to="d"),
        await node.send(BOB, "A"),
    )
    deleted, ended = await ask(node, ASKED), await ask(node, ASKED)
    await node.do(BOB, DeleteMessage(str(deleted.id)))
    await node.do(BOB, end(ended, "cancelled"))
    pos = node.chat.pos
    for id_, code in (
        (others.id, "forbidden"),
        (elsewhere.id, "forbidden"),
        (1, "forbidden"),
        (text.id, "invalid_request"),
        (deleted.id, "invalid_request"),
        (ended.id, "conflict"),
    ):
        assert await node.refusal(BOB, sending({**ASKED, "supersedes": str(id_)})) == code, id_
    refused = await error_of(node, BOB, sending({**ASKED, "supersedes": str(ended.id)}))
    assert refused.details == {"state": "cancelled", "outcome": "cancelled"}
    assert node.chat.pos == pos
    assert await opened(node) == {others.id, elsewhere.id}


ENDS: list[tuple[CardState, dict[str, Any]]] = [
    ("decided", ASKED),
    ("closed", POLL),
    ("cancelled", QUORUM),
    ("expired", ASKED),
    ("superseded", ASKED),
    ("unreachable", {**QUORUM, "decide": {"yes": 4, "no": 4}}),
]


async def reach(node: Node, state: CardState, given: dict[str, Any]) -> Message:
    """Sends a card and ends it."""
    if state == "expired":
        given = {**given, "expiresAt": iso(node.clock.now_ms + SECOND_MS)}
    message = await ask(node, given)
    match state:
        case "decided":
            await node.do(ALICE, act(message, "yes"))
        case "closed" | "cancelled":
            await node.do(BOB, end(message, state))
        case "expired":
            node.clock.now_ms += SECOND_MS
            await node.fire()
        case "superseded":
            await ask(node, {**given, "supersedes": str(message.id)})
        case _:
            await node.do(ALICE, act(message, "yes"))
            await node.do(CAROL, act(message, "no"))
    return message


@pytest.mark.parametrize(("state", "given"), ENDS, ids=[state for state, _ in ENDS])
async def test_a_card_ends_once(node: Node, state: CardState, given: dict[str, Any]) -> None:
    message = await reach(node, state, given)
    assert (await now(node, message)).state == state
    pos = node.chat.pos
    outcome = {"state": state, "outcome": state} | ({"actionId": "yes"} if state == "decided" else {})
    commands = [(MAKER, act(message, "yes")), (BOB, sending({**ASKED, "supersedes": str(message.id)}))]
    commands += [(BOB, end(message, "cancelled"))] if state != "cancelled" else []
    commands += [(BOB, end(message, "closed"))] if given is POLL and state != "closed" else []
    for actor, command in commands:
        refused = await error_of(node, actor, command)
        assert (refused.code, refused.details) == ("conflict", outcome)
    assert node.chat.pos == pos
    ends = [event.message for event in decisions(node) if event.message.id == message.id]
    assert ends == [await stored(node, message)]
    assert message.id not in await opened(node)


# --- the message ------------------------------------------------------------------------------------------------------


async def test_a_card_cannot_be_edited(node: Node) -> None:
    message = await ask(node, ASKED)
    for command in (
        EditMessage(str(message.id), "Other words"),
        EditMessage(str(message.id), parts=(TextPart("Other words"),)),
    ):
        assert await node.refusal(BOB, command) == "conflict"
    await node.do(BOB, EditMessage(str(message.id), metadata={"a": 1}))
    found = await stored(node, message)
    assert (found.card, found.content, found.metadata) == (message.card, message.content, {"a": 1})
    assert (await node.do(ALICE, act(message, "yes"))).message.metadata == {"a": 1}


async def test_a_forwarded_card_is_a_text(node: Node) -> None:
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="d", name="D"))
    message = await ask(node, ASKED)
    (forwarded,) = await node.do(ALICE, ForwardMessage(str(message.id), ("d",)))
    assert (forwarded.card, forwarded.content) == (None, message.content)
    assert await opened(node) == {message.id}


async def test_what_belongs_to_a_card_is_deleted_with_its_message(node: Node) -> None:
    kept, deleted, poll = await ask(node, QUORUM), await ask(node, QUORUM), await ask(node, POLL)
    for message in (kept, deleted, poll):
        await node.do(ALICE, act(message, "yes"))
    for message in (deleted, poll):
        await node.do(BOB, DeleteMessage(str(message.id)))
    assert await choosers(node) == {(kept.id, "alice")}
    assert await opened(node) == {kept.id}
    for command in (act(deleted, "yes"), end(deleted, "cancelled"), GetCard(str(deleted.id))):
        assert await path_of(node, BOB, command) == "messageId"
    assert (await node.do(DAVE, act(kept, "yes"))).message.card.state == "decided"


async def test_what_belongs_to_a_card_is_erased_with_its_author(node: Node) -> None:
    kept, erased = await ask(node, QUORUM, by=CAROL), await ask(node, QUORUM)
    for message in (kept, erased):
        await node.do(ALICE, act(message, "yes"))
    await erase(node, "bob")
    assert await choosers(node) == {(kept.id, "alice")}
    assert await opened(node) == {kept.id}


async def test_the_choice_of_an_erased_member_counts_only_once_the_card_has_ended(node: Node) -> None:
    still_open, poll, decided, closed = [await ask(node, asked) for asked in (QUORUM, POLL, QUORUM, POLL)]
    for message in (still_open, poll, decided, closed):
        await node.do(ALICE, act(message, "yes", comment="Sure"))
    for message in (poll, decided, closed):
        await node.do(CAROL, act(message, "yes"))
    await node.do(BOB, end(closed, "closed"))
    await erase(node)
    assert await choosers(node) == {(message.id, "carol") for message in (poll, decided, closed)}
    assert [(await now(node, message)).counts for message in (still_open, poll)] == [{}, {"yes": 1}]
    card = await now(node, decided)
    assert (card.state, card.counts, card.decided_by) == ("decided", {"yes": 2}, ("carol",))
    assert (await now(node, closed)).counts == {"yes": 2}
    assert (await node.do(CAROL, act(still_open, "yes"))).message.card.is_open
    assert (await node.do(DAVE, act(still_open, "yes"))).message.card.decided_by == ("carol", "dave")
    assert (await node.do(CAROL, act(poll, "no"))).message.card.counts == {"no": 1}


@pytest.mark.parametrize("last", ["alice", "carol"])
async def test_what_an_erased_member_has_filled_in_is_erased_from_a_decided_card(node: Node, last: str) -> None:
    message = await ask(node, {**FORM, "decide": {"yes": 2}})
    by = (CAROL, ALICE) if last == "alice" else (ALICE, CAROL)
    for number, actor in enumerate(by):
        await node.do(actor, act(message, "yes", input={"n": number}))
    await erase(node)
    card = await now(node, message)
    assert (card.state, card.decided_by) == ("decided", ("carol",))
    assert card.input == (None if last == "alice" else {"n": 1})


async def test_open_cards_are_stored_exactly_while_they_are_open(node: Node) -> None:
    await ask(node, POLL)
    assert await opened(node) == set()
    one = await ask(node, ASKED)
    for state, asked in ENDS:
        others = await opened(node)
        message = await ask(node, asked)
        assert await opened(node) == (others if asked is POLL else {*others, message.id})
        await node.do(BOB, end(message, "cancelled"))
        assert await opened(node) == others
        ended = await reach(node, state, asked)
        assert ended.id not in await opened(node)
    messages = [await stored(node, event.message) for event in node.log if isinstance(event, MessageSent)]
    expected = {m.id for m in messages if m.card is not None and m.card.is_open and not m.card.asked.is_poll}
    assert await opened(node) == expected
    assert {one.id} < expected, "one more takes the place of the card that was superseded"


# --- who is notified --------------------------------------------------------------------------------------------------


async def seen_by(node: Node, actor: Actor, after: str) -> list[tuple[Any, ...]]:
    """Returns the events of cards that an actor's `sync` shows: the choices, and the ends."""
    page = await node.do(actor, ListEvents(after))
    found: list[tuple[Any, ...]] = []
    for event in page.events:
        if isinstance(event, CardActed):
            found.append((event.user_id, event.action_ids))
        elif isinstance(event, CardDecided):
            assert event.message.card is not None
            found.append((event.message.card.state, event.message.card.action_id))
    return found


@pytest.mark.parametrize("given", [QUORUM, POLL, {**POLL, "names": "hidden"}], ids=["quorum", "poll", "hidden"])
async def test_a_choice_is_shown_to_its_user_and_the_end_to_all(node: Node, given: dict[str, Any]) -> None:
    cursor, before = node.chat.cursor, node.chat.pos
    message = await ask(node, given)
    await node.do(ALICE, act(message, "yes"))
    await node.do(CAROL, act(message, "yes"))
    expected: dict[str, list[tuple[Any, ...]]] = {"alice": [("alice", ("yes",))], "carol": [("carol", ("yes",))]}
    ended: tuple[Any, ...] = ("decided", "yes")
    if given is not QUORUM:
        await node.do(CAROL, act(message))
        expected["carol"].append(("carol", ()))
        await node.do(BOB, end(message, "closed"))
        ended = ("closed", None)
    for actor in (ALICE, BOB, CAROL, DAVE, HELPER):
        assert await seen_by(node, actor, cursor) == [*expected.get(actor.user_id, []), ended], actor
    assert await seen_by(node, MALLORY, cursor) == []

    events = [event for event in await node.replay(before) if isinstance(event, CardActed | CardDecided)]
    payloads = log_event_payloads(events, "e")
    is_hidden = given.get("names") == "hidden"
    acted = sum(len(each) for each in expected.values())
    assert [each.type for each in payloads] == [*([] if is_hidden else ["card:acted"] * acted), "card:decided"]
    assert any(b"alice" in msgspec.json.encode(each) for each in payloads) != is_hidden


async def test_an_outcome_names_nobody_of_a_poll(node: Node) -> None:
    message = await ask(node, {**POLL, "names": "hidden"})
    await node.do(ALICE, act(message, "yes", comment="Mine"))
    closed = await node.do(BOB, end(message, "closed"))
    assert closed.mine is None
    for actor in (BOB, CAROL, BACKEND, OPERATOR):
        seen = await node.do(actor, GetCard(str(message.id)))
        assert seen.mine is None
        assert b"alice" not in msgspec.json.encode(seen)
        assert b"Mine" not in msgspec.json.encode(seen)


async def test_a_choice_in_the_stored_log_equals_the_published_one(node: Node) -> None:
    await node.do(ALICE, act(await ask(node, ASKED), "yes"))
    (published,) = [event for event in node.log if isinstance(event, CardActed)]
    (found,) = [event for event in await node.replay() if isinstance(event, CardActed)]
    assert (found.user_id, found.hidden) == (published.user_id, published.hidden)
    assert found.action_ids == published.action_ids


# --- the audit log ----------------------------------------------------------------------------------------------------


async def test_each_decision_has_one_entry_in_the_audit_log(node: Node) -> None:
    first, quorum, poll, cancelled = [await ask(node, given) for given in (ASKED, QUORUM, POLL, ASKED)]
    await node.do(ALICE, act(first, "yes", comment="Secret"))
    await node.do(ALICE, act(first, "yes"))
    assert await node.refusal(CAROL, act(first, "yes")) == "conflict"
    for actor in (ALICE, CAROL):
        await node.do(actor, act(quorum, "yes"))
        await node.do(actor, act(poll, "yes"))
    await node.do(BOB, end(poll, "closed"))
    await node.do(BOB, end(cancelled, "cancelled"))
    found = await entries(node)
    assert [(each.actor_id, each.target_id, each.conversation_id) for each in found] == [
        ("alice", str(first.id), "c"),
        ("carol", str(quorum.id), "c"),
    ]
    assert [each.digest for each in found] == [digest_of(msgspec.convert(each, AskedCard)) for each in (ASKED, QUORUM)]
    assert all(each.reason is None and b"Secret" not in msgspec.json.encode(each) for each in found)
    everything = (await node.do(OPERATOR, ListAudit(limit=100))).items
    assert all(each.digest is None for each in everything if each.action != "card-decide")


# --- the rule of who is asked, in SQL ---------------------------------------------------------------------------------

NOW_MS = 1_700_000_000_000
IDS = tuple(f"u{n}" for n in range(6))
ids = st.lists(st.sampled_from(IDS), min_size=1, max_size=4, unique=True)
who = st.fixed_dictionaries(
    {},
    optional={
        "users": ids,
        "roles": st.lists(st.sampled_from(["owner", "admin", "member"]), min_size=1, max_size=3),
        "author": st.booleans(),
        "agents": ids,
    },
)


class Person(msgspec.Struct, frozen=True):
    """A member as drawn at random, and whether they have chosen already."""

    kind: UserKind
    banned: bool
    role: MemberRole
    muted_until_ms: int
    has_chosen: bool
    is_there: bool


people = st.lists(
    st.builds(
        Person,
        kind=st.sampled_from(["person", "person", "agent"]),
        banned=st.sampled_from([False, False, False, True]),
        role=st.sampled_from(["owner", "admin", "member", "member"]),
        muted_until_ms=st.sampled_from([0, 0, NOW_MS - 1, NOW_MS, NOW_MS + 1, 2**53]),
        has_chosen=st.booleans(),
        is_there=st.sampled_from([True, True, True, False]),
    ),
    min_size=len(IDS),
    max_size=len(IDS),
)


def write(connection: Connection, drawn: Sequence[Person]) -> None:
    """Stores the members, and their choices of the card of the message 1."""
    for id_, each in zip(IDS, drawn, strict=True):
        own = {"kind": each.kind, "banned": each.banned}
        connection.execute(update(users).where(users.c.id == id_).values(own))
        place = members.c.user_id == id_, members.c.conversation_id == "q"
        if each.is_there:
            changes = {"role": each.role, "muted_until_ms": each.muted_until_ms}
            connection.execute(update(members).where(*place).values(changes))
        else:
            connection.execute(delete(members).where(*place))
        if each.has_chosen:
            row = {"message_id": 1, "user_id": id_, "action_ids": '["yes"]', "at_ms": NOW_MS}
            connection.execute(insert(card_choices), row)


@given(drawn=people, named=who, author_id=st.sampled_from([*IDS, "gone"]))
@settings(max_examples=repetitions(200, 20), deadline=None)
def _compare(connection: Connection, drawn: Sequence[Person], named: dict[str, Any], author_id: str) -> None:
    """Compares the SQL of who is asked with the rule in Python, of cards with and without `who`."""
    point = connection.begin_nested()
    try:
        write(connection, drawn)
        for more in ({}, {"who": named}):
            for decide in ("first", "poll", {"yes": 1}):
                asked = msgspec.convert({**ASKED, "decide": decide, **more}, AskedCard)
                _compare_one(CardRows(connection), drawn, Question("q", author_id, asked))
    finally:
        point.rollback()


def _compare_one(cards: CardRows, drawn: Sequence[Person], question: Question) -> None:
    expected, left = set(), set()
    for id_, each in zip(IDS, drawn, strict=True):
        user = User(id_, id_, NOW_MS, banned=each.banned, kind=each.kind)
        member = Member("q", id_, each.role, NOW_MS, muted_until_ms=each.muted_until_ms)
        is_admitted = admits(question.asked, question.author_id, user, member, NOW_MS)
        assert not is_admitted or is_asked(question.asked, question.author_id, user, member)
        if each.is_there and is_admitted:
            expected.add(id_)
            left |= set() if each.has_chosen else {id_}
    found = cards.asked(question, now_ms=NOW_MS, limit=100)
    assert ({*found}, len(found)) == (expected, len(expected))
    assert {*cards.asked(question, now_ms=NOW_MS, limit=100, not_yet=1)} == left
    assert {*cards.asked(question, now_ms=NOW_MS, limit=100, not_yet=2)} == expected
    some = cards.asked(question, now_ms=NOW_MS, limit=2)
    assert {*some} <= expected
    assert len(some) == min(2, len(expected))
    elsewhere = Question("c", question.author_id, question.asked)
    assert not {*IDS} & {*cards.asked(elsewhere, now_ms=NOW_MS, limit=100)}


async def test_the_database_finds_exactly_those_whom_a_card_asks(node: Node) -> None:
    await node.users(*(Actor(id_, id_) for id_ in IDS))
    await node.do(BACKEND, CreateConversation("group", IDS, id="q", name="Q"))

    def compare() -> None:
        with node.database.engine() as engine, engine.connect() as connection, connection.begin() as whole:
            _compare(connection)
            whole.rollback()

    await asyncio.to_thread(compare)


async def test_a_transaction_finds_whom_it_has_just_changed(node: Node) -> None:
    """Members that the same transaction has added, removed and muted are found as they are now."""
    found: list[set[str]] = []

    def look(tx: Any) -> None:  # noqa: ANN401 (a transaction)
        question = Question("c", "bob", msgspec.convert(ASKED, AskedCard))
        found.append({*tx.cards.asked(question, now_ms=tx.now_ms, limit=100)})

    await node.in_one_batch(
        (BACKEND, Call(look)),
        (BACKEND, AddMembers("c", ("mallory",))),
        (BACKEND, Call(look)),
        (BACKEND, RemoveMember("c", "dave")),
        (BACKEND, Call(look)),
        (ALICE, RestrictMember("c", "carol", "mute", None)),
        (OPERATOR, BanUser("maker")),
        (BACKEND, Call(look)),
    )
    others = {"alice", "carol", "dave", "maker"}
    assert found == [
        others,
        {*others, "mallory"},
        {*others, "mallory"} - {"dave"},
        {"alice", "mallory"},
    ]


# --- reading ----------------------------------------------------------------------------------------------------------


async def _waiting(node: Node, actor: Actor) -> list[int]:
    found = await node.do(actor, ListWaitingCards())
    assert found.count == len(found.messages)
    return [message.id for message in found.messages]


async def test_cards_wait_for_those_who_may_choose_until_they_have(node: Node) -> None:
    first, quorum = await ask(node, ASKED), await ask(node, QUORUM)
    await ask(node, POLL)
    named = await ask(node, {**ASKED, "who": {"users": ["carol"], "agents": ["helper"]}})
    assert await _waiting(node, ALICE) == [quorum.id, first.id]
    assert await _waiting(node, CAROL) == [named.id, quorum.id, first.id]
    assert await _waiting(node, HELPER) == [named.id]
    assert await _waiting(node, BOB) == []
    await node.do(ALICE, act(quorum, "yes"))
    assert await _waiting(node, ALICE) == [first.id]
    await node.do(CAROL, act(first, "yes"))
    assert await _waiting(node, ALICE) == []
    assert await _waiting(node, CAROL) == [named.id, quorum.id]
    await node.do(ALICE, RestrictMember("c", "carol", "mute", node.clock.now_ms + SECOND_MS))
    assert await _waiting(node, CAROL) == []
    node.clock.now_ms += SECOND_MS
    await node.do(ALICE, RemoveMember("c", "carol"))
    assert await _waiting(node, CAROL) == []


async def test_of_many_cards_a_page_and_their_number_are_returned(node: Node) -> None:
    ids = [(await ask(node, ASKED)).id for _ in range(3)]
    found = await node.do(ALICE, ListWaitingCards(limit=2))
    assert ([message.id for message in found.messages], found.count) == (ids[:0:-1], 3)


async def test_a_receipt_names_who_has_decided_in_the_order_of_the_card(node: Node) -> None:
    """Both choose in the same millisecond, and the last of them is the one whose input counts."""
    message = await ask(node, QUORUM)
    assert await node.refusal(BOB, GetReceipt(str(message.id))) == "conflict"
    await node.do(CAROL, act(message, "yes"))
    await node.do(ALICE, act(message, "yes"))
    receipt = await node.do(BOB, GetReceipt(str(message.id)))
    assert [choice.user_id for choice in receipt.by] == ["carol", "alice"]
    assert receipt.message.card.decided_by == ("carol", "alice")
    assert receipt.message.card.ended_pos == decisions(node)[-1].pos
    assert await node.refusal(MALLORY, GetReceipt(str(message.id))) == "forbidden"
    poll = await ask(node, POLL)
    await node.do(ALICE, act(poll, "yes"))
    await node.do(BOB, end(poll, "closed"))
    assert (await node.do(BOB, GetReceipt(str(poll.id)))).by == ()


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_retention_removes_cards_with_their_choices_whether_they_are_open_or_not(node: Node) -> None:
    asked = {**QUORUM, "expiresAt": iso(node.clock.now_ms + 30 * DAY_MS)}
    left, ended, poll = await ask(node, asked), await ask(node, ASKED), await ask(node, POLL)
    for message in (left, ended, poll):
        await node.do(ALICE, act(message, "yes"))
    await node.do(BACKEND, UpdateConversation("c", retention_days=2))
    node.clock.now_ms += 3 * DAY_MS
    kept = await ask(node, ASKED)
    await prune(node, None)
    assert await choosers(node) == set()
    assert await opened(node) == {kept.id}
    for message in (left, ended, poll):
        assert (await stored(node, message)).card is None
        assert await path_of(node, CAROL, act(message, "yes")) == "messageId"
    assert (await node.do(DAVE, ListWaitingCards())).count == 1
    node.clock.now_ms += 30 * DAY_MS
    pos = node.chat.pos
    await node.fire()
    assert node.chat.pos == pos


async def test_a_held_card_is_decided_and_not_deleted(node: Node) -> None:
    message = await ask(node, ASKED)
    await hold_conversation(node)
    assert await node.refusal(BOB, DeleteMessage(str(message.id))) == "conflict"
    await node.do(BACKEND, UpdateConversation("c", retention_days=2))
    await node.do(ALICE, act(message, "yes"))
    node.clock.now_ms += 3 * DAY_MS
    await prune(node, None)
    assert (await now(node, message)).action_id == "yes"
    assert await choosers(node) == {(message.id, "alice")}
