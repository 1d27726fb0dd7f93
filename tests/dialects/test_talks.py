"""What the `talks` dialect makes of each event, and of what its clients send."""

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


def told(event: Event, to: To = To.ROOM) -> list[tuple[str, Json]]:
    """The names and payloads that go to some of a conversation's members."""
    packets = [packet for packet in TALKS.outbound[type(event)] if isinstance(packet, Outbound) and packet.to is to]
    return [(each.name, plain(each.payload(event))) for each in packets if each.when is None or each.when(event)]


def plain(payload: object) -> Json:
    """As a client reads it."""
    read: Json = msgspec.json.decode(msgspec.json.encode(payload))
    return read


def heard(name: str, payload: Json) -> object:
    """The command that a client's event is."""
    inbound = TALKS.inbound[name]
    assert inbound.payload is not None
    return inbound.to_command(msgspec.convert(payload, inbound.payload))


def test_a_message_is_told_with_all_members_that_the_seed_has() -> None:
    assert told(MessageSent(1, AT_MS, MESSAGE)) == [("message", PLAIN)]


def test_who_has_not_joined_is_told_of_a_message_in_short() -> None:
    note = {member: PLAIN[member] for member in ("id", "content", "user", "createdAt")}
    expected = {"conversationId": "talk-123", "message": note}
    assert told(MessageSent(1, AT_MS, MESSAGE), To.OUTSIDE) == [("new-message", expected)]


def test_attachments_are_addresses() -> None:
    attachments = (Attachment("/api/v1/files/f/a.png", "a.png", "f", "image/png"), Attachment("https://x.test/b", "b"))
    message = msgspec.structs.replace(MESSAGE, content="", attachments=attachments)
    urls = ["/api/v1/files/f/a.png", "https://x.test/b"]
    ((_, payload),) = told(MessageSent(1, AT_MS, message))
    assert payload == {**PLAIN, "content": "", "attachments": urls}
    ((_, payload),) = told(MessageSent(1, AT_MS, message), To.OUTSIDE)
    assert payload["message"]["attachments"] == urls


def test_the_sender_s_picture_and_the_client_s_id_go_with_a_message() -> None:
    message = msgspec.structs.replace(MESSAGE, sender_avatar="https://x.test/alice.png", client_message_id="c-1")
    ((_, payload),) = told(MessageSent(1, AT_MS, message))
    assert payload["user"] == {"id": "alice", "username": "Alice", "avatar": "https://x.test/alice.png"}
    assert payload["clientMessageId"] == "c-1"


def test_an_edited_message_is_told_as_a_message() -> None:
    edited = msgspec.structs.replace(MESSAGE, content="Hi!", edited_ms=AT_MS + 1000)
    expected = {**PLAIN, "content": "Hi!", "editedAt": LATER}
    assert told(MessageEdited(2, AT_MS + 1000, edited)) == [("message-updated", expected)]


def test_a_deleted_message_is_told_without_its_content() -> None:
    tombstone = msgspec.structs.replace(MESSAGE, content="", deleted_ms=AT_MS + 1000, deleted_by="bob")
    expected = {"messageId": "10", "conversationId": "talk-123", "deletedAt": LATER, "deletedBy": "bob"}
    assert told(MessageDeleted(2, AT_MS + 1000, tombstone)) == [("message-deleted", expected)]


@pytest.mark.parametrize(("added", "action"), [(True, "added"), (False, "removed")])
def test_a_reaction_is_told_with_all_that_there_are(*, added: bool, action: str) -> None:
    ((name, payload),) = told(MessageReacted(2, AT_MS, REACTED, "bob", "👍", added))
    assert name == "reaction"
    assert payload == {
        "messageId": "10",
        "conversationId": "talk-123",
        "userId": "bob",
        "emoji": "👍",
        "action": action,
        "reactions": THUMBS,
    }


def test_typing_is_told_by_name() -> None:
    expected = {"userId": "bob", "username": "Bob", "conversationId": "talk-123", "isTyping": True}
    assert told(TypingChanged("talk-123", "bob", "Bob", is_typing=True)) == [("typing", expected)]


def test_that_something_was_read_is_told_to_the_others() -> None:
    event = MessagesRead(2, AT_MS, "talk-123", "bob", 1, 10)
    expected = {"userId": "bob", "conversationId": "talk-123", "messageId": "10", "readAt": AT}
    assert told(event, To.OTHERS) == [("read", expected)]
    assert told(event) == []


def test_that_something_was_delivered_is_told_to_the_others() -> None:
    event = MessagesDelivered(2, AT_MS, "talk-123", "bob", 1, 10)
    expected = {"userId": "bob", "conversationId": "talk-123", "messageId": "10", "deliveredAt": AT}
    assert told(event, To.OTHERS) == [("delivered", expected)]
    assert told(event) == []


def test_who_joins_and_leaves_is_told_by_name() -> None:
    expected = {"userId": "bob", "username": "Bob", "conversationId": "talk-123"}
    assert told(RoomEntered("talk-123", "bob", "Bob")) == [("user-joined", expected)]
    assert told(RoomLeft("talk-123", "bob", "Bob")) == [("user-left", expected)]


def test_an_offer_is_told_in_the_room_and_outside() -> None:
    event = OfferCreated(2, AT_MS, OFFER)
    ((name, payload),) = told(event)
    offer = payload["offer"]
    assert (name, payload) == ("offer-created", {**ABOUT_OFFER, "offer": offer, "createdAt": AT})
    assert told(event, To.OUTSIDE) == [("new-offer", {**ABOUT_OFFER, "offer": offer})]
    assert offer["id"] == "20"
    assert (offer["authorId"], offer["amount"], offer["currency"]) == ("alice", 5000, "EUR")


def test_what_becomes_of_an_offer_is_told_in_the_room() -> None:
    ((name, payload),) = told(OfferUpdated(3, AT_MS, ACCEPTED))
    assert name == "offer-update"
    assert payload == {**ABOUT_OFFER, "status": "accepted", "offer": payload["offer"], "updatedAt": LATER}
    assert payload["offer"]["status"] == "accepted"


@pytest.mark.parametrize("status", ["rejected", "withdrawn", "expired", "countered", "accepted"])
def test_only_an_accepted_offer_is_news_for_its_author(status: OfferStatus) -> None:
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
def test_a_contact_who_is_there_is_online(status: ShownStatus) -> None:
    event = PresenceChanged(Presence("bob", status, None, None))
    assert told(event) == [("user-online", {"userId": "bob", "status": status})]


def test_a_contact_who_is_not_there_is_offline_since_some_time() -> None:
    event = PresenceChanged(Presence("bob", "offline", None, AT_MS))
    assert told(event) == [("user-offline", {"userId": "bob", "lastSeenAt": AT})]


@pytest.mark.parametrize("status", ["invisible", "online", "offline"])
def test_one_s_own_presence_is_no_news(status: ShownStatus) -> None:
    assert told(PresenceChanged(Presence("bob", status, None, None), own=True)) == []


def test_an_upload_s_progress_is_told() -> None:
    expected = {"uploadId": "u", "received": 0, "size": 10}
    assert told(UploadProgressed("alice", "u", 0, 10)) == [("upload-progress", expected)]


def test_calls_are_told_under_the_names_that_clients_send() -> None:
    said = {"callId": "c", "conversationId": "talk-123", "userId": "alice", "data": {"sdp": "x"}}
    assert told(CallInvited("c", "talk-123", "alice", ("bob",), data={"sdp": "x"})) == [("call-invite", said)]
    del said["data"]
    assert told(CallHungUp("c", "talk-123", "alice", ("bob",))) == [("call-end", said)]
    ended = {"callId": "c", "conversationId": "talk-123", "reason": "timeout"}
    assert told(CallEnded("c", "talk-123", "alice", "timeout", ("bob",))) == [("call-ended", ended)]


# --- what clients send ----------------------------------------------------------------------------------------------


def test_addresses_of_uploaded_files_attach_the_files() -> None:
    urls = ["/api/v1/files/f1/a%20b.png", "/api/v1/files/f2", "https://x.test/api/v1/files/f3/c", "/elsewhere"]
    sent = heard("message", {"conversationId": "talk-123", "content": "Look", "attachments": urls})
    refs = (AttachmentRef(id="f1"), AttachmentRef(id="f2"), AttachmentRef(url=urls[2]), AttachmentRef(url=urls[3]))
    assert sent == SendMessage("talk-123", "Look", attachments=refs)


def test_a_message_may_have_a_client_s_id_and_a_sender() -> None:
    given = {"conversationId": "talk-123", "content": "Hello", "clientMessageId": "c-1", "senderId": "alice"}
    assert heard("message", given) == SendMessage("talk-123", "Hello", "c-1", sender_id="alice")


def test_an_offer_is_updated_in_the_conversation_that_is_named() -> None:
    given = {"conversationId": "talk-123", "offerId": "20", "status": "accepted"}
    assert heard("offer-update", given) == UpdateOffer("20", "accepted", conversation_id="talk-123")


def test_a_reaction_is_put_and_taken_back_by_one_event() -> None:
    assert heard("react", {"messageId": "10", "emoji": "👍"}) == React("10", "👍")
    assert heard("react", {"messageId": "10", "emoji": "👍", "remove": True}) == Unreact("10", "👍")


def test_typing_says_whether() -> None:
    assert heard("typing", {"conversationId": "talk-123", "isTyping": False}) == SetTyping("talk-123", is_typing=False)
    with pytest.raises(msgspec.ValidationError, match="isTyping"):
        heard("typing", {"conversationId": "talk-123"})


# --- answers --------------------------------------------------------------------------------------------------------


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
def test_an_acknowledgement_says_in_words_what_was_done(event: str, result: object, members: Json) -> None:
    answer = plain(TALKS.inbound[event].reply(result))
    assert isinstance(answer.pop("message"), str)
    assert answer == {"success": True, **members}


@pytest.mark.parametrize("event", ["message", "edit-message"])
def test_a_message_is_acknowledged_as_it_is_told(event: str) -> None:
    assert plain(TALKS.inbound[event].reply(MESSAGE)) == {"success": True, "message": PLAIN}


def test_typing_is_acknowledged_by_success_alone() -> None:
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


def test_a_socket_is_greeted_with_its_user() -> None:
    welcome = TALKS.welcome(User("alice", "Alice", AT_MS), "socket", "1-7")
    assert welcome is not None
    assert welcome.name == "connected"
    assert plain(welcome.payload(None)) == {"message": "Connected as Alice", "userId": "alice", "cursor": "1-7"}
