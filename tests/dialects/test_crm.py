"""Unit tests of the `crm` dialect's events and payloads."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talkwire.core.commands.messages import EditMessage, React, SendMessage, Unreact
from talkwire.core.commands.receipts import MarkRead, MessageReader
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import (
    Event,
    MessageEdited,
    MessageReacted,
    MessageSent,
    MessagesRead,
    PresenceChanged,
    TypingChanged,
)
from talkwire.core.domain.model import Attachment, Message, Presence, Reaction
from talkwire.core.features.messages.reading import has_been_read
from talkwire.dialects.crm.payloads import ChatPayload, message_payload, read_message_payload
from talkwire.dialects.crm.vocabulary import CRM
from talkwire.dialects.dialect import Outbound, PersonalOutbound, To
from talkwire.operations.socket_commands import JoinRoom
from talkwire.payloads.numeral_ids import SAFE_MAX, numeral, text_of
from talkwire.payloads.payload import invalid_payload
from talkwire.payloads.replies import with_renamed_members

# --- ids ------------------------------------------------------------------------------------------------------------

anything = st.text() | st.integers().map(str) | st.integers(0, 2**54).map(str) | st.from_regex(r"[+-]?0*[0-9]{1,18}")


@given(anything)
@example("٣")  # a non-ASCII digit
@example("1\n")
def test_an_id_survives_a_round_trip_through_a_client(text: str) -> None:
    assert text_of(numeral(text)) == text


@given(anything)
def test_an_id_survives_a_client_whose_numbers_are_floats(text: str) -> None:
    received = json.loads(msgspec.json.encode(numeral(text)), parse_int=float)
    sent = json.dumps(int(received) if isinstance(received, float) else received).encode()
    assert text_of(msgspec.json.decode(b'{"chatId":%s}' % sent, type=ChatPayload).chat_id) == text


@given(st.integers(0, SAFE_MAX))
@example(0)
@example(SAFE_MAX)
def test_a_numeral_that_javascript_can_hold_is_a_number(number: int) -> None:
    assert numeral(str(number)) == number


@pytest.mark.parametrize("text", ["", "01", "-1", "+1", "1.0", "1e3", " 1", "1 ", "1_000", "0x1", "٣", "talk-123"])
def test_an_id_that_is_no_canonical_numeral_stays_a_string(text: str) -> None:
    assert numeral(text) == text


@given(st.integers(min_value=SAFE_MAX + 1))
@example(SAFE_MAX + 1)
@example(9_999_999_999_999_999)
def test_a_numeral_that_javascript_would_round_stays_a_string(number: int) -> None:
    assert numeral(str(number)) == str(number)


@pytest.mark.parametrize("sent", [b"1.0", b"1e0", b"true", b"-1", b"null", b"[1]", b"{}", b"9007199254740992"])
def test_only_safe_integers_and_strings_are_ids(sent: bytes) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(b'{"chatId":%s}' % sent, type=ChatPayload)
    assert invalid_payload(refused.value).details[0]["path"] == "chatId"  # type: ignore[index]  # JSON


# --- from client events to commands ---------------------------------------------------------------------------------


def command_of(name: str, payload: object) -> object:
    inbound = CRM.inbound[name]
    assert inbound.payload is not None
    command = inbound.to_command(msgspec.convert(payload, inbound.payload))
    assert type(command) in inbound.commands
    return command


@pytest.mark.parametrize("chat_id", [1, "1"], ids=["number", "text"])
def test_ids_are_accepted_as_numbers_and_strings(chat_id: object) -> None:
    assert command_of("joinChat", {"chatId": chat_id}) == JoinRoom("1")
    assert command_of("sendMessage", {"chatId": chat_id, "content": "x"}) == SendMessage("1", "x")
    assert command_of("markAsRead", {"chatId": chat_id, "messageId": chat_id}) == MarkRead("1", "1")
    sent = {"messageId": chat_id, "content": "x", "senderId": chat_id}
    assert command_of("updateMessage", sent) == EditMessage("1", "x", "1")


def test_a_string_id_is_not_converted() -> None:
    assert command_of("joinChat", {"chatId": "007"}) == JoinRoom("007")


def test_a_reaction_is_added_and_removed() -> None:
    assert command_of("reactToMessage", {"messageId": 5, "emoji": "x"}) == React("5", "x")
    assert command_of("reactToMessage", {"messageId": 5, "emoji": "x", "remove": True}) == Unreact("5", "x")


# --- from chat events to server events ------------------------------------------------------------------------------


def message(**further: Any) -> Message:  # noqa: ANN401 (a message's members)
    return Message(10**12 + 7, "1", 7, "123", "Ann", "Hello", 1_700_000_000_000, **further)


def as_json(value: object) -> Any:  # noqa: ANN401 (JSON)
    return json.loads(msgspec.json.encode(value))


def sent_events(event: Event) -> dict[str, Any]:
    """Returns the payloads of a chat event that many users receive, by event name."""
    packets = [each for each in CRM.outbound[type(event)] if isinstance(each, Outbound)]
    return {each.name: as_json(each.payload(event)) for each in packets if each.when is None or each.when(event)}


WHOLE_MESSAGE = {
    "id": 1_000_000_000_007,
    "chatId": 1,
    "senderId": 123,
    "sender": {"id": 123, "name": "Ann"},
    "message": "Hello",
    "content": "Hello",
    "createdAt": "2023-11-14T22:13:20.000Z",
    "updatedAt": "2023-11-14T22:13:20.000Z",
    "isRead": False,
}


def test_a_new_message_has_its_chat_and_the_time() -> None:
    timestamp = WHOLE_MESSAGE["createdAt"]
    news = {"message": WHOLE_MESSAGE, "chatId": 1, "timestamp": timestamp}
    assert sent_events(MessageSent(7, 1_700_000_000_000, message())) == {"newMessage": news}


def test_an_edited_message_has_its_time_and_its_read_state() -> None:
    edited = MessageEdited(8, 1_700_000_001_000, message(edited_ms=1_700_000_001_000), read=True)
    news = sent_events(edited)["messageUpdated"]
    assert news["message"] == {**WHOLE_MESSAGE, "updatedAt": "2023-11-14T22:13:21.000Z", "isRead": True}
    assert news["timestamp"] == "2023-11-14T22:13:21.000Z"


def test_an_edit_without_known_readers_has_no_is_read() -> None:
    assert "isRead" not in sent_events(MessageEdited(8, 0, message(edited_ms=1)))["messageUpdated"]["message"]


def test_a_message_has_its_attachments_and_reactions() -> None:
    reactions = (Reaction("x", 2, ("123", "bob")),)
    payload = message_payload(message(attachments=(Attachment("/a", "a"),), reactions=reactions), is_read=False)
    assert as_json(payload) == {
        **WHOLE_MESSAGE,
        "attachments": [{"url": "/a", "name": "a"}],
        "reactions": [{"emoji": "x", "count": 2, "userIds": [123, "bob"]}],
    }


def test_a_reaction_event_has_the_user_and_all_reactions() -> None:
    event = MessageReacted(9, 0, message(), "bob", "x", added=False)
    assert sent_events(event)["messageReaction"] == {
        "messageId": 1_000_000_000_007,
        "chatId": 1,
        "userId": "bob",
        "emoji": "x",
        "action": "removed",
        "reactions": [],
        "timestamp": "1970-01-01T00:00:00.000Z",
    }


def test_typing_has_the_user_and_the_chat() -> None:
    payload = sent_events(TypingChanged("1", "123", "Ann", is_typing=True))["userTyping"]
    assert payload.pop("timestamp")
    assert payload == {"chatId": 1, "userId": 123, "isTyping": True}


READ_BY_BOB = {"chatId": 1, "messageId": 5, "userId": "bob", "timestamp": "1970-01-01T00:00:00.000Z"}


def test_other_members_receive_read_receipts() -> None:
    assert sent_events(MessagesRead(9, 0, "1", "bob", 5, 5)) == {"messageRead": READ_BY_BOB}
    assert [each.to for each in CRM.outbound[MessagesRead] if isinstance(each, Outbound)] == [To.OTHERS]


def test_only_authors_receive_read_receipts_of_a_large_chat() -> None:
    event = MessagesRead(9, 0, "1", "bob", 5, 5, authors=("123", "bob", "carol"))
    assert sent_events(event) == {}
    (personal,) = [each for each in CRM.outbound[MessagesRead] if isinstance(each, PersonalOutbound)]
    assert personal.followers_only
    assert as_json(list(personal.payloads(event))) == [["123", READ_BY_BOB], ["carol", READ_BY_BOB]]
    assert list(personal.payloads(MessagesRead(9, 0, "1", "bob", 5, 5))) == []


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (PresenceChanged(Presence("123", "online", None, None), came=True), {"userOnline"}),
        (PresenceChanged(Presence("123", "away", None, None)), set()),
        (PresenceChanged(Presence("123", "offline", None, 0)), {"userOffline"}),
        (PresenceChanged(Presence("123", "online", None, None), own=True, came=True), set()),
        (PresenceChanged(Presence("123", "offline", None, 0), own=True), set()),
    ],
)
def test_contacts_come_online_and_go_offline(event: PresenceChanged, names: set[str]) -> None:
    assert sent_events(event).keys() == names


# --- read messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readers", "is_read"),
    [
        ([], False),
        ([MessageReader("bob", 6)], False),
        ([MessageReader("bob", 7)], True),
        ([MessageReader("123", 9)], False),
        ([MessageReader("123", 9), MessageReader("bob", 8)], True),
        ([MessageReader("late", 9, history_seq=7), MessageReader("bob", 6)], False),
        ([MessageReader("late", 9, history_seq=7), MessageReader("bob", 7)], True),
    ],
)
def test_a_message_is_read_once_somebody_but_its_sender_has_read_it(
    readers: list[MessageReader], *, is_read: bool
) -> None:
    assert has_been_read(message(), readers) is is_read
    assert read_message_payload(message(), readers).is_read is is_read


# --- refusals -------------------------------------------------------------------------------------------------------


def test_a_refusal_uses_the_dialects_member_names() -> None:
    refused = as_json(CRM.refusal(invalid("conversationId", "must be an id")))
    assert refused == {
        "success": False,
        "error": {
            "code": "invalid_request",
            "message": "chatId: must be an id",
            "details": [{"path": "chatId", "message": "must be an id"}],
        },
        "message": "chatId: must be an id",
    }


def test_an_error_without_acknowledgement_is_a_message_alone() -> None:
    name, payload = CRM.error(invalid("conversationId", "must be an id"), "joinChat")
    assert (name, as_json(payload)) == ("error", {"message": "chatId: must be an id"})


def test_a_refusal_keeps_members_that_the_dialect_does_not_rename() -> None:
    names = {"conversationIds": "chatIds"}
    error = ChatError(
        "invalid_request",
        "conversationIds[3]: no; content: no",
        [{"path": "conversationIds[3]", "message": "no"}, {"path": "content", "message": "no"}],
    )
    incoming = with_renamed_members(error, names)
    assert (incoming.code, incoming.message) == ("invalid_request", "chatIds[3]: no; content: no")
    assert incoming.details == [{"path": "chatIds[3]", "message": "no"}, {"path": "content", "message": "no"}]


@pytest.mark.parametrize("details", [None, {"retryAfterMs": 5}, ["conversationId"]])
def test_a_refusal_without_paths_stays_unchanged(details: object) -> None:
    error = with_renamed_members(
        ChatError("forbidden", "conversationId is a word", details), {"conversationId": "chatId"}
    )
    assert (error.code, error.message, error.details) == ("forbidden", "conversationId is a word", details)
