"""Notifications: stored for disconnected users, and sent to connected ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from talkwire.core.commands.accounts import BanUser, UpdateUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    UpdateConversation,
)
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.commands.messages import DeleteMessage, EditMessage, SendMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.notifications import (
    FindOccasionNames,
    ListNotifications,
    MarkNotificationsRead,
    RecordMissedCall,
)
from talkwire.core.commands.offers import CounterOffer, CreateOffer, UpdateOffer
from talkwire.core.commands.preferences import SetMemberPreferences, SetPreferences
from talkwire.core.commands.presence import StorePresence
from talkwire.core.commands.receipts import MarkRead
from talkwire.core.commands.sync import ListEvents
from talkwire.core.domain.events import NotificationsRead, Notified
from talkwire.core.domain.model import (
    Actor,
    DoNotDisturb,
    MemberPreferences,
    Message,
    Notification,
    NotificationType,
    Notify,
    Preferences,
    PresenceEnds,
)
from talkwire.core.domain.notifying.lifetimes import NOTIFICATIONS_KEPT_MS, NOTIFICATIONS_MAX
from talkwire.core.engine.live_notifications import LiveNotifications
from talkwire.core.ports.transaction import Snapshot
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower
from talkwire.storage.followers.offline_notifications import OfflineNotifications
from talkwire.storage.schema import followers, log_head, notifications
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.contracts.paces import Restless
from tests.databases import Database
from tests.waiting import DEADLINE_S, deadline

DAVE = Actor("dave", "Dave")
Delivered = tuple[str, NotificationType, str]


class Watched:
    """A node that notifies.

    `notified` is what was sent to sockets, `stored` what is stored for a user, `quiet` the ids of notifications without
    announcement.
    """

    def __init__(self, node: Node, database: Database) -> None:
        self.node = node
        self.notified: list[Notification] = []
        self.quiet: set[int] = set()
        self._notifier = LiveNotifications(node.chat, node.chat.directory, self._tell)
        work = OfflineNotifications(node.chat.directory.is_connected_since, node.clock)
        self.follower = Follower(work, reading_engine(database.url, 1), node.writer.transact, node.clock, Restless())
        node.chat.subscribe(self._notifier.follow)
        node.chat.subscribe(lambda events: self.follower.wake())

    def _tell(self, events: Sequence[Notified]) -> None:
        assert all(event.user_id == event.notification.user_id for event in events)
        self.notified += [event.notification for event in events]
        self.quiet |= {event.notification.id for event in events if event.quiet}

    async def come(self, *actors: Actor) -> None:
        """Connects the users."""
        directory = self.node.chat.directory
        for actor in actors:
            directory.hold(actor.user_id, await directory.find(actor.user_id))

    def go(self, actor: Actor) -> None:
        self.node.chat.directory.release(actor.user_id)

    async def settle(self) -> None:
        """Returns once everything was sent and stored."""
        await self._notifier.close()
        assert await asyncio.to_thread(self.follower.wait_for, self.node.chat.pos, DEADLINE_S)

    async def received(self) -> list[Delivered]:
        """Returns what was sent to sockets since the last call."""
        await self.settle()
        notified, self.notified = self.notified, []
        return [(each.user_id, each.type, each.body) for each in notified]

    async def stored(self, actor: Actor, *, unread: bool = False) -> list[Notification]:
        await self.settle()
        page = await self.node.do(actor, ListNotifications(self.node.clock.now_ms, limit=100, unread=unread))
        return list(page.items)

    async def kept(self, actor: Actor, *, unread: bool = False) -> list[tuple[NotificationType, str]]:
        """Returns the stored notifications, oldest first."""
        return [(each.type, each.body) for each in reversed(await self.stored(actor, unread=unread))]

    async def direct(self, first: Actor, second: Actor) -> str:
        view = await self.node.do(BACKEND, CreateConversation("direct", (first.user_id, second.user_id)))
        return str(view.conversation.id)


@asynccontextmanager
async def watching(node: Node, database: Database) -> AsyncIterator[Watched]:
    watched = Watched(node, database)
    watched.follower.start()
    try:
        yield watched
    finally:
        await asyncio.to_thread(watched.follower.close)


@pytest.fixture
async def watched(node: Node, database: Database) -> AsyncIterator[Watched]:
    for actor in (ALICE, BOB, CAROL, DAVE):
        await node.chat.user_of_token(actor.user_id, actor.name)
    await node.group("c", ALICE, BOB, CAROL)
    async with watching(node, database) as watched:
        yield watched


async def test_connected_users_are_notified_live_and_others_by_stored_notifications(watched: Watched) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await watched.come(BOB)
    message = await node.send(ALICE, "Hello", to=direct)
    assert await watched.received() == [("bob", "direct", "Hello")]
    assert await watched.kept(BOB) == []
    watched.go(BOB)
    later = await node.send(ALICE, "Are you there?", to=direct)
    assert await watched.received() == []
    assert await watched.stored(BOB) == [
        Notification(
            id=later.id,
            user_id="bob",
            type="direct",
            title="Alice",
            body="Are you there?",
            conversation_id=direct,
            actor_id="alice",
            created_ms=node.clock.now_ms,
            message_id=later.id,
            sound="default",
        )
    ]
    assert later.id > message.id
    assert await watched.kept(ALICE) == []


async def test_a_user_who_connects_after_an_event_has_a_stored_notification(
    watched: Watched, database: Database
) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await watched.settle()
    await asyncio.to_thread(watched.follower.close)
    await node.send(ALICE, "one", to=direct)
    await watched.come(BOB)
    await node.send(ALICE, "two", to=direct)
    async with watching(node, database) as again:
        assert await again.kept(BOB) == [("direct", "one")]


@pytest.mark.parametrize(
    ("notify", "expected"),
    [
        (None, ["@Bob look", "@all look", "answer"]),
        ("all", ["plain", "@Bob look", "@all look", "answer"]),
        ("mentions", ["@Bob look", "@all look"]),
        ("none", []),
    ],
)
async def test_connected_and_disconnected_members_get_the_same_notifications(
    watched: Watched, notify: Notify | None, expected: list[str]
) -> None:
    node = watched.node
    first = await node.send(BOB, "question")
    await node.do(BOB, SetMemberPreferences("c", notify=notify))

    async def talk() -> None:
        for text in ("plain", "@Bob look", "@all look"):
            await node.send(ALICE, text)
        await node.do(ALICE, SendMessage("c", "answer", reply_to_id=str(first.id)))

    await talk()
    assert [body for _, body in await watched.kept(BOB)] == expected
    await watched.come(BOB)
    await talk()
    assert [body for user_id, _, body in await watched.received() if user_id == "bob"] == expected
    stored_for_all = [body for body in expected if body != "plain"]
    assert [body for _, body in await watched.kept(BOB)] == [*expected, *stored_for_all]


async def test_preferences_apply_from_the_moment_they_are_set(watched: Watched) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await watched.come(BOB)
    await node.do(BOB, SetPreferences(Preferences(off=("mention",), sounds={"direct": "bell"})))
    await node.send(ALICE, "@Bob one")
    await node.send(ALICE, "two", to=direct)
    await node.do(BOB, SetMemberPreferences(direct, muted=True))
    await node.send(ALICE, "three", to=direct)
    await node.do(BOB, SetMemberPreferences(direct, sound="gong"))
    await node.send(ALICE, "four", to=direct)
    await watched.settle()
    assert [(each.body, each.sound) for each in watched.notified] == [("two", "bell"), ("four", "gong")]
    watched.go(BOB)
    await node.send(ALICE, "@Bob five")
    await node.send(ALICE, "six", to=direct)
    assert [(each.body, each.sound) for each in await watched.stored(BOB)] == [("six", "gong")]


async def test_a_conversation_that_was_muted_for_a_time_notifies_again(watched: Watched, clock: Clock) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await watched.come(BOB)
    await node.do(BOB, SetMemberPreferences(direct, muted=True, unmute_ms=clock.now_ms + 1000))
    await node.do(BOB, SetMemberPreferences("c", muted=True, unmute_ms=clock.now_ms + 1000))
    for at_ms, text in ((999, "before"), (1, "after")):
        clock.now_ms += at_ms
        await node.send(ALICE, text, to=direct)
        await node.send(ALICE, f"@Bob {text}")
    await watched.settle()
    received = [(each.body, each.sound) for each in watched.notified]
    assert received == [("@Bob before", None), ("after", "default"), ("@Bob after", "default")]
    watched.go(BOB)
    await node.send(ALICE, "away", to=direct)
    await node.send(ALICE, "@Bob away")
    assert [each.body for each in await watched.stored(BOB)] == ["@Bob away", "away", "@Bob after", "@Bob before"]


async def test_a_mention_after_a_mute_is_stored_with_its_message(node: Node, clock: Clock) -> None:
    await node.group("c", ALICE, BOB)
    await node.do(BOB, SetMemberPreferences("c", muted=True, unmute_ms=clock.now_ms + 1000))
    clock.now_ms += 1000
    await node.send(ALICE, "@Bob after")
    page = await node.do(BOB, ListNotifications(clock.now_ms))
    assert [each.body for each in page.items] == ["@Bob after"]


async def test_settings_survive_a_restart(watched: Watched, database: Database, clock: Clock) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await node.do(BOB, SetPreferences(Preferences(sounds={"message": None})))
    await node.do(BOB, SetMemberPreferences("c", notify="all"))
    await node.do(BOB, SetMemberPreferences(direct, muted=True))
    await watched.settle()
    async with running(database, clock) as again, watching(again, database) as later:
        await later.come(BOB)
        await again.send(ALICE, "plain")
        await again.send(ALICE, "hush", to=direct)
        await later.settle()
        assert [(each.type, each.body, each.sound) for each in later.notified] == [("message", "plain", None)]


async def test_do_not_disturb_keeps_quiet_and_keeps_it(watched: Watched, clock: Clock) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await watched.come(BOB)
    night = DoNotDisturb(enabled=True, start_minute=0, end_minute=0, time_zone="Asia/Tokyo")
    await node.do(BOB, SetPreferences(Preferences(do_not_disturb=night)))
    await node.send(ALICE, "psst", to=direct)
    await node.send(ALICE, "@Bob look")
    await watched.settle()
    assert [(each.body, each.sound) for each in watched.notified] == [("psst", None), ("@Bob look", None)]
    assert watched.quiet == {each.id for each in watched.notified}
    assert [(each.body, each.sound) for each in await watched.stored(BOB)] == [("@Bob look", None), ("psst", None)]
    await node.do(BOB, SetPreferences(Preferences()))
    later = await node.send(ALICE, "hey", to=direct)
    assert await watched.received() == [
        ("bob", "direct", "psst"),
        ("bob", "mention", "@Bob look"),
        ("bob", "direct", "hey"),
    ]
    assert later.id not in watched.quiet


async def test_a_user_with_status_dnd_is_not_disturbed(watched: Watched, database: Database, clock: Clock) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await node.do(BOB, StorePresence("dnd"))
    await watched.settle()
    async with running(database, clock) as again, watching(again, database) as later:
        await later.come(BOB)
        await again.send(ALICE, "psst", to=direct)
        assert await later.received() == [("bob", "direct", "psst")]
        assert await later.kept(BOB) == [("direct", "psst")]
        assert len(later.quiet) == 1


async def test_a_user_is_disturbed_again_when_their_status_dnd_ends(
    watched: Watched, database: Database, clock: Clock
) -> None:
    direct = await watched.direct(ALICE, BOB)
    await watched.node.do(BOB, StorePresence("dnd", ends=PresenceEnds(status_ms=clock.now_ms + 1000)))
    await watched.settle()
    async with running(database, clock) as again, watching(again, database) as later:
        await later.come(BOB)
        quiet = []
        for pause_ms in (999, 1):
            clock.now_ms += pause_ms
            await again.send(ALICE, "psst", to=direct)
            await again.send(ALICE, "@Bob psst")
            await later.received()
            quiet.append(len(later.quiet))
        assert quiet == [2, 2]
        later.go(BOB)
        await again.send(ALICE, "@Bob hello")
        assert (await later.stored(BOB))[0].sound == "default"


async def test_actions_of_blocked_users_notify_nobody(watched: Watched) -> None:
    node = watched.node
    await node.do(BOB, BlockUser("alice"))
    await watched.come(BOB)
    for there in (True, False):
        await node.send(ALICE, "@Bob @all")
        await node.do(ALICE, CreateOffer("c", "A bicycle", 1, "EUR"))
        assert await node.refusal(ALICE, CreateConversation("group", ("bob",), "Trap")) == "blocked"
        await node.do(ALICE, RecordMissedCall("c", "x", ("bob",)))
        await watched.settle()
        if there:
            watched.go(BOB)
    assert [notified for notified in watched.notified if notified.user_id == "bob"] == []
    assert await watched.kept(BOB) == []
    assert ("mention", "@Bob @all") in await watched.kept(CAROL)


async def test_notifications_keep_the_order_of_their_events(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the names for the later one are found first."""
    node, execute, asked, found_later = watched.node, watched.node.chat.execute, 0, asyncio.Event()

    async def later_first(actor: Actor, command: Any) -> Any:  # noqa: ANN401 (any command's)
        nonlocal asked
        result = await execute(actor, command)
        if isinstance(command, FindOccasionNames):
            asked += 1
            if asked == 1:
                await found_later.wait()
            else:
                found_later.set()
        return result

    monkeypatch.setattr(node.chat, "execute", later_first)
    await watched.come(CAROL)
    await node.do(ALICE, CreateOffer("c", "A bicycle", 1, "EUR"))
    await node.do(ALICE, CreateOffer("c", "A tandem", 1, "EUR"))
    async with deadline():
        assert await watched.received() == [("carol", "offer", "A bicycle"), ("carol", "offer", "A tandem")]


async def test_a_new_offer_counts_in_a_muted_conversation_and_notifies_nobody(watched: Watched) -> None:
    node = watched.node
    await node.do(BOB, SetMemberPreferences("c", muted=True))
    await node.do(CAROL, SetMemberPreferences("c", muted=True))
    await node.do(CAROL, SetPreferences(Preferences(off=("offer",))))
    await watched.come(BOB)
    offer = await node.do(ALICE, CreateOffer("c", "A bicycle", 1, "EUR"))
    assert await watched.received() == []
    assert await watched.kept(BOB) == []
    counts = [(await node.do(actor, GetConversation("c"))).unread_offers for actor in (BOB, CAROL)]
    assert counts == [1, 0]
    await node.do(BOB, SetMemberPreferences("c", muted=False))
    assert await watched.kept(BOB) == []
    assert await node.do(BOB, MarkNotificationsRead((str(offer.id),))) == 0
    assert (await node.do(BOB, GetConversation("c"))).unread_offers == 0


async def test_the_answer_to_an_own_offer_is_quiet_in_a_muted_conversation(watched: Watched) -> None:
    node = watched.node
    await node.do(BOB, SetMemberPreferences("c", muted=True))
    await watched.come(BOB)
    own = await node.do(BOB, CreateOffer("c", "A tandem", 1, "EUR"))
    await node.do(ALICE, UpdateOffer(str(own.id), "accepted"))
    [stored] = await watched.stored(BOB, unread=True)
    assert (stored.type, stored.body) == ("offer", "A tandem")
    assert watched.quiet == {stored.id}
    assert (await node.do(BOB, GetConversation("c"))).unread_offers == 1


async def test_offers_invitations_and_missed_calls(watched: Watched) -> None:
    node = watched.node
    await watched.come(CAROL)
    offer = await node.do(ALICE, CreateOffer("c", "A bicycle", 1, "EUR"))
    counter = await node.do(CAROL, CounterOffer(str(offer.id), 2, title="Half a bicycle"))
    await node.do(ALICE, UpdateOffer(str(counter.id), "accepted"))
    await node.do(ALICE, CreateConversation("group", ("bob", "carol"), "Plans"))
    await node.do(ALICE, AddMembers("c", ("dave",)))
    await node.do(BACKEND, CreateConversation("group", ("bob", "carol"), "Made by the application", owner_id="bob"))
    await node.do(ALICE, RecordMissedCall("c", "x", ("bob", "carol", "stranger")))
    assert await watched.received() == [
        ("carol", "offer", "A bicycle"),
        ("carol", "offer", "Half a bicycle"),
        ("carol", "invitation", "Plans"),
        ("carol", "missed-call", ""),
    ]
    assert await watched.kept(BOB) == [
        ("offer", "A bicycle"),
        ("offer", "Half a bicycle"),
        ("invitation", "Plans"),
        ("missed-call", ""),
    ]
    assert await watched.kept(ALICE) == [("offer", "Half a bicycle")]
    stored = await watched.stored(BOB)
    assert [each.title for each in stored] == ["Alice", "Alice", "Carol", "Alice"]
    assert [each.offer_id for each in stored] == [None, None, counter.id, offer.id]
    await node.do(ALICE, UpdateConversation("c", name="Named"))
    assert await watched.kept(DAVE) == [("invitation", "Named")]


async def _everything_that_is_stored_for_all(watched: Watched) -> None:
    node = watched.node
    asked = await node.send(BOB, "a question")
    await node.send(ALICE, "@Bob look")
    await node.do(ALICE, SendMessage("c", "an answer", reply_to_id=str(asked.id)))
    await node.do(ALICE, CreateOffer("c", "A bicycle", 1, "EUR"))
    await node.do(ALICE, CreateConversation("group", ("bob",), "Plans"))
    await node.do(ALICE, RecordMissedCall("c", "x", ("bob",)))


@pytest.mark.parametrize("there", [True, False])
async def test_notifications_that_name_a_user_are_stored_for_connected_users_too(
    watched: Watched, *, there: bool
) -> None:
    if there:
        await watched.come(BOB)
    await _everything_that_is_stored_for_all(watched)
    kept = await watched.kept(BOB)
    assert [type_ for type_, _ in kept] == ["mention", "reply", "offer", "invitation", "missed-call"]
    # In any order: some need a name, which is queried first.
    live = sorted(notified.id for notified in watched.notified if notified.user_id == "bob")
    assert live == (sorted(each.id for each in await watched.stored(BOB)) if there else [])


async def test_a_notification_is_stored_together_with_its_event(watched: Watched) -> None:
    """Tests need not wait: the unread number is exact as soon as the command returns."""
    await asyncio.to_thread(watched.follower.close)
    await _everything_that_is_stored_for_all(watched)
    page = await watched.node.do(BOB, ListNotifications(watched.node.clock.now_ms, limit=2))
    assert (len(page.items), page.unread) == (2, 5)


async def test_notifications_of_events_of_an_older_version_are_stored_by_the_follower(
    watched: Watched, database: Database
) -> None:
    await watched.come(BOB)
    await asyncio.to_thread(watched.follower.close)
    await _everything_that_is_stored_for_all(watched)
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(delete(notifications))
    async with watching(watched.node, database) as again:
        assert [type_ for type_, _ in await again.kept(BOB)] == [
            "mention",
            "reply",
            "offer",
            "invitation",
            "missed-call",
        ]


async def test_reading_notifications_is_sent_to_the_users_devices(watched: Watched) -> None:
    node = watched.node
    first, second, third = [await node.send(ALICE, f"@Bob {number}") for number in range(3)]
    await watched.settle()
    del node.events[:]
    assert await node.do(BOB, MarkNotificationsRead((str(first.id), str(first.id), "9"))) == 2
    assert await node.do(BOB, MarkNotificationsRead((str(first.id),))) == 2
    assert await node.do(BOB, MarkRead("c", str(second.id))) is not None
    assert await node.do(BOB, MarkNotificationsRead()) == 0
    assert await node.do(BOB, MarkNotificationsRead()) == 0
    notified = [event for event in node.log if isinstance(event, NotificationsRead)]
    assert [(each.user_id, each.ids, each.unread) for each in notified] == [
        ("bob", (first.id,), 2),
        ("bob", (second.id,), 1),
        ("bob", None, 0),
    ]
    seen = await node.do(BOB, ListEvents(f"{node.chat.epoch}-0"))
    assert [event for event in seen.events if isinstance(event, NotificationsRead)] == notified
    others = await node.do(ALICE, ListEvents(f"{node.chat.epoch}-0"))
    assert not any(isinstance(event, NotificationsRead) for event in others.events)
    assert third.id in [each.id for each in await watched.stored(BOB)]


async def test_a_message_that_is_read_at_once_leaves_no_unread_notification(watched: Watched) -> None:
    node = watched.node
    message, mark = await node.in_one_batch((ALICE, SendMessage("c", "@Bob look")), (BOB, MarkRead("c")))
    assert mark.unread.unread_count == 0
    notified = [event for event in node.log if isinstance(event, NotificationsRead)]
    assert [(each.ids, each.unread) for each in notified] == [((message.id,), 0)]
    assert await watched.kept(BOB, unread=True) == []


@pytest.mark.parametrize("mark", [MarkRead("c"), MarkNotificationsRead()])
async def test_a_notification_that_is_read_in_the_batch_of_its_cause_is_not_sent(
    watched: Watched, mark: MarkRead | MarkNotificationsRead
) -> None:
    node = watched.node
    await watched.come(BOB, CAROL)
    await node.in_one_batch(
        (ALICE, SendMessage("c", "@all look")), (BOB, mark), (ALICE, SendMessage("c", "@all look again"))
    )
    assert sorted(await watched.received()) == [
        ("bob", "mention", "@all look again"),
        ("carol", "mention", "@all look"),
        ("carol", "mention", "@all look again"),
    ]


async def test_a_notification_that_is_read_before_its_names_are_known_is_not_sent(watched: Watched) -> None:
    node = watched.node
    await watched.come(BOB, CAROL)
    await node.in_one_batch(
        (ALICE, CreateOffer("c", "A bicycle", 1, "EUR")),
        (BOB, MarkNotificationsRead()),
        (ALICE, CreateOffer("c", "A lamp", 1, "EUR")),
    )
    assert sorted(await watched.received()) == [
        ("bob", "offer", "A lamp"),
        ("carol", "offer", "A bicycle"),
        ("carol", "offer", "A lamp"),
    ]


async def test_a_batch_of_messages_that_name_users_takes_as_many_statements_as_one(watched: Watched) -> None:
    node = watched.node
    asked = await node.send(BOB, "a question")
    texts = ["@all listen", "@Bob look", "@Carol look"]

    async def statements(times: int) -> int:
        steps = [(ALICE, SendMessage("c", text, reply_to_id=str(asked.id))) for text in texts * times]
        with node.statements() as transactions:
            await node.in_one_batch(*steps)
        # Leases and followers have transactions of their own, which do not lock the log's head.
        batches = [each for each in transactions if any("log_head" in statement for statement in each)]
        return len(batches[-1])

    await statements(1)
    assert await statements(1) == await statements(10)


async def test_reading_messages_reads_their_notifications(watched: Watched) -> None:
    node = watched.node
    first = await node.send(ALICE, "@Bob one")
    second = await node.send(ALICE, "@Bob two")
    await node.do(ALICE, CreateOffer("c", "A bicycle", 1, "EUR"))
    node.clock.now_ms += 1000
    await node.do(BOB, MarkRead("c", str(first.id)))
    assert await watched.kept(BOB, unread=True) == [("mention", "@Bob two"), ("offer", "A bicycle")]
    assert [each.read_ms for each in await watched.stored(BOB)] == [None, None, node.clock.now_ms]
    await node.do(BOB, MarkNotificationsRead((str(second.id),)))
    assert await watched.kept(BOB, unread=True) == [("offer", "A bicycle")]
    await node.do(BOB, MarkNotificationsRead())
    assert await watched.kept(BOB, unread=True) == []
    assert len(await watched.kept(BOB)) == 3


async def test_users_cannot_mark_notifications_of_others(watched: Watched) -> None:
    node = watched.node
    message = await node.send(ALICE, "@all one")
    await watched.settle()
    await node.do(BOB, MarkNotificationsRead((str(message.id), str(message.id + 1))))
    assert await watched.kept(BOB, unread=True) == []
    assert await watched.kept(CAROL, unread=True) == [("mention", "@all one")]
    assert await node.refusal(BOB, MarkNotificationsRead(("x",))) == "invalid_request"
    assert await node.refusal(BOB, MarkNotificationsRead(("1",) * 1001)) == "invalid_request"


async def test_a_notification_has_the_current_text_of_its_message(watched: Watched) -> None:
    node = watched.node
    message = await node.send(ALICE, "@Bob secret")
    await watched.settle()
    await node.do(ALICE, EditMessage(str(message.id), "@Bob harmless"))
    assert await watched.kept(BOB) == [("mention", "@Bob harmless")]
    await node.do(ALICE, UpdateUser(name="Alicia"))
    assert [each.title for each in await watched.stored(BOB)] == ["Alicia"]
    await node.do(ALICE, DeleteMessage(str(message.id)))
    assert await watched.kept(BOB) == [("mention", "")]


async def test_a_message_that_is_deleted_at_once_notifies_nobody_later(watched: Watched, database: Database) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await asyncio.to_thread(watched.follower.close)
    message = await node.send(ALICE, "oops", to=direct)
    await node.do(ALICE, DeleteMessage(str(message.id)))
    async with watching(node, database) as again:
        assert await again.kept(BOB) == []


async def test_a_conversation_shows_nothing_to_users_who_are_not_members(watched: Watched) -> None:
    node = watched.node
    await node.send(ALICE, "@Bob one")
    assert len(await watched.kept(BOB)) == 1
    await node.do(BACKEND, RemoveMember("c", "bob"))
    assert await watched.kept(BOB) == []
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    await node.do(BACKEND, AddMembers("c", ("bob",)))
    assert await watched.kept(BOB) == []
    await node.send(ALICE, "@Bob two")
    assert await watched.kept(BOB) == [("mention", "@Bob two")]
    await node.do(ALICE, DeleteConversation("c"))
    assert await watched.kept(BOB) == []


@pytest.mark.parametrize("there", [True, False])
async def test_who_is_removed_or_banned_is_notified_with_the_name_of_that_time(
    watched: Watched, *, there: bool
) -> None:
    node = watched.node
    if there:
        await watched.come(BOB)
    await node.do(ALICE, UpdateConversation("c", name="Cellar"))
    await node.do(ALICE, RemoveMember("c", "bob"))
    await node.do(ALICE, RestrictMember("c", "carol", "ban", reason="Enough"))
    await node.do(ALICE, UpdateConversation("c", name="A secret"))
    assert ("bob", "moderation") in [each[:2] for each in await watched.received()] or not there
    for actor in (BOB, CAROL):
        (removal,) = await watched.stored(actor)
        assert (removal.type, removal.outcome, removal.body, removal.actor_id) == ("moderation", "remove", "Cellar", "")


async def test_who_leaves_is_not_notified(watched: Watched) -> None:
    await watched.node.do(BOB, RemoveMember("c", "bob"))
    assert await watched.stored(BOB) == []


async def test_a_later_member_is_not_notified_of_earlier_events(watched: Watched, database: Database) -> None:
    node = watched.node
    await watched.settle()
    await asyncio.to_thread(watched.follower.close)
    await node.send(ALICE, "@all hello")
    await node.do(BACKEND, AddMembers("c", ("dave",)))
    async with watching(node, database) as again:
        assert await again.kept(BOB) == [("mention", "@all hello")]
        assert await again.kept(DAVE) == []


async def test_the_banned_read_nothing(watched: Watched) -> None:
    await watched.node.do(OPERATOR, BanUser("bob"))
    command = ListNotifications(watched.node.clock.now_ms)
    assert await watched.node.refusal(BOB, command) == "banned"
    assert await watched.node.refusal(BOB, MarkNotificationsRead()) == "banned"


async def test_the_newest_are_kept_and_for_thirty_days(watched: Watched, database: Database) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await node.in_one_batch(*((ALICE, SendMessage(direct, str(number))) for number in range(NOTIFICATIONS_MAX + 20)))
    page = await node.do(ALICE, ListNotifications(node.clock.now_ms))
    assert page.items == ()
    assert [each.body for each in await watched.stored(BOB)][:2] == ["1019", "1018"]
    with database.engine() as engine, engine.begin() as connection:
        count = select(func.count()).select_from(notifications)
        assert connection.execute(count).scalar_one() == NOTIFICATIONS_MAX
        stored = connection.execute(select(notifications.c.id).order_by(notifications.c.id).limit(500)).scalars().all()
        connection.execute(
            update(notifications)
            .where(notifications.c.id.in_(stored))
            .values(created_ms=node.clock.now_ms - NOTIFICATIONS_KEPT_MS)
        )
    pages, cursor = 0, None
    seen: list[str] = []
    while True:
        page = await node.do(BOB, ListNotifications(node.clock.now_ms, cursor, 100))
        seen += [each.body for each in page.items]
        pages, cursor = pages + 1, page.next
        if cursor is None:
            break
    assert (pages, seen) == (5, [str(number) for number in range(1019, 519, -1)])
    await node.send(ALICE, "again", to=direct)
    await watched.settle()
    with database.engine() as engine, engine.connect() as connection:
        assert connection.execute(count).scalar_one() == 501


async def test_after_a_restart_no_notification_is_missing_or_duplicated(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.group("c", ALICE, BOB)
        async with watching(node, database) as watched:
            await node.send(ALICE, "@bob one")
            await watched.settle()
        await node.send(ALICE, "@bob two")
    async with running(database, clock) as node, watching(node, database) as watched:
        await node.send(ALICE, "@bob three")
        assert [body for _, body in await watched.kept(BOB)] == ["@bob one", "@bob two", "@bob three"]
    # As if the position had been lost: stored notifications stay unchanged.
    with database.engine() as engine, engine.begin() as connection:
        connection.execute(update(followers).where(followers.c.name == "notifications").values(pos=0))
    async with running(database, clock) as node, watching(node, database) as watched:
        assert [body for _, body in await watched.kept(BOB)] == ["@bob one", "@bob two", "@bob three"]


async def test_a_follower_of_a_new_database_starts_at_its_first_event(database: Database) -> None:
    with database.engine() as engine, engine.connect() as connection:
        registered = select(followers.c.pos).where(followers.c.name == "notifications")
        head = connection.execute(select(log_head.c.pos)).scalar_one()
        assert connection.execute(registered).scalar_one() == head == 0


async def test_a_message_is_judged_without_a_read(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    node = watched.node
    await watched.come(ALICE, BOB, CAROL)
    direct = await watched.direct(ALICE, BOB)
    original, reads = node.readers.read, 0

    def read(function: Callable[[Snapshot], Any]) -> Awaitable[Any]:
        nonlocal reads
        reads += 1
        return original(function)

    monkeypatch.setattr(node.readers, "read", read)
    await node.send(ALICE, "plain")
    await node.send(ALICE, "@Bob named")
    await node.send(ALICE, "direct", to=direct)
    assert await watched.received() == [("bob", "mention", "@Bob named"), ("bob", "direct", "direct")]
    assert reads == 0


async def test_strangers_and_own_actions_notify_nobody(watched: Watched) -> None:
    node, direct = watched.node, await watched.direct(ALICE, BOB)
    await watched.come(ALICE, MALLORY)
    message = await node.send(ALICE, "@Alice note to self", to=direct)
    assert isinstance(message, Message)
    await node.do(ALICE, SendMessage(direct, "reply to self", reply_to_id=str(message.id)))
    assert await watched.received() == []
    assert await watched.kept(ALICE) == []
    assert await watched.kept(MALLORY) == []


async def test_member_preferences_are_gone_with_the_membership(watched: Watched) -> None:
    node = watched.node
    await watched.come(BOB)
    await node.do(BOB, SetMemberPreferences("c", notify="all"))
    await node.do(BACKEND, RemoveMember("c", "bob"))
    await node.do(BACKEND, AddMembers("c", ("bob",)))
    entry = node.chat.directory.connected("bob")
    assert entry is not None
    assert entry.member_preferences.get("c", MemberPreferences()) == MemberPreferences()
    await node.send(ALICE, "plain")
    assert await watched.received() == []


# --- what lies before somebody's time -------------------------------------------------------------------------------


async def _come_back(watched: Watched) -> None:
    """Makes bob, a former member, join again, so that he only sees messages from now on."""
    node = watched.node
    await node.do(ALICE, UpdateConversation("c", history="from-join"))
    await node.do(BACKEND, RemoveMember("c", "bob"))
    assert await watched.stored(BOB) == []
    await node.do(BACKEND, AddMembers("c", ("bob",)))


async def test_notifications_from_before_the_users_history_are_hidden(watched: Watched) -> None:
    await watched.node.do(ALICE, CreateOffer("c", "a secret", 1, "EUR"))
    await watched.node.send(ALICE, "a secret for @bob")
    assert len(await watched.stored(BOB)) == 2
    await _come_back(watched)
    assert await watched.stored(BOB) == []


@pytest.mark.parametrize("there", [True, False])
async def test_members_are_not_notified_of_messages_before_their_history(watched: Watched, *, there: bool) -> None:
    node = watched.node
    message = await node.send(BOB, "from before")
    offer = await node.do(BOB, CreateOffer("c", "from before", 1, "EUR"))
    await _come_back(watched)
    if there:
        await watched.come(BOB)
    await watched.received()
    await node.do(CAROL, SendMessage("c", "to whom?", reply_to_id=str(message.id)))
    await node.do(CAROL, UpdateOffer(str(offer.id), "accepted"))
    assert [notified for notified in await watched.received() if notified[0] == "bob"] == []
    assert await watched.kept(BOB) == []
