"""Every event of the log has a name and a payload for the application's backend."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from msgspec.structs import replace

from talkwire.core.domain.audience import conversation_of
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    CardActed,
    CardDecided,
    ConversationCreated,
    ConversationPreferred,
    Durable,
    HoldChanged,
    InvitationCreated,
    LoginEnded,
    MemberRestricted,
    MemberUnrestricted,
    MessageDeleted,
    MessageRated,
    MessageSent,
    MessagesRead,
    MessageUnpinned,
    NotificationsRead,
    ReadPositionMoved,
    SavedChanged,
    StreamStateChanged,
    ThreadMarked,
    UserBlocked,
    UserErased,
    UserRenamed,
    UserUpdated,
)
from talkwire.core.domain.model import (
    FOR_EVER_MS,
    Conversation,
    Invitation,
    Member,
    Message,
    Restriction,
    User,
)
from talkwire.core.domain.parts.message_parts import DataPart, TextPart
from talkwire.core.domain.parts.streams import StreamError
from talkwire.dialects.messenger.log_events import LOG_EVENT_NAMES, LOG_EVENTS, log_event_payloads, log_types_named
from talkwire.payloads.messages import short_payload

ALICE = User("alice", "Alice", 0, "alice@example.com", banned=True, metadata={"plan": "pro"})
GROUP = Conversation("c", "group", "Team", "alice", 2, 0, 0, 0, metadata={"order": 17})
MEMBERS = (Member("c", "alice", "owner", 0), Member("c", "bob", "member", 0, read_seq=3, delivered_seq=3))
MUTE = Restriction("c", "bob", "mute", FOR_EVER_MS, "alice", "spam")
INVITATION = Invitation("i", "hash-of-the-code", ("c",), "alice", "user", 0)
TOMBSTONE = Message(7, "c", 3, "alice", "Alice", "", 0, deleted_ms=5, deleted_by="bob")


def rendered(event: Durable) -> dict[str, object]:
    (payload,) = log_event_payloads([event], "e")
    shown: dict[str, object] = msgspec.to_builtins(payload)
    return shown


def test_the_table_has_every_event_of_the_log() -> None:
    assert LOG_EVENTS.keys() == set(get_args(Durable))


def test_every_event_says_what_it_means_and_what_its_data_is() -> None:
    for packet in LOG_EVENTS.values():
        assert packet.summary
        assert issubclass(packet.payload_type, msgspec.Struct)


def test_the_backend_sees_a_user_whole() -> None:
    assert rendered(UserUpdated(5, 1000, ALICE)) == {
        "id": "e-5",
        "type": "user:updated",
        "time": "1970-01-01T00:00:01.000Z",
        "data": {
            "id": "alice",
            "name": "Alice",
            "createdAt": "1970-01-01T00:00:00.000Z",
            "kind": "person",
            "email": "alice@example.com",
            "metadata": {"plan": "pro"},
            "banned": True,
        },
    }


def test_a_new_conversation_has_its_metadata_and_members() -> None:
    event = rendered(ConversationCreated(5, 0, GROUP, MEMBERS, by="alice"))
    data = event["data"]
    assert isinstance(data, dict)
    assert (event["type"], event["conversationId"], event["actorId"]) == ("conversation:new", "c", "alice")
    assert data["metadata"] == {"order": 17}
    assert [(each["userId"], each["role"], each["readSeq"]) for each in data["members"]] == [
        ("alice", "owner", 0),
        ("bob", "member", 3),
    ]


def test_an_invitation_never_shows_its_code() -> None:
    assert "hash-of-the-code" not in str(rendered(InvitationCreated(5, 0, INVITATION)))


@pytest.mark.parametrize(
    ("event", "type_", "conversation_id", "actor_id"),
    [
        (UserBlocked(5, 0, "alice", "bob"), "user:blocked", None, "alice"),
        (NotificationsRead(5, 0, "alice", None, 0), "notification:read", None, "alice"),
        (LoginEnded(5, 0, "alice", "s"), "session:ended", None, "alice"),
        (ReadPositionMoved(5, 0, "c", "alice", 3, 1, 0), "conversation:unread", "c", "alice"),
        (ThreadMarked(5, 0, "c", "alice", 1, True, 3, 0), "thread:marked", "c", "alice"),
        (ConversationPreferred(5, 0, "c", "alice", True, None, None), "conversation:preferences", "c", "alice"),
        (SavedChanged(5, 0, "alice", "c", 7, True), "saved:changed", "c", "alice"),
        (MessageRated(5, 0, TOMBSTONE, "bob", 1), "message:rated", "c", "bob"),
        (CardActed(5, 0, TOMBSTONE, "bob", ("yes",)), "card:acted", "c", "bob"),
        (CardDecided(5, 0, TOMBSTONE), "card:decided", "c", None),
        (MemberRestricted(5, 0, MUTE), "member:restricted", "c", "alice"),
        (MemberUnrestricted(5, 0, MUTE), "member:unrestricted", "c", "alice"),
        (MessagesRead(5, 0, "c", "bob", 3, 7), "message:read:receipt", "c", "bob"),
        (MessageDeleted(5, 0, TOMBSTONE), "message:deleted", "c", "bob"),
        (MessageUnpinned(5, 0, TOMBSTONE, "bob"), "message:unpinned", "c", "bob"),
        (ConversationCreated(5, 0, GROUP, MEMBERS), "conversation:new", "c", None),
        (UserUpdated(5, 0, ALICE), "user:updated", None, None),
        (UserErased(5, 0, ALICE, by="bob"), "user:erased", None, "bob"),
        (HoldChanged(5, 0, True, conversation_id="c"), "hold:changed", "c", None),
        (HoldChanged(5, 0, True, user_id="alice", by="bob"), "hold:changed", None, "bob"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else None,
)
def test_an_event_says_what_it_is_about_and_whose_it_is(
    event: Durable, type_: str, conversation_id: str | None, actor_id: str | None
) -> None:
    shown = rendered(event)
    assert (shown["type"], shown.get("conversationId"), shown.get("actorId")) == (type_, conversation_id, actor_id)
    assert conversation_of(event) == conversation_id


def test_a_name_stands_for_all_its_types_of_the_log() -> None:
    assert log_types_named(["user:updated"]) == {"UserUpdated", "UserRenamed"}
    assert log_types_named(["message:pinned", "call:missed"]) == {"MessagePinned", "CallMissed"}
    assert log_types_named(LOG_EVENT_NAMES) == {event_type.__name__ for event_type in LOG_EVENTS}


def test_an_unknown_name_is_refused_with_a_similar_one() -> None:
    with pytest.raises(ChatError) as refusal:
        log_types_named(["message:new", "mesage:updated"])
    assert refusal.value.code == "invalid_request"
    assert refusal.value.message == 'types: "mesage:updated" is no event of the log; did you mean message:updated?'


def test_an_event_that_cannot_be_rendered_does_not_block_the_others() -> None:
    # Readers of the log never return a `UserRenamed`, which lacks the user.
    payloads = log_event_payloads([UserRenamed(5, 0, "alice", "Alice"), UserUpdated(6, 0, ALICE)], "e")
    assert [payload.id for payload in payloads] == ["e-6"]


def test_a_stream_is_a_new_message_and_an_update_for_the_back_end() -> None:
    parts = (TextPart("Hel"),)
    opened = Message(7, "c", 3, "helper", "Helper", "", 0, state="streaming", first_end_pos=0)
    ended = replace(opened, content="Hel", state="failed", error=StreamError("busy"), first_end_pos=9)
    continued = replace(ended, state="streaming", parts=parts, error=None)
    events: list[Durable] = [
        MessageSent(8, 0, opened),
        StreamStateChanged(9, 0, ended, is_first=True),
        StreamStateChanged(10, 0, continued),
    ]
    shown = [rendered(event) for event in events]
    assert [each["type"] for each in shown] == ["message:new", "message:updated", "message:updated"]
    messages: Any = [each["data"] for each in shown]
    assert [(each["content"], each["state"]) for each in messages] == [
        ("", "streaming"),
        ("Hel", "failed"),
        ("Hel", "streaming"),
    ]
    assert messages[1]["error"]["code"] == "busy"


def test_the_short_form_of_an_open_stream_has_its_text_and_no_parts() -> None:
    parts = (TextPart("Hello"), DataPart("x", 1))
    message = Message(7, "c", 3, "helper", "Helper", "Hello", 0, state="streaming", parts=parts, first_end_pos=0)
    short = msgspec.to_builtins(short_payload(message))
    assert (short["content"], short["state"], "parts" in short) == ("Hello", "streaming", False)
