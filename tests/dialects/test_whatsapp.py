"""Unit tests of the `whatsapp` dialect: payloads of chat events, and commands of client events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talkwire.core.commands.command import Command
from talkwire.core.commands.messages import AttachmentRef, DeleteMessage, EditMessage, React, SendMessage, Unreact
from talkwire.core.commands.receipts import MarkDelivered, MarkRead, ReadMark, Unread
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import (
    COVERED_MESSAGES_MAX,
    CallEnded,
    CallInvited,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageReacted,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    PresenceChanged,
    TypingChanged,
    UploadProgressed,
)
from talkwire.core.domain.model import Attachment, Message, Place, Presence, Reaction, ShownStatus, User
from talkwire.dialects.dialect import PERSONAL_MAX, Outbound, PersonalOutbound, To
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP
from talkwire.operations.socket_commands import JoinRoom, LeaveRoom, RenewSignIn, SocketCommand, SubscribePresence

Json = dict[str, Any]

AT_MS = 1_700_000_000_000
AT = "2023-11-14T22:13:20.000Z"
LATER = "2023-11-14T22:13:21.000Z"

MESSAGE = Message(10, "conv-456", 1, "alice", "Alice", "Hello!", AT_MS)
PLAIN = {
    "id": "10",
    "conversationId": "conv-456",
    "senderId": "alice",
    "sender": {"id": "alice", "name": "Alice"},
    "type": "text",
    "content": {"text": "Hello!"},
    "attachments": [],
    "createdAt": AT,
}
THUMBS = [{"emoji": "👍", "count": 1, "userIds": ["bob"]}]


def sent_events(event: Event) -> list[tuple[str, Json]]:
    """Returns the names and payloads of a chat event for all sockets that follow the conversation."""
    packets = [packet for packet in WHATSAPP.outbound[type(event)] if isinstance(packet, Outbound)]
    assert all(packet.to is To.ROOM for packet in packets)
    return [(each.name, plain(each.payload(event))) for each in packets if each.when is None or each.when(event)]


def personal_events(event: Event) -> list[tuple[str, str, Json]]:
    """Returns (event name, user id, payload) of a chat event that is sent to single users."""
    (packet,) = WHATSAPP.outbound[type(event)]
    assert isinstance(packet, PersonalOutbound)
    return [(packet.name, user_id, plain(payload)) for user_id, payload in packet.payloads(event)]


def plain(payload: object) -> Json:
    """Returns a payload as JSON values, as a client decodes it."""
    read: Json = msgspec.json.decode(msgspec.json.encode(payload))
    return read


def command_of(name: str, payload: Json) -> Command[Any] | SocketCommand:
    """Returns the command of a client event."""
    inbound = WHATSAPP.inbound[name]
    assert inbound.payload is not None
    command = inbound.to_command(msgspec.convert(payload, inbound.payload))
    assert type(command) in inbound.commands
    return command


def acknowledgement(name: str, result: object) -> Json:
    """Returns the acknowledgement of a client event."""
    return plain(WHATSAPP.inbound[name].reply(result))


# --- server events --------------------------------------------------------------------------------------------------


def test_a_received_message_has_all_documented_members() -> None:
    assert sent_events(MessageSent(1, AT_MS, MESSAGE)) == [("message:received", {**PLAIN, "status": "sent"})]


@pytest.mark.parametrize(
    ("attachment", "type_"),
    [
        (Attachment("https://x.test/a", "a"), "document"),
        (Attachment("https://x.test/a.png", "a.png"), "image"),
        (Attachment("/api/v1/files/f/a", "a", "f", "image/webp"), "image"),
        (Attachment("/api/v1/files/f/a.png", "a.png", "f", "video/mp4"), "video"),
        (Attachment("/api/v1/files/f/a", "a", "f", "audio/ogg"), "audio"),
        (Attachment("/api/v1/files/f/a.pdf", "a.pdf", "f", "application/pdf"), "document"),
        (Attachment("https://x.test/a.png", "a.png", kind="audio"), "audio"),
    ],
)
def test_the_first_attachment_decides_the_type_unless_the_sender_did(attachment: Attachment, type_: str) -> None:
    message = msgspec.structs.replace(MESSAGE, content="Look", attachments=(attachment, Attachment("x", "x")))
    ((_, payload),) = sent_events(MessageSent(1, AT_MS, message))
    assert payload["type"] == type_
    assert payload["content"] == {
        "text": "Look",
        "caption": "Look",
        "url": attachment.url,
        "name": attachment.name,
    }
    assert payload["attachments"][0]["url"] == attachment.url


def test_a_text_with_a_file_and_a_location_keep_their_types() -> None:
    beside = Attachment("https://x.test/a.png", "a.png", kind="text")
    ((_, payload),) = sent_events(MessageSent(1, AT_MS, msgspec.structs.replace(MESSAGE, attachments=(beside,))))
    assert (payload["type"], payload["content"]) == ("text", {"text": "Hello!"})
    place = Place(52.5163, 13.3777, "Brandenburg Gate")
    attachment = Attachment("https://map.test", "Brandenburg Gate", place=place)
    message = msgspec.structs.replace(MESSAGE, content="", attachments=(attachment,))
    ((_, payload),) = sent_events(MessageSent(1, AT_MS, message))
    expected = {"text": "", "latitude": 52.5163, "longitude": 13.3777, "name": "Brandenburg Gate"}
    assert (payload["type"], payload["content"]) == ("location", expected)


def test_a_whatsapp_message_has_the_senders_picture_and_the_client_message_id() -> None:
    message = msgspec.structs.replace(MESSAGE, sender_avatar="https://x.test/alice.png", client_message_id="c-1")
    ((_, payload),) = sent_events(MessageSent(1, AT_MS, message))
    assert payload["sender"] == {"id": "alice", "name": "Alice", "avatar": "https://x.test/alice.png"}
    assert payload["clientMessageId"] == "c-1"


def test_an_edited_message_has_no_status() -> None:
    edited = msgspec.structs.replace(MESSAGE, content="Hi!", edited_ms=AT_MS + 1000)
    expected = {**PLAIN, "content": {"text": "Hi!"}, "editedAt": LATER}
    assert sent_events(MessageEdited(2, AT_MS + 1000, edited)) == [("message:updated", expected)]


def test_a_tombstone_has_an_empty_text() -> None:
    tombstone = msgspec.structs.replace(MESSAGE, content="", deleted_ms=AT_MS + 1000, deleted_by="bob")
    ((_, payload),) = sent_events(MessageSent(1, AT_MS, tombstone))
    assert (payload["content"], payload["deletedAt"]) == ({"text": ""}, LATER)
    expected = {"messageId": "10", "conversationId": "conv-456", "deletedAt": LATER, "deletedBy": "bob"}
    assert sent_events(MessageDeleted(2, AT_MS + 1000, tombstone)) == [("message:deleted", expected)]


@pytest.mark.parametrize(("added", "action"), [(True, "added"), (False, "removed")])
def test_a_reaction_event_has_all_reactions(*, added: bool, action: str) -> None:
    reacted = msgspec.structs.replace(MESSAGE, reactions=(Reaction("👍", 1, ("bob",)),))
    event = MessageReacted(2, AT_MS, reacted, "carol", "👍", added)
    expected = {"messageId": "10", "conversationId": "conv-456", "userId": "carol", "emoji": "👍", "action": action}
    assert sent_events(event) == [("message:reaction", {**expected, "reactions": THUMBS})]


COVERED = ((10, "alice"), (11, "carol"), (12, "alice"))


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (MessagesRead(5, AT_MS, "conv-456", "bob", 4, 13, since=0, covered=COVERED), "read"),
        (MessagesDelivered(5, AT_MS, "conv-456", "bob", 4, 13, since=0, covered=COVERED), "delivered"),
    ],
)
def test_each_author_receives_the_status_of_each_own_message(event: Event, status: str) -> None:
    def about(message_id: str) -> Json:
        seen = {"conversationId": "conv-456", "userId": "bob", "status": status, "timestamp": AT}
        return {"messageId": message_id, **seen}

    assert personal_events(event) == [
        ("message:status", "alice", about("10")),
        ("message:status", "carol", about("11")),
        ("message:status", "alice", about("12")),
    ]


def test_a_receipt_without_known_messages_sends_no_status() -> None:
    assert personal_events(MessagesRead(5, AT_MS, "conv-456", "bob", 4, 13)) == []


@pytest.mark.parametrize("kind", [MessagesRead, MessagesDelivered])
def test_statuses_go_to_sockets_that_have_joined(kind: type[Event]) -> None:
    (packet,) = WHATSAPP.outbound[kind]
    assert isinstance(packet, PersonalOutbound)
    assert packet.followers_only


@pytest.mark.parametrize(("is_typing", "name"), [(True, "typing:start"), (False, "typing:stop")])
def test_typing_has_separate_events_for_start_and_stop(*, is_typing: bool, name: str) -> None:
    event = TypingChanged("conv-456", "alice", "Alice", is_typing)
    assert sent_events(event) == [(name, {"conversationId": "conv-456", "userId": "alice", "isTyping": is_typing})]


def presence(status: ShownStatus, *, came: bool = False, own: bool = False) -> PresenceChanged:
    return PresenceChanged(Presence("alice", status, None, None), own=own, came=came)


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (presence("online", came=True), ["user:online"]),
        (presence("dnd", came=True), ["user:online"]),
        (presence("away"), []),
        (presence("online"), []),
        (presence("offline"), ["user:offline"]),
        (presence("invisible", own=True), []),
        (presence("away", own=True), []),
    ],
)
def test_only_coming_online_and_going_offline_are_sent(event: PresenceChanged, names: list[str]) -> None:
    assert sent_events(event) == [(name, {"userId": "alice"}) for name in names]


def test_uploads_and_calls_are_sent() -> None:
    progress = {"uploadId": "f", "received": 5, "size": 10}
    assert sent_events(UploadProgressed("alice", "f", 5, 10)) == [("upload:progress", progress)]
    call = {"callId": "k", "conversationId": "conv-456"}
    invited = CallInvited("k", "conv-456", "alice", ("bob",), data={"video": True})
    assert sent_events(invited) == [("call:invite", {**call, "userId": "alice", "data": {"video": True}})]
    ended = CallEnded("k", "conv-456", "alice", "timeout", ("alice", "bob"))
    assert sent_events(ended) == [("call:ended", {**call, "reason": "timeout"})]


def test_a_refusal_has_a_status_a_message_and_the_event() -> None:
    name, payload = WHATSAPP.error(ChatError("forbidden", "Not for you."), "message:send")
    assert name == "error"
    assert plain(payload) == {
        "status": "error",
        "message": "Not for you.",
        "code": "forbidden",
        "event": "message:send",
    }
    details = plain(WHATSAPP.error(invalid("emoji", "is missing"), "message:react")[1])["details"]
    assert details == [{"path": "emoji", "message": "is missing"}]


def test_a_refused_acknowledgement_has_the_message_beside_the_error_too() -> None:
    refusal = plain(WHATSAPP.refusal(ChatError("forbidden", "Not for you.")))
    error = {"code": "forbidden", "message": "Not for you."}
    assert refusal == {"success": False, "message": "Not for you.", "error": error}


def test_there_is_no_welcome_event() -> None:
    assert WHATSAPP.welcome(User("alice", "Alice", 0), "s", "1-1") is None


def test_the_goodbye_event_has_the_reason() -> None:
    goodbye = WHATSAPP.goodbye("banned", False)
    assert goodbye is not None
    assert (goodbye[0], plain(goodbye[1])) == ("session:ending", {"reason": "banned", "reconnect": False})


# --- client events --------------------------------------------------------------------------------------------------


def test_rooms_are_opened_and_closed_by_name() -> None:
    assert command_of("conversation:join", {"conversationId": "c"}) == JoinRoom("c")
    assert command_of("conversation:leave", {"conversationId": "c"}) == LeaveRoom("c")
    assert acknowledgement("conversation:join", "c") == {"success": True, "conversationId": "c"}


@pytest.mark.parametrize(("name", "is_typing"), [("typing:start", True), ("typing:stop", False)])
def test_typing_ignores_the_clients_user_id(*, name: str, is_typing: bool) -> None:
    incoming = {"conversationId": "c", "userId": "mallory", "isTyping": not is_typing}
    assert command_of(name, incoming) == SetTyping("c", is_typing=is_typing)


def test_a_message_is_sent() -> None:
    incoming = {"conversationId": "c", "type": "text", "content": {"text": "Hello!"}, "clientMessageId": "c-1"}
    assert command_of("message:send", incoming) == SendMessage("c", "Hello!", "c-1")
    assert acknowledgement("message:send", MESSAGE) == {"success": True, "message": {**PLAIN, "status": "sent"}}


def test_attachments_need_no_content() -> None:
    incoming = {"conversationId": "c", "attachments": [{"id": "f"}, {"url": "https://x.test/a", "name": "a"}]}
    refs = (AttachmentRef(id="f"), AttachmentRef(url="https://x.test/a", name="a"))
    assert command_of("message:send", incoming) == SendMessage("c", "", attachments=refs)


@pytest.mark.parametrize("type_", ["image", "video", "audio", "document"])
def test_a_message_of_each_type_is_sent(type_: Any) -> None:  # noqa: ANN401 (each is one type)
    incoming = {
        "conversationId": "c",
        "type": type_,
        "content": {"url": "https://x.test/a", "caption": "See", "name": "A"},
    }
    elsewhere = AttachmentRef(url="https://x.test/a", name="A", kind=type_)
    assert command_of("message:send", incoming) == SendMessage("c", "See", attachments=(elsewhere,))
    uploaded = {**incoming, "content": "See", "attachments": [{"id": "f"}, {"id": "g"}]}
    refs = (AttachmentRef(id="f", kind=type_), AttachmentRef(id="g"))
    assert command_of("message:send", uploaded) == SendMessage("c", "See", attachments=refs)
    own = {**uploaded, "content": {"url": "/api/v1/files/g/a.png"}}
    refs = (AttachmentRef(id="g", kind=type_), AttachmentRef(id="f"))
    assert command_of("message:send", own) == SendMessage("c", "", attachments=refs)


def test_a_location_is_sent() -> None:
    content = {"latitude": 52, "longitude": 13.4, "name": "Office", "caption": "Here"}
    sent = command_of("message:send", {"conversationId": "c", "type": "location", "content": content})
    assert sent == SendMessage("c", "Here", attachments=(AttachmentRef(place=Place(52.0, 13.4, "Office")),))


def test_a_text_may_be_a_string_and_have_files() -> None:
    assert command_of("message:send", {"conversationId": "c", "content": "Hello!"}) == SendMessage("c", "Hello!")
    incoming = {"conversationId": "c", "type": "text", "content": {"text": "x"}, "attachments": [{"id": "f"}]}
    assert command_of("message:send", incoming) == SendMessage(
        "c", "x", attachments=(AttachmentRef(id="f", kind="text"),)
    )


WHERE = {"latitude": 1, "longitude": 2}


@pytest.mark.parametrize(
    ("type_", "content", "path", "allowed"),
    [
        ("sticker", "x", "type", "text, image, video, audio, document, location"),
        ("TEXT", "x", "type", "text, image"),
        ("", "x", "type", "text, image"),
        (None, {"url": "https://x.test/a"}, "content.url", "image, video, audio, document"),
        ("text", {"text": "x", "url": "https://x.test/a"}, "content.url", "image, video, audio, document"),
        ("text", {"text": "x", **WHERE}, "content.latitude", "location"),
        ("image", {"url": "https://x.test/a", **WHERE}, "content.latitude", "location"),
        ("location", {**WHERE, "url": "https://x.test/a"}, "content.url", "image"),
        ("image", "x", "content.url", "uploaded file"),
        ("image", {"caption": "x"}, "content.url", "uploaded file"),
        ("image", {"url": "javascript:alert(1)"}, "content.url", "http"),
        ("image", {"url": "/elsewhere/a.png"}, "content.url", "http"),
        ("image", {"url": "https://x.test/a", "name": ""}, "content.name", "1 to"),
        ("image", {"url": "https://x.test/a", "text": "a", "caption": "b"}, "content.caption", "one"),
        ("location", {"latitude": 1}, "content.longitude", "required"),
        ("location", "x", "content.latitude", "required"),
        ("location", {"latitude": 90.1, "longitude": 2}, "content.latitude", "-90 and 90"),
        ("location", {"latitude": 1, "longitude": -180.5}, "content.longitude", "-180 and 180"),
        ("location", {**WHERE, "name": " "}, "content.name", "1 to"),
    ],
)
def test_content_that_does_not_fit_the_type_is_refused(
    type_: str | None, content: object, path: str, allowed: str
) -> None:
    with pytest.raises(ChatError) as refused:
        command_of("message:send", {"conversationId": "c", "type": type_, "content": content})
    assert refused.value.code == "invalid_request"
    match refused.value.details:
        case [{"path": found, "message": str() as message}]:
            assert found == path
            assert allowed in message
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize("content", [5, {"text": 1}, {"text": "x", "size": 5}, None])
def test_content_that_would_be_dropped_is_refused(content: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.content"):
        command_of("message:send", {"conversationId": "c", "content": content})


def test_messages_are_edited_deleted_and_reacted_to() -> None:
    for content in ({"text": "Hi!"}, {"caption": "Hi!"}, "Hi!"):
        assert command_of("message:edit", {"messageId": "10", "content": content}) == EditMessage("10", "Hi!")
    assert command_of("message:delete", {"messageId": "10"}) == DeleteMessage("10")
    assert command_of("message:react", {"messageId": "10", "emoji": "👍"}) == React("10", "👍")
    assert command_of("message:react", {"messageId": "10", "emoji": "👍", "remove": True}) == Unreact("10", "👍")
    assert acknowledgement("message:edit", MESSAGE) == {"success": True, "message": PLAIN}
    reacted = msgspec.structs.replace(MESSAGE, reactions=(Reaction("👍", 1, ("bob",)),))
    assert acknowledgement("message:react", reacted) == {"success": True, "reactions": THUMBS}


def test_messages_are_marked_up_to_one_or_up_to_the_newest() -> None:
    assert command_of("message:read", {"conversationId": "c"}) == MarkRead("c")
    assert command_of("message:read", {"conversationId": "c", "messageId": "10"}) == MarkRead("c", "10")
    assert command_of("message:delivered", {"conversationId": "c", "messageId": "10"}) == MarkDelivered("c", "10")
    answer = acknowledgement("message:read", ReadMark("c", 7, Unread(2, 1)))
    assert answer == {"success": True, "conversationId": "c", "seq": 7, "unreadCount": 2}


def test_a_socket_may_renew_its_token_and_subscribe_to_presence() -> None:
    assert command_of("auth:refresh", {"token": "t"}) == RenewSignIn("t")
    assert command_of("presence:subscribe", {"userIds": ["bob"]}) == SubscribePresence(("bob",))
    found = (Presence("bob", "online", None, None),)
    shown = {
        "userId": "bob",
        "status": "online",
        "text": None,
        "lastSeenAt": None,
        "statusUntil": None,
        "textUntil": None,
    }
    assert acknowledgement("presence:subscribe", found) == {"success": True, "presence": [shown]}


def test_no_move_of_a_cursor_makes_more_packets_than_an_offset_can_count() -> None:
    assert COVERED_MESSAGES_MAX <= PERSONAL_MAX
