"""The offline queue: events stored for disconnected users, and the messages that they missed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation, UpdateConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, SendMessage
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.commands.server.offline_queue import (
    Arrival,
    ConfirmArrivals,
    FindMissed,
    Mail,
    ReadMail,
    ReadMissed,
    StoreMail,
)
from talkwire.core.domain.log.positions import pos_of
from talkwire.core.domain.model import Actor, Message, Notify
from talkwire.core.domain.pages import PAGE_MAX_BYTES
from talkwire.core.features.notifying.offline_queue import (
    MAIL_KEPT_MAX,
    MAIL_KEPT_MS,
    MAIL_PAGE_MAX,
    MISSED_MESSAGES_MAX,
)
from talkwire.storage.catching_up import offline_queue
from talkwire.storage.schema import mailbox
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database
from tests.waiting import deadline


async def store(node: Node, *payloads: object, to: Sequence[str] = ("bob",)) -> None:
    for payload in payloads:
        await node.do(BACKEND, StoreMail(tuple(to), "alert", payload))


async def mail_of(node: Node, actor: Actor = BOB, after_id: int = 0) -> list[Mail]:
    """Returns all pages of a user's stored events."""
    found: list[Mail] = []
    while page := await node.do(actor, ReadMail(node.clock.now_ms, found[-1].id if found else after_id)):
        found += page
    return found


async def payloads_of(node: Node, actor: Actor = BOB) -> list[str]:
    return [each.payload for each in await mail_of(node, actor)]


async def confirm(node: Node, user_id: str = "bob", pos: int = 0, mail_id: int = 0) -> None:
    await node.do(OPERATOR, ConfirmArrivals((Arrival(user_id, pos, mail_id),)))


async def missed_by(node: Node, actor: Actor = BOB, after_pos: int = 0) -> list[int]:
    found = await node.do(actor, FindMissed(node.clock.now_ms, after_pos))
    assert found.pos == node.chat.pos
    return [each.id for each in found.messages]


async def notified(node: Node, ids: Collection[int], actor: Actor = BOB) -> list[str]:
    """Returns the texts of the missed messages that the user receives."""
    return [message.content for message in await node.do(actor, ReadMissed(tuple(ids)))]


async def prefer(node: Node, *, muted: bool = False, notify: Notify | None = None) -> None:
    await node.do(BOB, SetMemberPreferences("c", muted=muted, notify=notify))


# --- events of the application's own ---------------------------------------------------------------------------------


async def test_stored_events_are_read_in_the_order_of_storing(node: Node) -> None:
    await store(node, 1, "two", {"three": [None]})
    assert await payloads_of(node) == ["1", '"two"', '{"three":[null]}']
    assert [each.event for each in await mail_of(node)] == ["alert"] * 3


async def test_users_receive_only_their_own_stored_events(node: Node) -> None:
    await store(node, "both", to=("alice", "bob"))
    await store(node, "alice", to=("alice",))
    assert await payloads_of(node, ALICE) == ['"both"', '"alice"']
    assert await payloads_of(node, BOB) == ['"both"']
    assert await payloads_of(node, CAROL) == []


async def test_mail_stays_until_it_has_arrived(node: Node) -> None:
    await store(node, 1, 2, 3)
    second = (await mail_of(node))[1]
    await confirm(node, mail_id=second.id)
    assert await payloads_of(node) == ["3"]


async def test_events_that_arrived_at_one_user_stay_for_the_others(node: Node) -> None:
    await store(node, 1, to=("bob", "alice"))
    await confirm(node, mail_id=max(each.id for each in [*await mail_of(node, ALICE), *await mail_of(node, BOB)]))
    assert await payloads_of(node, ALICE) == ["1"]


async def test_events_stored_after_an_arrival_do_not_count_as_arrived(node: Node) -> None:
    """An arrival is recorded a moment later; by then other items may have replaced the removed ones."""
    await store(node, "old")
    arrived = (await mail_of(node))[0]
    await confirm(node, mail_id=arrived.id)
    await store(node, "new")
    await confirm(node, mail_id=arrived.id)
    assert await payloads_of(node) == ['"new"']


async def test_mail_outlasts_a_restart(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await store(node, 1)
    async with running(database, clock) as node:
        assert await payloads_of(node) == ["1"]


async def test_the_newest_thousand_are_kept(node: Node) -> None:
    storing = [node.ask(BACKEND, StoreMail(("bob",), "alert", number)) for number in range(MAIL_KEPT_MAX + 3)]
    async with deadline():
        await asyncio.gather(*storing)
    assert await payloads_of(node) == [str(number) for number in range(3, MAIL_KEPT_MAX + 3)]


async def test_after_thirty_days_mail_is_forgotten(node: Node) -> None:
    await store(node, "old")
    node.clock.now_ms += MAIL_KEPT_MS
    assert await payloads_of(node) == []
    await store(node, "new", to=("alice",))
    rows = await node.readers.read(lambda snapshot: snapshot.offline_queue.stored("bob", 0, 0, 10))
    assert rows == []


async def test_a_page_of_mail_is_not_larger_than_clients_are_sent_at_once(node: Node) -> None:
    large = "x" * (PAGE_MAX_BYTES // 2)
    await store(node, *[large] * 5)
    assert len(await node.do(BOB, ReadMail(node.clock.now_ms))) == 1
    assert len(await mail_of(node)) == 5


async def test_a_page_of_the_offline_queue_is_limited(node: Node) -> None:
    await store(node, *range(MAIL_PAGE_MAX + 1))
    assert len(await node.do(BOB, ReadMail(node.clock.now_ms))) == MAIL_PAGE_MAX


@pytest.mark.parametrize("actor", [ALICE, BOB])
async def test_users_store_nothing_for_others(node: Node, actor: Actor) -> None:
    assert await node.refusal(actor, StoreMail(("bob",), "alert", 1)) == "forbidden"
    assert await mail_of(node) == []


async def test_users_cannot_confirm_arrivals(node: Node) -> None:
    await store(node, 1)
    assert await node.refusal(ALICE, ConfirmArrivals((Arrival("bob", mail_id=100),))) == "forbidden"
    assert await payloads_of(node) == ["1"]


async def test_a_banned_user_receives_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await store(node, 1)
    await node.do(OPERATOR, BanUser("bob"))
    assert await node.refusal(BOB, ReadMail(node.clock.now_ms)) == "banned"
    assert await node.refusal(BOB, FindMissed(node.clock.now_ms)) == "banned"
    assert await node.refusal(BOB, ReadMissed(())) == "banned"


async def test_mail_makes_no_event(node: Node) -> None:
    before = len(node.log)
    await store(node, 1)
    await confirm(node, pos=5, mail_id=1)
    assert len(node.log) == before


# --- messages --------------------------------------------------------------------------------------------------------


async def test_a_user_who_received_nothing_has_missed_all_unread_messages(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    messages = [await node.send(ALICE, str(number)) for number in range(3)]
    assert await missed_by(node) == [message.id for message in messages]
    await node.do(BOB, MarkRead("c", str(messages[0].id)))
    assert await missed_by(node) == [message.id for message in messages[1:]]


async def test_a_user_has_missed_the_messages_after_their_position(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first, second, third = [await node.send(ALICE, str(number)) for number in range(3)]
    await confirm(node, pos=pos_of(first.id))
    assert await missed_by(node) == [second.id, third.id]
    assert await missed_by(node, after_pos=pos_of(second.id)) == [third.id]


async def test_positions_never_move_back(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    first, second = [await node.send(ALICE, str(number)) for number in range(2)]
    await confirm(node, pos=pos_of(second.id))
    await confirm(node, pos=pos_of(first.id))
    assert await missed_by(node) == []


async def test_own_messages_are_not_missed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(BOB, "my own")
    theirs = await node.send(ALICE, "another's")
    assert await missed_by(node) == [theirs.id]


async def test_a_deleted_message_is_not_missed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    gone, stays = [await node.send(ALICE, str(number)) for number in range(2)]
    await node.do(ALICE, DeleteMessage(str(gone.id)))
    assert await missed_by(node) == [stays.id]


async def test_a_message_deleted_before_it_is_sent_is_left_out(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "stays")
    gone = await node.send(ALICE, "gone")
    found = await missed_by(node)
    await node.do(ALICE, DeleteMessage(str(gone.id)))
    assert await notified(node, found) == ["stays"]


async def test_messages_older_than_thirty_days_are_not_missed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "old")
    node.clock.now_ms += MAIL_KEPT_MS
    new = await node.send(ALICE, "new")
    assert await missed_by(node) == [new.id]


async def test_messages_from_before_the_users_history_are_not_missed(node: Node) -> None:
    await node.group("c", ALICE)
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    before = await node.send(ALICE, "before")
    await node.users(BOB)
    await node.do(ALICE, AddMembers("c", ("bob",)))
    after = await node.send(ALICE, "after")
    assert await missed_by(node) == [after.id]
    assert await notified(node, [before.id, after.id]) == ["after"]


async def test_a_former_member_has_missed_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "hello")
    found = await missed_by(node)
    assert len(found) == 1
    await node.do(BOB, RemoveMember("c", "bob"))
    assert await notified(node, found) == []
    assert await missed_by(node) == []


async def test_a_stranger_receives_nothing(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    message = await node.send(ALICE, "hello")
    await node.users(MALLORY)
    assert await notified(node, [message.id, message.id + 1], MALLORY) == []


async def test_messages_of_blocked_users_are_not_missed(node: Node) -> None:
    await node.group("c", ALICE, BOB, CAROL)
    await node.send(ALICE, "from alice")
    theirs = await node.send(CAROL, "from carol")
    everything = await missed_by(node)
    await node.do(BOB, BlockUser("alice"))
    assert await missed_by(node) == [theirs.id]
    assert await notified(node, everything) == ["from carol"]


@pytest.mark.parametrize("wanted", [{"muted": True}, {"notify": "none"}])
async def test_messages_of_a_muted_conversation_are_not_missed(node: Node, wanted: dict[str, Any]) -> None:
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "hello")
    everything = await missed_by(node)
    await prefer(node, **wanted)
    assert await missed_by(node) == []
    assert await notified(node, everything) == []


async def test_with_notify_mentions_only_mentions_are_missed(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await prefer(node, notify="mentions")
    for content in ("hello", "hello @bob", "hello @all"):
        await node.send(ALICE, content)
    assert await notified(node, await missed_by(node)) == ["hello @bob", "hello @all"]


async def test_the_default_of_a_conversation_says_what_is_missed_without_a_choice(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    for content in ("hello", "hello @all"):
        await node.send(ALICE, content)
    everything = await missed_by(node)
    defaults: tuple[tuple[Notify, list[str]], ...] = (
        ("none", []),
        ("mentions", ["hello @all"]),
        ("all", ["hello", "hello @all"]),
    )
    for default, expected in defaults:
        await node.do(BACKEND, UpdateConversation("c", notify=default))
        assert await notified(node, everything) == expected
        assert await notified(node, await missed_by(node)) == expected
    await node.do(BACKEND, UpdateConversation("c", notify="none"))
    await prefer(node, notify="all")
    assert await notified(node, await missed_by(node)) == ["hello", "hello @all"]


async def test_the_newest_thousand_missed_messages_are_returned(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    sending = [node.ask(ALICE, SendMessage("c", str(number))) for number in range(MISSED_MESSAGES_MAX + 5)]
    async with deadline():
        messages = await asyncio.gather(*sending)
    assert await missed_by(node) == [message.id for message in messages[5:]]


@pytest.mark.parametrize("seed", range(5))
async def test_the_newest_are_found_wherever_they_are(node: Node, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared with reading every message: conversations of different lengths, with own messages in between."""
    monkeypatch.setattr(offline_queue, "FIRST_SEARCHED", 4)
    random, limit = Random(seed), 20
    for number in range(6):
        await node.group(f"c{number}", ALICE, BOB)
    theirs: list[int] = []
    for number in range(120):
        sender = random.choice((ALICE, ALICE, BOB))
        conversation = min(random.randrange(6), random.randrange(6)) if number < 80 else 5
        message = await node.send(sender, str(number), to=f"c{conversation}")
        theirs += [message.id] if sender is ALICE else []
    found = await node.readers.read(lambda snapshot: snapshot.offline_queue.missed("bob", 0, 0, limit))
    assert [each.id for each in found] == theirs[-limit:]


async def test_no_more_messages_are_read_than_are_returned(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_queue, "FIRST_SEARCHED", 4)
    looked_at: list[int] = []
    look = offline_queue.OfflineQueueRows._look

    def counting(self: offline_queue.OfflineQueueRows, *args: object) -> object:
        rows = look(self, *args)  # type: ignore[arg-type]  # handed on as they came
        looked_at.append(len(rows))
        return rows

    monkeypatch.setattr(offline_queue.OfflineQueueRows, "_look", counting)
    for number in range(4):
        await node.group(f"c{number}", ALICE, BOB)
    async with deadline():
        await asyncio.gather(*(node.ask(ALICE, SendMessage(f"c{number % 4}", "hi")) for number in range(400)))
    found = await node.readers.read(lambda snapshot: snapshot.offline_queue.missed("bob", 0, 0, 20))
    assert len(found) == 20
    assert sum(looked_at) < 80


async def test_own_messages_are_skipped_without_reading_all(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_queue, "FIRST_SEARCHED", 4)
    monkeypatch.setattr(offline_queue, "SEARCHED_MESSAGES_MAX", 50)
    await node.group("c", ALICE, BOB)
    await node.send(ALICE, "long ago")
    async with deadline():
        await asyncio.gather(*(node.ask(BOB, SendMessage("c", "own")) for _ in range(200)))
    assert await missed_by(node) == []


async def test_messages_of_a_mute_with_an_end_are_not_missed_later_ones_are(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BOB, SetMemberPreferences("c", muted=True, unmute_ms=node.clock.now_ms + 1000))
    during = await node.send(ALICE, "during")
    assert await missed_by(node) == []
    node.clock.now_ms += 1000
    after = await node.send(ALICE, "after")
    assert await missed_by(node) == [after.id]
    assert await notified(node, (during.id, after.id)) == ["after"]


async def test_a_direct_conversation_counts_too(node: Node) -> None:
    await node.users(ALICE, BOB)
    view = await node.do(ALICE, CreateConversation("direct", ("bob",)))
    message = await node.send(ALICE, "psst", to=view.conversation.id)
    assert await missed_by(node) == [message.id]


async def test_missed_messages_are_read_by_few_statements(node: Node) -> None:
    """The positions of many users move at once."""
    await store(node, 1)
    arrivals = tuple(Arrival(f"user-{number}", pos=5) for number in range(300))
    with node.statements() as transactions:
        await node.do(OPERATOR, ConfirmArrivals(arrivals))
    assert len(transactions[0]) <= 3
    rows = await node.readers.read(lambda snapshot: snapshot.offline_queue.position("user-299"))
    assert rows == 5


async def test_a_batch_with_mail_and_messages_stores_both(node: Node) -> None:
    await node.group("c", ALICE, BOB)
    outcomes = await node.in_one_batch(
        (BACKEND, StoreMail(("bob",), "alert", 1)), (ALICE, SendMessage("c", "hello")), (ALICE, StoreMail((), "x", 1))
    )
    assert isinstance(outcomes[1], Message)
    assert await payloads_of(node) == ["1"]
    with node.read_engine.begin() as connection:
        assert len(connection.execute(select(mailbox)).all()) == 1
