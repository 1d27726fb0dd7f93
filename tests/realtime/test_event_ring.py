"""Events that the ring has in memory, and those that have to be read from the log."""

from __future__ import annotations

from msgspec.structs import replace

from talkwire.core.domain.events import (
    Durable,
    LoginEnded,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessageSent,
    OfferCreated,
    OfferUpdated,
    PreferencesChanged,
    TypingChanged,
    UserErased,
    UserUpdated,
)
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Message, Offer, Preferences, User
from talkwire.realtime.engine.hub import EncodingGroup
from talkwire.realtime.recovery.event_ring import EventRing


def sent(pos: int, conversation: str = "c", content: str = "hello") -> MessageSent:
    return MessageSent(pos, pos, message(pos, conversation, content))


def message(pos: int, conversation: str = "c", content: str = "hello", deleted_ms: int | None = None) -> Message:
    return Message(id_at(pos), conversation, pos, "bob", "Bob", content, pos, deleted_ms=deleted_ms)


def looks(pos: int, user_id: str) -> UserUpdated:
    return UserUpdated(pos, pos, User(user_id, user_id, pos))


def missed(
    ring: EventRing, after: int, *conversations: str, user_id: str = "alice", contacts: tuple[str, ...] = ()
) -> list[int] | None:
    """Returns the positions of the missed events, None if the log has to be read."""
    found = ring.missed(user_id, conversations, lambda: contacts, after)
    return None if found is None else [kept.event.pos for kept in found]


def ring_of(
    *events: Durable, events_max: int = 100, text_max: int = 10**6, missed_max: int = 100, places_max: int = 100
) -> EventRing:
    ring = EventRing(0, events_max=events_max, text_max=text_max, missed_max=missed_max, places_max=places_max)
    ring.follow(events)
    return ring


def test_events_of_a_users_conversations_are_in_log_order() -> None:
    ring = ring_of(sent(1, "a"), sent(2, "b"), sent(3, "x"), sent(4, "a"))
    assert missed(ring, 0, "b", "a") == [1, 2, 4]
    assert missed(ring, 1, "a", "b") == [2, 4]
    assert missed(ring, 4, "a", "b") == []


def test_events_of_one_user_reach_that_user_only() -> None:
    ring = ring_of(PreferencesChanged(1, 1, "alice", Preferences()), PreferencesChanged(2, 2, "bob", Preferences()))
    assert missed(ring, 0) == [1]
    assert missed(ring, 0, user_id="bob") == [2]


def test_events_without_recipients_and_ephemeral_events_are_not_kept() -> None:
    ring = EventRing(0)
    ring.follow([LoginEnded(1, 1, "alice", "s"), TypingChanged("c", "bob", "Bob", is_typing=True)])
    assert missed(ring, 0, "c") == []


def test_presence_reaches_contacts_and_no_other_users() -> None:
    ring = ring_of(looks(1, "bob"), looks(2, "mallory"), looks(3, "alice"))
    assert missed(ring, 0, contacts=("bob",)) == [1, 3]


def test_positions_before_the_ring_need_the_log() -> None:
    ring = EventRing(10)
    ring.follow([sent(11)])
    assert missed(ring, 9, "c") is None
    assert missed(ring, 10, "c") == [11]


def test_a_user_who_missed_an_evicted_event_needs_the_log() -> None:
    ring = ring_of(sent(1, "busy"), sent(2, "busy"), sent(3, "busy"), sent(4, "quiet"), events_max=2)
    assert missed(ring, 0, "busy") is None
    assert missed(ring, 1, "busy") is None
    assert missed(ring, 2, "busy") == [3]


def test_a_user_of_quiet_conversations_needs_no_log() -> None:
    ring = ring_of(*(sent(pos, "busy") for pos in range(1, 50)), sent(50, "quiet"), events_max=3)
    assert missed(ring, 0, "quiet", "silent") == [50]


def test_long_messages_push_out_more() -> None:
    ring = ring_of(sent(1, content="x" * 60), sent(2, content="x" * 60), sent(3, content="x" * 30), text_max=100)
    assert missed(ring, 0, "c") is None
    assert missed(ring, 1, "c") == [2, 3]


def test_every_event_of_a_long_message_pushes_out_as_much_as_the_message() -> None:
    long = message(1, content="x" * 6000)
    ring = ring_of(MessageEdited(1, 1, long), MessagePinned(2, 2, long, "bob"), sent(3), text_max=12_000)
    assert missed(ring, 0, "c") is None
    assert missed(ring, 1, "c") == [2, 3]


def test_attachments_count_for_the_size_of_a_message() -> None:
    first, second = (replace(message(pos), metadata={"note": "x" * 600}) for pos in (1, 2))
    ring = ring_of(MessageSent(1, 1, first), MessageSent(2, 2, second), text_max=1200)
    assert missed(ring, 0, "c") is None
    assert missed(ring, 1, "c") == [2]


def test_more_than_memory_may_serve_is_read_from_the_log() -> None:
    ring = ring_of(*(sent(pos, "ab"[pos % 2]) for pos in range(1, 6)), missed_max=4)
    assert missed(ring, 0, "a", "b") is None
    assert missed(ring, 0, "a") == [2, 4]
    assert missed(ring, 1, "a", "b") == [2, 3, 4, 5]


def test_an_evicted_profile_of_a_contact_needs_the_log() -> None:
    ring = ring_of(looks(1, "bob"), sent(2), sent(3), events_max=2)
    assert missed(ring, 0, contacts=("bob",)) is None
    assert missed(ring, 0, contacts=("carol",)) == []
    assert missed(ring, 1, contacts=("bob",)) == []


def test_older_positions_need_the_log_after_many_evictions() -> None:
    ring = ring_of(*(sent(pos, f"c{pos}") for pos in range(1, 10)), events_max=1, places_max=5)
    assert missed(ring, 0, "quiet") is None
    assert missed(ring, 8, "quiet") == []


def test_events_that_may_be_pruned_are_not_served_from_memory() -> None:
    oldest_ms = 0
    ring = EventRing(0, lambda: oldest_ms)
    ring.follow([sent(1), sent(2)])
    assert missed(ring, 0, "c") == [1, 2]
    oldest_ms = 2
    assert missed(ring, 0, "c") is None
    assert missed(ring, 1, "c") == [2]


def test_a_message_that_was_deleted_since_is_a_tombstone_in_all_its_events() -> None:
    tombstone = message(1, content="", deleted_ms=3)
    ring = ring_of(sent(1), MessageEdited(2, 2, message(1, content="edited")), MessageDeleted(3, 3, tombstone), sent(4))
    found = ring.missed("alice", ["c"], tuple, 0)
    assert found is not None
    assert [kept.event.message for kept in found] == [tombstone, tombstone, tombstone, message(4)]  # type: ignore[union-attr]  # messages, all of them


def test_a_frame_is_encoded_once_for_each_group_and_again_after_a_deletion() -> None:
    ring = ring_of(sent(1))
    group, other = EncodingGroup("/"), EncodingGroup("/")
    made: list[str] = []

    def frame(of: EncodingGroup) -> bytes:
        found = ring.missed("alice", ["c"], tuple, 0)
        assert found is not None
        return found[0].frame(of, "room", make)

    def make() -> bytes:
        made.append("made")
        return b"frame %d" % len(made)

    assert [frame(group), frame(group), frame(other)] == [b"frame 1", b"frame 1", b"frame 2"]
    ring.follow([MessageDeleted(2, 2, message(1, content="", deleted_ms=2))])
    assert frame(group) == b"frame 3"


def test_an_offer_that_was_deleted_since_has_no_texts_in_any_of_its_events() -> None:
    offer = Offer(id_at(1), "c", "bob", "A bicycle", 5, "EUR", "pending", 1, 1, description="Red")
    gone = replace(offer, title="Deleted offer", description=None)
    deletion = OfferUpdated(2, 2, replace(gone, status="withdrawn", deleted_ms=2, deleted_by="alice"))
    other = OfferCreated(3, 3, replace(offer, id=id_at(3)))
    ring = ring_of(OfferCreated(1, 1, offer), deletion, other)
    assert [kept.event for kept in ring.missed("alice", ("c",), tuple, 0) or ()] == [
        OfferCreated(1, 1, gone),
        deletion,
        other,
    ]


def test_a_user_who_was_erased_since_is_a_deleted_user_in_all_events() -> None:
    gone = User("bob", "Deleted user", 0, banned=True, erased="keep")
    ring = ring_of(looks(1, "bob"), sent(2), UserErased(3, 3, gone))
    found = ring.missed("alice", ("c",), lambda: ("bob",), 0)
    assert found is not None
    renamed = replace(sent(2).message, sender_name="Deleted user")
    assert [entry.event for entry in found] == [
        UserUpdated(1, 1, gone),
        MessageSent(2, 2, renamed),
        UserErased(3, 3, gone),
    ]
