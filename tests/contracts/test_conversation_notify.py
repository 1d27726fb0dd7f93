"""A conversation's default for notifications: whom it notifies live, by stored notifications and by pushes, and who may
set it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from typing import Literal, NamedTuple, get_args

import pytest
from msgspec import UNSET, UnsetType
from sqlalchemy import select

from talkwire.core.commands.conversations import CreateConversation, GetConversation, UpdateConversation
from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.notifications import PutPushSubscription, RecordMissedCall
from talkwire.core.commands.offers import CreateOffer
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.domain.events import ConversationUpdated
from talkwire.core.domain.model import Actor, ConversationKind, NotificationType, Notify, PushTarget
from talkwire.core.domain.notifying.notification_rules import EVERYONE_MAX
from talkwire.storage.schema import notifications, pushes
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Node
from tests.contracts.test_notifications import Watched, watching
from tests.databases import Database

Happening = Literal["plain", "@name", "@all", "reply", "offer", "call"]
_KINDS: tuple[ConversationKind, ...] = get_args(ConversationKind)
_LEVELS: tuple[Notify | None, ...] = (None, *get_args(Notify))
_HAPPENINGS: tuple[Happening, ...] = get_args(Happening)
_SETTINGS = tuple(product(_KINDS, _LEVELS, _LEVELS, (False, True)))


class Case(NamedTuple):
    """A conversation of `kind` with the default `default`, and what bob has chosen there (`own`, `muted`)."""

    kind: ConversationKind
    default: Notify | None
    own: Notify | None
    muted: bool


_FROM: dict[Notify | Literal["usual"], frozenset[Happening]] = {
    "all": frozenset({"plain", "@name", "@all", "reply", "offer", "call"}),
    "usual": frozenset({"@name", "@all", "reply", "offer", "call"}),
    "mentions": frozenset({"@name", "@all", "offer", "call"}),
    "none": frozenset(),
}
_TYPES: dict[Happening, NotificationType] = {
    "@name": "mention",
    "@all": "mention",
    "reply": "reply",
    "offer": "offer",
    "call": "missed-call",
}


def notified_of(case: Case, happening: Happening) -> NotificationType | None:
    """The rule: bob's choice counts, else the conversation's, else that of its kind; a mute leaves what names bob."""
    level = case.own or case.default or ("all" if case.kind == "direct" else "usual")
    if happening not in _FROM[level] or (case.muted and happening not in {"@name", "reply"}):
        return None
    return _TYPES.get(happening, "direct" if case.kind == "direct" else "message")


async def _open(node: Node, number: int, case: Case) -> str:
    id_, other = f"c{number}", f"friend{number}"
    await node.users(Actor(other, f"Friend {number}"))
    roles: dict[str, Literal["owner", "admin", "member"]] | UnsetType = (
        UNSET if case.kind == "direct" else {other: "owner", "bob": "admin"}
    )
    made = CreateConversation(case.kind, (other, "bob"), id=id_, roles=roles, notify=case.default or UNSET)
    await node.do(BACKEND, made)
    await node.do(BOB, SetMemberPreferences(id_, case.muted, case.own))
    return id_


async def _cause(node: Node, number: int, question_id: str) -> dict[int, Happening]:
    """Lets each thing happen in a conversation, and returns what happened by the id of its notification."""
    id_, other = f"c{number}", Actor(f"friend{number}", f"Friend {number}")
    texts: dict[Happening, SendMessage] = {
        "plain": SendMessage(id_, "plain"),
        "@name": SendMessage(id_, "@bob look"),
        "@all": SendMessage(id_, "@all look"),
        "reply": SendMessage(id_, "answer", reply_to_id=question_id),
    }
    found: dict[int, Happening] = {(await node.do(other, sent)).id: name for name, sent in texts.items()}
    found[(await node.do(other, CreateOffer(id_, "A bicycle", 1, "EUR"))).id] = "offer"
    await node.do(other, RecordMissedCall(id_, "x", ("bob",)))
    return found


def _stored(node: Node) -> dict[int, NotificationType]:
    with node.read_engine.connect() as connection:
        rows = connection.execute(select(notifications).where(notifications.c.user_id == "bob"))
        return {row.id: row.type for row in rows if row.type != "muted-offer"}


def _pushed(node: Node) -> set[int]:
    with node.read_engine.connect() as connection:
        return set(connection.execute(select(pushes.c.notification_id)).scalars())


@pytest.fixture
async def watched(node: Node, database: Database) -> AsyncIterator[Watched]:
    await node.users(ALICE, BOB, CAROL)
    async with watching(node, database) as watched:
        yield watched


@pytest.mark.parametrize("kind", _KINDS)
async def test_who_is_notified_follows_one_rule_live_stored_and_pushed(
    watched: Watched, kind: ConversationKind
) -> None:
    node = watched.node
    cases = [Case(*each) for each in _SETTINGS if each[0] == kind]
    await node.do(BOB, PutPushSubscription(PushTarget("web", "https://push.example.com/bob", "key", "auth"), None))
    questions: list[str] = []
    for number, case in enumerate(cases):
        id_ = await _open(node, number, case)
        questions.append(str((await node.do(BOB, SendMessage(id_, "a question"))).id))

    await watched.come(BOB)
    for number, case in enumerate(cases):
        caused = await _cause(node, number, questions[number])
        await watched.settle()
        live = {each.id: each.type for each in watched.notified if each.user_id == "bob"}
        assert _by_happening(live, caused) == _expected(case), case
        watched.notified.clear()
    watched.go(BOB)

    for number, case in enumerate(cases):
        await watched.settle()
        stored_before, pushed_before = _stored(node), _pushed(node)
        caused = await _cause(node, number, questions[number])
        await watched.settle()
        stored = {id_: type_ for id_, type_ in _stored(node).items() if id_ not in stored_before}
        assert _by_happening(stored, caused) == _expected(case), case
        assert _pushed(node) - pushed_before == (set() if case.muted else stored.keys()), case


def _by_happening(
    found: dict[int, NotificationType], caused: dict[int, Happening]
) -> dict[Happening, NotificationType]:
    return {caused.get(id_, "call"): type_ for id_, type_ in found.items()}


def _expected(case: Case) -> dict[Happening, NotificationType]:
    reasons = ((happening, notified_of(case, happening)) for happening in _HAPPENINGS)
    return {happening: reason for happening, reason in reasons if reason is not None}


async def test_a_default_all_has_no_effect_in_a_large_conversation(watched: Watched) -> None:
    node = watched.node
    others = tuple(f"u{number}" for number in range(EVERYONE_MAX - 2))
    await node.do(
        BACKEND, CreateConversation("group", ("alice", "bob", *others), id="c", owner_id="alice", notify="all")
    )
    await watched.come(BOB)
    await node.send(ALICE, "of a hundred")
    assert await watched.received() == [("bob", "message", "of a hundred")]
    assert len(await watched.stored(Actor("u1", "u1"))) == 1
    await node.do(BACKEND, AddMembers("c", ("carol",)))
    await node.send(ALICE, "of more")
    await node.send(ALICE, "@bob look")
    assert await watched.received() == [("bob", "mention", "@bob look")]
    assert [each.body for each in await watched.stored(Actor("u1", "u1"))] == ["of a hundred"]


async def test_a_change_of_the_default_applies_from_then_on(watched: Watched) -> None:
    node = watched.node
    await node.group("c", ALICE, BOB, CAROL)
    await node.do(CAROL, SetMemberPreferences("c", notify="mentions"))
    await watched.come(BOB, CAROL)
    changes: tuple[tuple[Notify | None, list[str]], ...] = (
        ("all", ["message"]),
        ("none", []),
        ("all", ["message"]),
        (None, []),
    )
    for notify, expected in changes:
        await node.do(BACKEND, UpdateConversation("c", notify=notify))
        await node.send(ALICE, "Hello")
        assert [type_ for _, type_, _ in await watched.received()] == expected


async def test_a_member_who_was_just_added_is_notified_by_the_default(watched: Watched) -> None:
    node = watched.node
    await watched.come(BOB)
    await node.do(BACKEND, CreateConversation("group", ("alice",), id="c", owner_id="alice", notify="all"))
    added = node.submit(BACKEND, AddMembers("c", ("bob",)))
    sent = node.submit(ALICE, SendMessage("c", "Welcome"))
    await added
    await sent
    assert await watched.received() == [("bob", "message", "Welcome")]


async def test_a_name_that_changes_keeps_the_default(watched: Watched) -> None:
    node = watched.node
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", owner_id="alice", notify="all"))
    await watched.come(BOB)
    await node.do(ALICE, UpdateConversation("c", name="Order 17"))
    await node.send(ALICE, "Hello")
    assert await watched.received() == [("bob", "message", "Hello")]
    assert (await node.do(BOB, GetConversation("c"))).conversation.notify == "all"


# --- who may set it ---------------------------------------------------------------------------------------------------

_ALLOWED, _REFUSED = None, "forbidden"


@pytest.mark.parametrize(
    ("actor", "kind", "refusal"),
    [
        (BACKEND, "group", _ALLOWED),
        (OPERATOR, "group", _ALLOWED),
        (ALICE, "group", _ALLOWED),
        (BOB, "group", _REFUSED),
        (CAROL, "group", _REFUSED),
        (Actor("mallory", "Mallory"), "group", _REFUSED),
        (ALICE, "channel", _ALLOWED),
        (BOB, "channel", _REFUSED),
        (BACKEND, "direct", _ALLOWED),
        (OPERATOR, "direct", _ALLOWED),
        (ALICE, "direct", _REFUSED),
    ],
)
async def test_the_owner_and_the_back_end_set_the_default(
    node: Node, actor: Actor, kind: ConversationKind, refusal: str | None
) -> None:
    await node.users(ALICE, BOB, CAROL, OPERATOR)
    roles: dict[str, Literal["owner", "admin", "member"]] = {"alice": "owner", "bob": "admin"}
    is_direct = kind == "direct"
    ids = ("alice", "bob") if is_direct else ("alice", "bob", "carol")
    await node.do(BACKEND, CreateConversation(kind, ids, id="c", roles=UNSET if is_direct else roles))
    command = UpdateConversation("c", notify="all")
    if refusal is None:
        assert (await node.do(actor, command)).conversation.notify == "all"
        changed = node.log[-1]
        assert isinstance(changed, ConversationUpdated)
        assert (changed.conversation.notify, changed.changed) == ("all", ("notify",))
        return
    assert await node.refusal(actor, command) == refusal
    assert (await node.do(BACKEND, GetConversation("c"))).conversation.notify is None


async def test_an_admin_of_a_group_changes_its_name_but_not_both(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="c", roles={"bob": "admin"}))
    assert await node.refusal(BOB, UpdateConversation("c", name="Plans", notify="none")) == "forbidden"
    assert (await node.do(BOB, UpdateConversation("c", name="Plans"))).conversation.notify is None


async def test_a_creator_sets_the_default_of_a_group_but_not_of_a_direct_conversation(node: Node) -> None:
    await node.users(ALICE, BOB)
    group = await node.do(ALICE, CreateConversation("group", ("bob",), notify="mentions"))
    assert group.conversation.notify == "mentions"
    assert await node.refusal(ALICE, CreateConversation("direct", ("bob",), notify="all")) == "forbidden"
    assert (await node.do(ALICE, CreateConversation("direct", ("bob",)))).conversation.notify is None
