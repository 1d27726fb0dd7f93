"""Which users are notified of which events."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from talkwire.core.domain.cards.card import AskedCard, MessageCard
from talkwire.core.domain.events import (
    CallMissed,
    CardReminded,
    ConversationCreated,
    Durable,
    MemberAdded,
    MessageSent,
    OfferCreated,
    OfferUpdated,
    UserBanned,
)
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import (
    FOR_EVER_MS,
    Attachment,
    Conversation,
    ConversationKind,
    DoNotDisturb,
    Member,
    MemberPreferences,
    Message,
    NotificationType,
    Notify,
    Offer,
    OfferStatus,
    Preferences,
    Quote,
)
from talkwire.core.domain.notifying.notification_rules import (
    EVERYONE_MAX,
    NotificationRecipient,
    NotificationTrigger,
    is_in_quiet_hours,
    is_quiet,
    notification,
    reason_of,
    trigger_of,
)

ALWAYS = DoNotDisturb(enabled=True, start_minute=0, end_minute=0)


def listener(
    user_id: str = "bob",
    here: MemberPreferences = MemberPreferences(),  # noqa: B008 (frozen)
    preferences: Preferences = Preferences(),  # noqa: B008 (frozen)
    blocked: str = "",
    *,
    dnd: bool = False,
) -> NotificationRecipient:
    return NotificationRecipient(user_id, here, preferences, {blocked}, FOR_EVER_MS if dnd else 0)


def sent(*mentions: str, everyone: bool = False, reply_to: str | None = None, content: str = "Hello") -> MessageSent:
    quote = None if reply_to is None else Quote(1, reply_to, "…")
    message = Message(7, "c", 1, "alice", "Alice", content, 0, mentions=mentions, mentions_all=everyone, reply_to=quote)
    return MessageSent(7, 0, message)


def asking(*user_ids: str, mentions: tuple[str, ...] = (), notes_of: str | None = None) -> MessageSent:
    card = MessageCard(AskedCard("Pay?", (), "first"), "", notified_ids=user_ids)
    return MessageSent(7, 0, replace(sent(*mentions).message, card=card, notes_of=notes_of))


def offer(status: OfferStatus = "pending", closed_by: str | None = None, author_id: str = "alice") -> Offer:
    return Offer(5, "c", author_id, "A bicycle", 100, "EUR", status, 0, 0, closed_by=closed_by)


def reason(
    event: Durable, kind: ConversationKind, who: NotificationRecipient, members: int = 3
) -> NotificationType | None:
    occasion = trigger_of(event)
    return None if occasion is None else reason_of(occasion, ConversationFacts(kind, members), who)


def occasion_of(event: Durable) -> NotificationTrigger:
    occasion = trigger_of(event)
    assert occasion is not None
    return occasion


REMINDER = CardReminded(8, 0, asking("bob", "carol", mentions=("bob",)).message, ("bob",))
PLAIN, NAMED, EVERYONE, REPLY = sent(), sent("bob"), sent(everyone=True), sent(reply_to="bob")


@pytest.mark.parametrize(
    ("kind", "notify", "event", "expected"),
    [
        ("direct", None, PLAIN, "direct"),
        ("direct", "all", PLAIN, "direct"),
        ("direct", "mentions", PLAIN, None),
        ("direct", "none", PLAIN, None),
        ("direct", None, NAMED, "mention"),
        ("direct", None, REPLY, "reply"),
        ("direct", "mentions", NAMED, "mention"),
        ("direct", "none", NAMED, None),
        ("group", None, PLAIN, None),
        ("group", "all", PLAIN, "message"),
        ("channel", "all", PLAIN, "message"),
        ("group", "mentions", PLAIN, None),
        ("group", "none", PLAIN, None),
        ("group", None, NAMED, "mention"),
        ("group", None, EVERYONE, "mention"),
        ("group", None, REPLY, "reply"),
        ("group", "all", NAMED, "mention"),
        ("group", "all", REPLY, "reply"),
        ("group", "mentions", NAMED, "mention"),
        ("group", "mentions", EVERYONE, "mention"),
        ("group", "mentions", REPLY, None),
        ("group", "none", NAMED, None),
        ("group", None, asking("bob", mentions=("bob",)), "decision"),
        ("group", "mentions", asking("bob"), "decision"),
        ("group", "none", asking("bob"), None),
        ("group", None, asking("carol"), None),
        ("group", None, asking("carol", notes_of="d"), None),
        ("group", None, asking("bob", mentions=("bob",), notes_of="d"), "decision"),
        ("group", None, asking("carol", mentions=("bob",), notes_of="d"), "mention"),
        ("direct", None, asking("bob"), "decision"),
        ("direct", None, asking("carol"), "direct"),
        ("group", "none", EVERYONE, None),
        ("group", None, sent("carol"), None),
        ("group", None, sent(reply_to="carol"), None),
    ],
)
def test_a_message_notifies_according_to_the_members_settings(
    kind: ConversationKind, notify: Notify | None, event: MessageSent, expected: NotificationType | None
) -> None:
    assert reason(event, kind, listener(here=MemberPreferences(notify=notify))) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (PLAIN, None),
        (NAMED, "mention"),
        (EVERYONE, None),
        (REPLY, "reply"),
        (asking("bob"), "decision"),
        (REMINDER, "decision"),
        (OfferCreated(5, 0, offer()), None),
        (OfferUpdated(6, 0, offer("accepted", "alice", author_id="bob")), "offer"),
    ],
)
@pytest.mark.parametrize("kind", ["direct", "group"])
def test_a_muted_conversation_notifies_quietly_of_what_names_the_member(
    event: Durable, kind: ConversationKind, expected: NotificationType | None
) -> None:
    muted = listener(here=MemberPreferences(muted=True, notify="all"))
    assert reason(event, kind, muted) == expected
    assert is_quiet(occasion_of(event), muted)
    off: tuple[NotificationType, ...] = ("decision", "mention", "reply", "offer")
    silenced = listener(here=MemberPreferences(muted=True), preferences=Preferences(off=off))
    assert reason(event, kind, silenced) is None


@pytest.mark.parametrize("event", [PLAIN, NAMED, EVERYONE, REPLY, OfferCreated(5, 0, offer())])
def test_blocked_users_and_own_actions_notify_nobody(event: Durable) -> None:
    assert reason(event, "direct", listener(blocked="alice")) is None
    assert reason(event, "direct", listener("alice")) is None
    assert reason(event, "direct", listener()) is not None


def test_mentioning_everyone_is_limited_by_the_number_of_members() -> None:
    assert reason(EVERYONE, "group", listener(), EVERYONE_MAX) == "mention"
    assert reason(EVERYONE, "group", listener(), EVERYONE_MAX + 1) is None
    assert reason(sent("bob", everyone=True), "group", listener(), EVERYONE_MAX + 1) == "mention"


@pytest.mark.parametrize(
    ("off", "expected"),
    [
        ((), "decision"),
        (("decision",), "mention"),
        (("decision", "mention"), "reply"),
        (("decision", "mention", "reply"), "direct"),
        (("decision", "mention", "reply", "direct"), None),
        (("mention",), "decision"),
    ],
)
def test_a_reason_that_is_switched_off_gives_way_to_the_next(
    off: tuple[NotificationType, ...], expected: NotificationType | None
) -> None:
    event = asking("bob")
    event = replace(event, message=replace(sent("bob", reply_to="bob").message, card=event.message.card))
    assert reason(event, "direct", listener(preferences=Preferences(off=off))) == expected


@pytest.mark.parametrize(
    ("event", "user_id", "expected"),
    [
        (OfferCreated(5, 0, offer()), "bob", "offer"),
        (OfferUpdated(6, 0, offer("accepted", "bob")), "alice", "offer"),
        (REMINDER, "bob", "decision"),
        (REMINDER, "carol", None),
        (REMINDER, "alice", None),
        (OfferUpdated(6, 0, offer("rejected", "bob")), "alice", "offer"),
        (OfferUpdated(6, 0, offer("rejected", "bob")), "carol", None),
        (OfferUpdated(6, 0, offer("rejected", "bob")), "bob", None),
        # The author of a countered offer is notified of the new offer.
        (OfferUpdated(6, 0, offer("countered", "bob")), "alice", None),
        (OfferUpdated(6, 0, offer("withdrawn", "alice")), "bob", None),
        (OfferUpdated(6, 0, offer("expired")), "alice", None),
        (MemberAdded(3, 0, "c", (Member("c", "bob", "member", 0),), "alice"), "bob", "invitation"),
        (MemberAdded(3, 0, "c", (Member("c", "bob", "member", 0),), "alice"), "carol", None),
        (MemberAdded(3, 0, "c", (Member("c", "bob", "member", 0),), "bob"), "bob", None),
        (MemberAdded(3, 0, "c", (Member("c", "bob", "member", 0),)), "bob", None),
        (CallMissed(3, 0, "c", "x", "alice", ("bob",)), "bob", "missed-call"),
        (CallMissed(3, 0, "c", "x", "alice", ("bob",)), "carol", None),
        (UserBanned(3, 0, "bob"), "bob", None),
    ],
)
def test_other_events_notify_their_recipients(event: Durable, user_id: str, expected: NotificationType | None) -> None:
    assert reason(event, "group", listener(user_id)) == expected


@pytest.mark.parametrize(
    ("kind", "by", "expected"),
    [
        ("group", "alice", "invitation"),
        ("channel", "alice", "invitation"),
        ("direct", "alice", None),
        ("group", "", None),
    ],
)
def test_a_person_who_opens_a_group_invites_its_members(
    kind: ConversationKind, by: str, expected: NotificationType | None
) -> None:
    members = tuple(Member("c", user_id, "member", 0) for user_id in ("alice", "bob"))
    event = ConversationCreated(3, 0, Conversation("c", kind, "Plans", None, 2, 0, 0, 0), members, by)
    assert reason(event, kind, listener()) == expected


def test_a_notification_names_the_actor_the_action_and_the_conversation() -> None:
    occasion = trigger_of(sent(content="x" * 300))
    assert occasion is not None
    made = notification(occasion, listener(), "direct", "Alice")
    assert (made.id, made.user_id, made.type, made.title, made.body) == (7, "bob", "direct", "Alice", "x" * 200)
    assert (made.conversation_id, made.message_id, made.actor_id, made.sound) == ("c", 7, "alice", "default")


def test_a_message_without_text_is_called_by_what_is_attached() -> None:
    message = Message(
        7, "c", 1, "alice", "Alice", "", 0, attachments=(Attachment("/a", "a.png"), Attachment("/b", "b.pdf"))
    )
    occasion = trigger_of(MessageSent(7, 0, message))
    assert occasion is not None
    assert occasion.body == "a.png, b.pdf"


@pytest.mark.parametrize(
    ("own", "sounds", "expected"),
    [
        (None, {}, "default"),
        (None, {"direct": "bell"}, "bell"),
        (None, {"direct": None}, None),
        (None, {"mention": "bell"}, "default"),
        ("gong", {"direct": None}, "gong"),
    ],
)
def test_a_conversation_has_its_own_sound_or_the_one_of_its_kind(
    own: str | None, sounds: dict[NotificationType, str | None], expected: str | None
) -> None:
    occasion = trigger_of(PLAIN)
    assert occasion is not None
    who = listener(here=MemberPreferences(sound=own), preferences=Preferences(sounds=sounds))
    assert notification(occasion, who, "direct", "Alice").sound == expected
    assert notification(occasion, who, "direct", "Alice", quiet=True).sound is None


def test_do_not_disturb_silences_notifications() -> None:
    occasion = occasion_of(PLAIN)
    assert is_quiet(occasion, listener(dnd=True))
    assert is_quiet(occasion, listener(preferences=Preferences(do_not_disturb=ALWAYS)))
    assert not is_quiet(occasion, listener())
    assert is_quiet(occasion_of(REMINDER), listener())


# --- do not disturb ---------------------------------------------------------------------------------------------------


def at(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


NIGHT = DoNotDisturb(enabled=True, start_minute=22 * 60, end_minute=7 * 60, time_zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-05T21:59:59", False),
        ("2026-01-05T22:00:00", True),
        ("2026-01-06T00:00:00", True),
        ("2026-01-06T06:59:59", True),
        ("2026-01-06T07:00:00", False),
        # In the first night clocks go forward from 2 to 3, in the second back from 3 to 2.
        ("2026-03-29T01:59:00", True),
        ("2026-03-29T06:59:00", True),
        ("2026-03-29T07:00:00", False),
        ("2026-10-25T02:30:00", True),
        ("2026-10-25T07:00:00", False),
    ],
)
def test_a_night_lasts_by_the_clocks_of_its_place(moment: str, *, expected: bool) -> None:
    assert is_in_quiet_hours(NIGHT, at(moment, "Europe/Berlin")) is expected


def test_a_night_belongs_to_the_day_on_which_it_starts() -> None:
    friday = DoNotDisturb(enabled=True, start_minute=22 * 60, end_minute=7 * 60, days=(4,))
    assert not is_in_quiet_hours(friday, at("2026-01-09T06:00:00"))  # Friday morning
    assert is_in_quiet_hours(friday, at("2026-01-09T23:00:00"))
    assert is_in_quiet_hours(friday, at("2026-01-10T06:00:00"))  # Saturday morning
    assert not is_in_quiet_hours(friday, at("2026-01-10T23:00:00"))


def test_disabled_hours_never_apply_and_unknown_time_zones_are_utc() -> None:
    assert not is_in_quiet_hours(DoNotDisturb(enabled=False, start_minute=0, end_minute=0), 0)
    assert is_in_quiet_hours(DoNotDisturb(enabled=True, start_minute=0, end_minute=60, time_zone="Nowhere/Atlantis"), 0)


zones = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Cairo",
    ]
)
minutes = st.integers(0, 24 * 60 - 1)


@given(zones, minutes, minutes, st.sets(st.integers(0, 6)), st.integers(at("2000-01-01"), at("2035-01-01")))
def test_quiet_hours_are_those_that_a_clock_on_the_wall_would_count(
    zone: str, start: int, end: int, days: set[int], moment_ms: int
) -> None:
    quiet = DoNotDisturb(enabled=True, start_minute=start, end_minute=end, time_zone=zone, days=tuple(sorted(days)))
    wall = datetime.fromtimestamp(moment_ms / 1000, ZoneInfo(zone)).replace(tzinfo=None)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    begun = [
        day + timedelta(minutes=start) for back in (0, 1) if (day := midnight - timedelta(days=back)).weekday() in days
    ]
    length = timedelta(minutes=(end - start) % (24 * 60) or 24 * 60)
    expected = any(begin <= wall < begin + length for begin in begun)
    assert is_in_quiet_hours(quiet, moment_ms) is expected
