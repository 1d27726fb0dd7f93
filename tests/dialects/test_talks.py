"""Unit tests of the `talks` dialect: payloads of chat events, and commands of client events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talkwire.core.commands.messages import AttachmentRef, React, SendMessage, Unreact
from talkwire.core.commands.offers import UpdateOffer
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    CallEnded,
    CallHungUp,
    CallInvited,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageReacted,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    OfferCreated,
    OfferUpdated,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    TypingChanged,
    UploadProgressed,
)
from talkwire.core.domain.model import Attachment, Message, Offer, OfferStatus, Presence, Reaction, ShownStatus, User
from talkwire.dialects.dialect import Outbound, To
from talkwire.dialects.talks.vocabulary import TALKS

Json = dict[str, Any]

AT_MS = 1_700_000_000_000
AT = "2023-11-14T22:13:20.000Z"

MESSAGE = Message(10, "talk-123", 1, "alice", "Alice", "Hello!", AT_MS)
PLAIN = {
    "id": "10",
    "conversationId": "talk-123",
    "userId": "alice",
    "user": {"id": "alice", "username": "Alice", "avatar": None},
    "content": "Hello!",
    "attachments": [],
    "createdAt": AT,
}
REACTED = msgspec.structs.replace(MESSAGE, reactions=(Reaction("👍", 1, ("bob",)),))
THUMBS = [{"emoji": "👍", "count": 1, "userIds": ["bob"]}]

OFFER = Offer(20, "talk-123", "alice", "Bicycle", 5000, "EUR", "pending", AT_MS, AT_MS)
ACCEPTED = msgspec.structs.replace(OFFER, status="accepted", updated_ms=AT_MS + 1000, closed_by="bob")
ABOUT_OFFER = {"offerId": "20", "conversationId": "talk-123"}
LATER = "2023-11-14T22:13:21.000Z"


def sent_events(event: Event, to: To = To.ROOM) -> list[tuple[str, Json]]:
    """Returns the names and payloads of a chat event for this audience."""
    packets = [packet for packet in TALKS.outbound[type(event)] if isinstance(packet, Outbound) and packet.to is to]
    return [(each.name, plain(each.payload(event))) for each in packets if each.when is None or each.when(event)]


def plain(payload: object) -> Json:
    """Returns a payload as JSON values, as a client decodes it."""
    read: Json = msgspec.json.decode(msgspec.json.encode(payload))
    return read


def command_of(name: str, payload: Json) -> object:
    """Returns the command of a client event."""
    inbound = TALKS.inbound[name]
    assert inbound.payload is not None
    command = inbound.to_command(msgspec.convert(payload, inbound.payload))
    assert type(command) in inbound.commands
    return command


def test_a_message_has_all_documented_members() -> None:
    assert sent_events(MessageSent(1, AT_MS, MESSAGE)) == [("message", PLAIN)]


def test_a_socket_that_has_not_joined_receives_a_short_message() -> None:
    note = {member: PLAIN[member] for member in ("id", "content", "user", "createdAt")}
    expected = {"conversationId": "talk-123", "message": note}
    assert sent_events(MessageSent(1, AT_MS, MESSAGE), To.NON_FOLLOWERS) == [("new-message", expected)]


def test_attachments_are_addresses() -> None:
    attachments = (Attachment("/api/v1/files/f/a.png", "a.png", "f", "image/png"), Attachment("https://x.test/b", "b"))
    message = msgspec.structs.replace(MESSAGE, content="", attachments=attachments)
    urls = ["/api/v1/files/f/a.png", "https://x.test/b"]
    ((_, payload),) = sent_events(MessageSent(1, AT_MS, message))
    assert payload == {**PLAIN, "content": "", "attachments": urls}
    ((_, payload),) = sent_events(MessageSent(1, AT_MS, message), To.NON_FOLLOWERS)
    assert payload["message"]["attachments"] == urls


def test_a_message_has_the_senders_picture_and_the_client_message_id() -> None:
    message = msgspec.structs.replace(MESSAGE, sender_avatar="https://x.test/alice.png", client_message_id="c-1")
    ((_, payload),) = sent_events(MessageSent(1, AT_MS, message))
    assert payload["user"] == {"id": "alice", "username": "Alice", "avatar": "https://x.test/alice.png"}
    assert payload["clientMessageId"] == "c-1"


def test_an_edit_sends_the_whole_message() -> None:
    edited = msgspec.structs.replace(MESSAGE, content="Hi!", edited_ms=AT_MS + 1000)
    expected = {**PLAIN, "content": "Hi!", "editedAt": LATER}
    assert sent_events(MessageEdited(2, AT_MS + 1000, edited)) == [("message-updated", expected)]


def test_a_deleted_message_is_sent_without_its_content() -> None:
    tombstone = msgspec.structs.replace(MESSAGE, content="", deleted_ms=AT_MS + 1000, deleted_by="bob")
    expected = {"messageId": "10", "conversationId": "talk-123", "deletedAt": LATER, "deletedBy": "bob"}
    assert sent_events(MessageDeleted(2, AT_MS + 1000, tombstone)) == [("message-deleted", expected)]


@pytest.mark.parametrize(("added", "action"), [(True, "added"), (False, "removed")])
def test_a_reaction_event_has_all_reactions(*, added: bool, action: str) -> None:
    ((name, payload),) = sent_events(MessageReacted(2, AT_MS, REACTED, "bob", "👍", added))
    assert name == "reaction"
    assert payload == {
        "messageId": "10",
        "conversationId": "talk-123",
        "userId": "bob",
        "emoji": "👍",
        "action": action,
        "reactions": THUMBS,
    }


def test_typing_has_the_users_name() -> None:
    expected = {"userId": "bob", "username": "Bob", "conversationId": "talk-123", "isTyping": True}
    assert sent_events(TypingChanged("talk-123", "bob", "Bob", is_typing=True)) == [("typing", expected)]


def test_other_members_are_notified_of_a_read() -> None:
    event = MessagesRead(2, AT_MS, "talk-123", "bob", 1, 10)
    expected = {"userId": "bob", "conversationId": "talk-123", "messageId": "10", "readAt": AT}
    assert sent_events(event, To.OTHERS) == [("read", expected)]
    assert sent_events(event) == []


def test_other_members_are_notified_of_a_delivery() -> None:
    event = MessagesDelivered(2, AT_MS, "talk-123", "bob", 1, 10)
    expected = {"userId": "bob", "conversationId": "talk-123", "messageId": "10", "deliveredAt": AT}
    assert sent_events(event, To.OTHERS) == [("delivered", expected)]
    assert sent_events(event) == []


def test_joining_and_leaving_have_the_users_name() -> None:
    expected = {"userId": "bob", "username": "Bob", "conversationId": "talk-123"}
    assert sent_events(RoomEntered("talk-123", "bob", "Bob")) == [("user-joined", expected)]
    assert sent_events(RoomLeft("talk-123", "bob", "Bob")) == [("user-left", expected)]


def test_an_offer_is_sent_inside_and_outside_of_the_room() -> None:
    event = OfferCreated(2, AT_MS, OFFER)
    ((name, payload),) = sent_events(event)
    offer = payload["offer"]
    assert (name, payload) == ("offer-created", {**ABOUT_OFFER, "offer": offer, "createdAt": AT})
    assert sent_events(event, To.NON_FOLLOWERS) == [("new-offer", {**ABOUT_OFFER, "offer": offer})]
    assert offer["id"] == "20"
    assert (offer["authorId"], offer["amount"], offer["currency"]) == ("alice", 5000, "EUR")


def test_a_changed_offer_is_sent_in_the_room() -> None:
    ((name, payload),) = sent_events(OfferUpdated(3, AT_MS, ACCEPTED))
    assert name == "offer-update"
    assert payload == {**ABOUT_OFFER, "status": "accepted", "offer": payload["offer"], "updatedAt": LATER}
    assert payload["offer"]["status"] == "accepted"


@pytest.mark.parametrize("status", ["rejected", "withdrawn", "expired", "countered", "accepted"])
def test_only_an_accepted_offer_is_sent_to_its_author(status: OfferStatus) -> None:
    event = OfferUpdated(3, AT_MS, msgspec.structs.replace(ACCEPTED, status=status))
    _, accepted = TALKS.outbound[OfferUpdated]
    assert not isinstance(accepted, Outbound)
    payloads = [(user_id, plain(payload)) for user_id, payload in accepted.payloads(event)]
    if status != "accepted":
        assert payloads == []
        return
    ((user_id, payload),) = payloads
    assert (accepted.name, user_id) == ("offer-accepted", "alice")
    assert payload == {**ABOUT_OFFER, "offer": payload["offer"]}


@pytest.mark.parametrize("status", ["online", "away", "dnd"])
def test_a_contact_with_a_status_is_online(status: ShownStatus) -> None:
    event = PresenceChanged(Presence("bob", status, None, None))
    assert sent_events(event) == [("user-online", {"userId": "bob", "status": status})]


def test_an_offline_contact_has_a_last_seen_time() -> None:
    event = PresenceChanged(Presence("bob", "offline", None, AT_MS))
    assert sent_events(event) == [("user-offline", {"userId": "bob", "lastSeenAt": AT})]


@pytest.mark.parametrize("status", ["invisible", "online", "offline"])
def test_a_users_own_presence_is_not_sent(status: ShownStatus) -> None:
    assert sent_events(PresenceChanged(Presence("bob", status, None, None), own=True)) == []


def test_the_progress_of_an_upload_is_sent() -> None:
    expected = {"uploadId": "u", "received": 0, "size": 10}
    assert sent_events(UploadProgressed("alice", "u", 0, 10)) == [("upload-progress", expected)]


def test_calls_use_the_same_names_in_both_directions() -> None:
    incoming = {"callId": "c", "conversationId": "talk-123", "userId": "alice", "data": {"sdp": "x"}}
    assert sent_events(CallInvited("c", "talk-123", "alice", ("bob",), data={"sdp": "x"})) == [
        ("call-invite", incoming)
    ]
    del incoming["data"]
    assert sent_events(CallHungUp("c", "talk-123", "alice", ("bob",))) == [("call-end", incoming)]
    ended = {"callId": "c", "conversationId": "talk-123", "reason": "timeout"}
    assert sent_events(CallEnded("c", "talk-123", "alice", "timeout", ("bob",))) == [("call-ended", ended)]


# --- client events --------------------------------------------------------------------------------------------------


def test_addresses_of_uploaded_files_attach_the_files() -> None:
    urls = ["/api/v1/files/f1/a%20b.png", "/api/v1/files/f2", "https://x.test/api/v1/files/f3/c", "/elsewhere"]
    sent = command_of("message", {"conversationId": "talk-123", "content": "Look", "attachments": urls})
    refs = (AttachmentRef(id="f1"), AttachmentRef(id="f2"), AttachmentRef(url=urls[2]), AttachmentRef(url=urls[3]))
    assert sent == SendMessage("talk-123", "Look", attachments=refs)


def test_a_message_may_have_a_client_message_id_and_a_sender() -> None:
    given = {"conversationId": "talk-123", "content": "Hello", "clientMessageId": "c-1", "senderId": "alice"}
    assert command_of("message", given) == SendMessage("talk-123", "Hello", "c-1", sender_id="alice")


def test_an_offer_is_updated_in_the_conversation_that_is_named() -> None:
    given = {"conversationId": "talk-123", "offerId": "20", "status": "accepted"}
    assert command_of("offer-update", given) == UpdateOffer("20", "accepted", conversation_id="talk-123")


def test_one_event_adds_and_removes_a_reaction() -> None:
    assert command_of("react", {"messageId": "10", "emoji": "👍"}) == React("10", "👍")
    assert command_of("react", {"messageId": "10", "emoji": "👍", "remove": True}) == Unreact("10", "👍")


def test_typing_starts_and_stops() -> None:
    assert command_of("typing", {"conversationId": "talk-123", "isTyping": False}) == SetTyping(
        "talk-123", is_typing=False
    )
    with pytest.raises(msgspec.ValidationError, match="isTyping"):
        command_of("typing", {"conversationId": "talk-123"})


# --- acknowledgements -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "result", "members"),
    [
        ("join-conversation", "talk-123", {"conversationId": "talk-123"}),
        ("leave-conversation", "talk-123", {"conversationId": "talk-123"}),
        ("read", None, {}),
        ("delivered", None, {}),
        ("offer-update", OFFER, {}),
        ("delete-message", None, {}),
        ("react", REACTED, {"reactions": THUMBS}),
    ],
)
def test_an_acknowledgement_describes_what_was_done(event: str, result: object, members: Json) -> None:
    answer = plain(TALKS.inbound[event].reply(result))
    assert isinstance(answer.pop("message"), str)
    assert answer == {"success": True, **members}


@pytest.mark.parametrize("event", ["message", "edit-message"])
def test_a_message_is_acknowledged_in_the_form_of_the_event(event: str) -> None:
    assert plain(TALKS.inbound[event].reply(MESSAGE)) == {"success": True, "message": PLAIN}


def test_typing_is_acknowledged_with_success_only() -> None:
    assert plain(TALKS.inbound["typing"].reply(None)) == {"success": True}


def test_a_refusal_has_its_message_beside_the_error_too() -> None:
    error = ChatError("forbidden", "No.")
    assert plain(TALKS.refusal(error)) == {
        "success": False,
        "error": {"code": "forbidden", "message": "No."},
        "message": "No.",
    }


def test_an_error_without_acknowledgement_is_an_exception() -> None:
    name, payload = TALKS.error(ChatError("forbidden", "No."), "message")
    assert (name, plain(payload)) == ("exception", {"status": "error", "message": "No."})


def test_the_welcome_event_has_the_user() -> None:
    welcome = TALKS.welcome(User("alice", "Alice", AT_MS), "socket", "1-7")
    assert welcome is not None
    assert welcome.name == "connected"
    assert plain(welcome.payload(None)) == {"message": "Connected as Alice", "userId": "alice", "cursor": "1-7"}
