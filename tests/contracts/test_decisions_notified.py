"""Notifications of decisions that wait for users: who receives them, and when they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.cards.deciding import CARD_NOTIFIED_MAX, CancelCard
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import DeleteMessage
from talkwire.core.commands.notifications import ListNotifications
from talkwire.core.commands.preferences import SetMemberPreferences, SetPreferences
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.domain.events import CardReminded, NotificationsRead
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import (
    Actor,
    Message,
    Notification,
    NotificationType,
    Preferences,
)
from talkwire.core.domain.times import iso
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Node
from tests.contracts.test_cards import ASKED, POLL, QUORUM, act, ask
from tests.contracts.test_notifications import DAVE, Watched, watching
from tests.databases import Database

HOUR_MS = 3_600_000


@pytest.fixture
async def watched(node: Node, database: Database) -> AsyncIterator[Watched]:
    """A group of four, who are all connected except Dave."""
    await node.users(ALICE, BOB, CAROL, DAVE)
    await node.group("c", ALICE, BOB, CAROL, DAVE)
    async with watching(node, database) as watched:
        await watched.come(ALICE, BOB, CAROL)
        yield watched


async def unread(watched: Watched, *actors: Actor) -> list[int]:
    """Returns the number of unread notifications of each user."""
    await watched.settle()
    pages = [await watched.node.do(actor, ListNotifications(watched.node.clock.now_ms)) for actor in actors]
    return [page.unread for page in pages]


async def received(watched: Watched) -> set[tuple[str, NotificationType]]:
    return {(user_id, type_) for user_id, type_, _ in await watched.received()}


def reads(node: Node) -> list[tuple[str, tuple[int, ...] | None, int]]:
    return [(each.user_id, each.ids, each.unread) for each in node.log if isinstance(each, NotificationsRead)]


def lasting(node: Node, **members: Any) -> dict[str, Any]:  # noqa: ANN401 (members of a card)
    """Returns a card that ends in four hours."""
    return {**ASKED, **members, "expiresAt": iso(node.clock.now_ms + 4 * HOUR_MS)}


async def test_a_card_notifies_the_users_whom_it_names(watched: Watched) -> None:
    message = await ask(watched.node, {**ASKED, "who": {"users": ["alice", "dave", "mallory"], "roles": ["member"]}})
    await watched.settle()
    (live,) = watched.notified
    assert (live.id, live.user_id, live.type, live.title) == (message.id, "alice", "decision", "Bob")
    assert (live.message_id, live.conversation_id, live.actor_id) == (message.id, "c", "bob")
    assert live.body == message.content
    for actor in (ALICE, DAVE):
        (kept,) = await watched.stored(actor)
        assert (kept.id, kept.type, kept.body, kept.read_ms) == (message.id, "decision", message.content, None)
    assert await watched.stored(CAROL) == await watched.stored(BOB) == []


async def test_a_card_that_names_nobody_notifies_all_who_may_choose(watched: Watched) -> None:
    await ask(watched.node, ASKED)
    assert await received(watched) == {("alice", "decision"), ("carol", "decision")}
    await ask(watched.node, {**ASKED, "who": {"roles": ["owner"]}})
    assert await received(watched) == {("alice", "decision")}
    assert await unread(watched, ALICE, BOB, CAROL, DAVE) == [2, 0, 1, 1]


async def test_a_poll_notifies_nobody(watched: Watched) -> None:
    await ask(watched.node, POLL)
    assert await received(watched) == set()
    assert await unread(watched, ALICE, BOB, CAROL, DAVE) == [0, 0, 0, 0]


@pytest.mark.parametrize("number", [CARD_NOTIFIED_MAX, CARD_NOTIFIED_MAX + 1])
async def test_a_card_for_too_many_notifies_only_the_users_whom_it_names(watched: Watched, number: int) -> None:
    node, others = watched.node, [Actor(f"user{index}", "User") for index in range(CARD_NOTIFIED_MAX + 1)]
    await node.users(*others)
    await node.do(
        BACKEND, CreateConversation("group", ("bob", *(each.user_id for each in others[:number])), id="large")
    )
    await ask(node, ASKED, to="large")
    assert await unread(watched, others[0], others[number - 1]) == ([1, 1] if number <= CARD_NOTIFIED_MAX else [0, 0])
    await ask(node, {**ASKED, "who": {"users": [others[0].user_id]}}, to="large")
    assert (await unread(watched, others[0]))[0] == (2 if number <= CARD_NOTIFIED_MAX else 1)


async def test_one_message_notifies_once_and_of_a_decision_first(watched: Watched) -> None:
    node = watched.node
    direct = await watched.direct(ALICE, BOB)
    await ask(node, ASKED, to=direct)
    assert await watched.received() == [("alice", "decision", await body_of(watched, ALICE))]
    await node.do(ALICE, SetPreferences(Preferences(off=("decision",))))
    await ask(node, ASKED, to=direct)
    assert [type_ for _, type_, _ in await watched.received()] == ["direct"]
    await ask(node, ASKED)
    assert await received(watched) == {("carol", "decision")}


async def body_of(watched: Watched, actor: Actor) -> str:
    return (await watched.stored(actor))[0].body


async def test_mutes_and_blocks(watched: Watched) -> None:
    """A decision in a muted conversation is stored and makes no alert, as a mention is."""
    node = watched.node
    await node.do(ALICE, SetMemberPreferences("c", muted=True))
    await node.do(CAROL, BlockUser("bob"))
    await node.do(DAVE, SetMemberPreferences("c", notify="none"))
    message = await ask(node, ASKED)
    await watched.settle()
    assert [each.user_id for each in watched.notified] == ["alice"]
    assert watched.quiet == {message.id}
    assert await unread(watched, ALICE, CAROL, DAVE) == [1, 0, 0]


# --- until when they are unread ---------------------------------------------------------------------------------------


async def test_reading_the_message_does_not_read_its_decision(watched: Watched) -> None:
    node = watched.node
    message = await ask(node, ASKED)
    await node.do(ALICE, MarkRead("c", str(message.id)))
    assert await unread(watched, ALICE) == [1]
    assert [each.read_ms for each in await watched.stored(ALICE)] == [None]
    assert reads(node) == []


async def test_a_choice_reads_the_notification_of_its_user_and_the_end_those_of_all(watched: Watched) -> None:
    node = watched.node
    await ask(node, ASKED)  # another one, which stays
    message = await ask(node, QUORUM)
    await node.do(ALICE, act(message, "yes"))
    assert reads(node) == [("alice", (message.id,), 1)]
    assert await unread(watched, ALICE, CAROL, DAVE) == [1, 2, 2]
    await node.do(ALICE, act(message, "yes"))
    await node.do(CAROL, act(message, "yes"))
    assert reads(node)[1:] == [("carol", (message.id,), 1), ("dave", (message.id,), 1)]
    assert await unread(watched, ALICE, CAROL, DAVE) == [1, 1, 1]
    assert [each.read_ms is not None for each in await watched.stored(DAVE)] == [True, False]


async def test_a_card_that_is_decided_in_the_batch_that_asks_it_leaves_nothing_unread(watched: Watched) -> None:
    node = watched.node
    message = await ask(node, ASKED)
    results = await node.in_one_batch((ALICE, act(message, "yes")), (CAROL, act(message, "no")))
    assert not isinstance(results[0], Exception)
    assert await unread(watched, ALICE, CAROL, DAVE) == [0, 0, 0]


@pytest.mark.parametrize("end", ["cancelled", "superseded", "expired", "deleted"])
async def test_every_end_reads_the_notifications(watched: Watched, end: str) -> None:
    node = watched.node
    message = await ask(node, lasting(node))
    assert await unread(watched, ALICE, CAROL, DAVE) == [1, 1, 1]
    left = 0
    match end:
        case "cancelled":
            await node.do(BOB, CancelCard(str(message.id)))
        case "superseded":
            await ask(node, {**ASKED, "supersedes": str(message.id)})
            left = 1
        case "expired":
            node.clock.now_ms += 4 * HOUR_MS
            await node.fire()
        case _:
            await node.do(BOB, DeleteMessage(str(message.id)))
    assert await unread(watched, ALICE, CAROL, DAVE) == [left] * 3
    assert [each for each in await watched.stored(ALICE, unread=True) if each.message_id == message.id] == []


# --- the second notification ------------------------------------------------------------------------------------------


async def remind(watched: Watched, message: Message) -> list[Notification]:
    """Lets three quarters of a card's time pass, and returns the notifications that connected users receive then."""
    node = watched.node
    await watched.received()
    watched.quiet.clear()
    assert await node.next_timer_ms() == message.created_ms + 3 * HOUR_MS
    node.clock.now_ms += 3 * HOUR_MS
    await node.fire()
    assert await node.next_timer_ms() == message.created_ms + 4 * HOUR_MS
    await watched.settle()
    return watched.notified


async def test_after_three_quarters_of_the_time_those_who_have_not_chosen_are_reminded(
    watched: Watched,
) -> None:
    node = watched.node
    message = await ask(node, lasting(node, decide={"yes": 3, "no": 2}))
    await node.do(ALICE, act(message, "yes"))
    (live,) = await remind(watched, message)
    (event,) = [event for event in node.log if isinstance(event, CardReminded)]
    assert (event.message.id, event.user_ids) == (message.id, ("carol", "dave"))
    assert (live.user_id, live.type, live.id) == ("carol", "decision", id_at(event.pos))
    assert (live.message_id, live.body, live.title, live.sound) == (message.id, message.content, "Bob", None)
    assert watched.quiet == {live.id}
    assert [each.id for each in await watched.stored(DAVE)] == [live.id, message.id]
    assert await unread(watched, ALICE, CAROL, DAVE) == [0, 2, 2]
    await node.do(CAROL, act(message, "yes"))
    assert reads(node)[-1] == ("carol", (message.id, live.id), 0)
    node.clock.now_ms += HOUR_MS
    await node.fire()
    assert reads(node)[-1] == ("dave", (message.id, live.id), 0)
    assert await node.next_timer_ms() is None


async def test_nobody_is_reminded_if_all_have_chosen_or_the_decision_has_ended(watched: Watched) -> None:
    node = watched.node
    chosen = await ask(node, lasting(node, decide={"yes": 2, "no": 2}, who={"users": ["alice", "carol"]}))
    ended = await ask(node, lasting(node))
    await node.do(ALICE, act(chosen, "yes"))
    await node.do(ALICE, act(ended, "yes"))
    await watched.received()
    node.clock.now_ms += 3 * HOUR_MS
    await node.fire()
    assert await received(watched) == {("carol", "decision")}
    assert [event.user_ids for event in node.log if isinstance(event, CardReminded)] == [("carol",)]


async def test_a_reminder_notifies_nobody_of_a_mention_or_a_direct_message_again(watched: Watched) -> None:
    node = watched.node
    await node.do(ALICE, SetPreferences(Preferences(off=("decision",))))
    message = await ask(node, lasting(node), to=await watched.direct(ALICE, BOB))
    assert await received(watched) == {("alice", "direct")}
    assert await remind(watched, message) == []


async def test_a_poll_and_a_card_for_too_many_have_no_reminder(watched: Watched) -> None:
    node = watched.node
    message = await ask(node, {**POLL, "expiresAt": iso(node.clock.now_ms + 4 * HOUR_MS)})
    assert await node.next_timer_ms() == message.created_ms + 4 * HOUR_MS
