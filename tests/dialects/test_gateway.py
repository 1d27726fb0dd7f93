"""Unit tests of the `gateway` dialect: commands of client events, and payloads of chat events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Attachment, Message, User
from talkwire.core.domain.texts import NESTING_MAX
from talkwire.dialects.dialect import AnyJson, Outbound, To
from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.operations.socket_commands import GetServerTime

AT_MS = 1_700_000_000_000
AT = "2023-11-14T22:13:20.000Z"
MESSAGE = Message(10, "talk-1", 1, "alice", "Alice", "Hello!", AT_MS)
REFUSED = ChatError("forbidden", "Not here.")

Json = dict[str, Any]


def command_of(payload: object) -> object:
    inbound = GATEWAY.inbound["message"]
    command = inbound.to_command(AnyJson(payload))
    assert type(command) in inbound.commands
    return command


def echo_of(payload: object, result: object = AT_MS) -> tuple[str, Json]:
    echo = GATEWAY.inbound["message"].echo
    assert echo is not None
    return echo.name, msgspec.to_builtins(echo.payload(AnyJson(payload), result))


def notification_of(message: Message) -> Json:
    _, packet = GATEWAY.outbound[MessageSent]
    assert isinstance(packet, Outbound)
    assert (packet.name, packet.to) == ("notification", To.NON_FOLLOWERS)
    payload: Json = msgspec.to_builtins(packet.payload(MessageSent(7, AT_MS, message)))
    return payload


@pytest.mark.parametrize(
    "incoming", [None, "Hello", 5, [1, {"a": None}], {}, {"message": "Hello", "data": {}}, {"conversationId": None}]
)
def test_a_message_without_a_conversation_is_not_sent(incoming: object) -> None:
    assert command_of(incoming) == GetServerTime()


def test_a_message_with_a_conversation_is_sent_there() -> None:
    assert command_of({"conversationId": "talk-1", "message": "Hello", "data": 5}) == SendMessage("talk-1", "Hello")


def test_a_message_may_have_a_client_message_id_and_the_backend_names_who_sends_it() -> None:
    incoming = {"conversationId": "talk-1", "message": "Hello", "clientMessageId": "m-1", "senderId": "bob"}
    expected = SendMessage("talk-1", "Hello", client_message_id="m-1", sender_id="bob")
    assert command_of(incoming) == expected


@pytest.mark.parametrize(
    ("incoming", "path"),
    [
        ({"conversationId": "talk-1"}, "message"),
        ({"conversationId": "talk-1", "message": 5}, "message"),
        ({"conversationId": 5, "message": "Hello"}, "conversationId"),
    ],
)
def test_an_invalid_message_is_refused_with_its_path(incoming: object, path: str) -> None:
    with pytest.raises(ChatError) as refused:
        command_of(incoming)
    assert refused.value.code == "invalid_request"
    assert isinstance(refused.value.details, list)
    assert refused.value.details[0]["path"] == path


def nested(depth: int) -> object:
    value: object = "deep"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("incoming", [b"bytes", {"a": [b"bytes"]}, nested(NESTING_MAX + 1), "zero\x00", {"\ud800": 1}])
def test_a_payload_that_cannot_be_echoed_is_refused(incoming: object) -> None:
    with pytest.raises(ChatError) as refused:
        command_of(incoming)
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(
    ("incoming", "received"),
    [
        ({"message": "Hello", "data": {}}, "Hello"),
        ({"message": {"a": 1}}, {"a": 1}),
        ({"text": "Hello"}, {"text": "Hello"}),
        ("Hello", "Hello"),
        ([1, 2], [1, 2]),
        (None, None),
    ],
)
def test_the_echo_has_the_received_payload_and_the_time(incoming: object, received: object) -> None:
    data = {"receivedMessage": received, "timestamp": AT}
    expected = {"success": True, "message": "Message received by server", "data": data}
    assert echo_of(incoming) == ("messageReceived", expected)


def test_the_echo_of_a_stored_message_has_its_creation_time() -> None:
    assert echo_of({"message": "Hello!"}, MESSAGE)[1]["data"] == {"receivedMessage": "Hello!", "timestamp": AT}


def test_a_message_is_a_notification() -> None:
    assert notification_of(MESSAGE) == {
        "type": "message",
        "title": "Alice",
        "body": "Hello!",
        "conversationId": "talk-1",
        "messageId": "10",
    }


def test_a_notification_of_a_message_without_text_names_the_attachments() -> None:
    files = (Attachment("/a", "cat.png"), Attachment("/b", "dog.png"))
    message = msgspec.structs.replace(MESSAGE, content="", attachments=files)
    assert notification_of(message)["body"] == "cat.png, dog.png"


def test_the_welcome_event_has_the_user_and_the_socket() -> None:
    packet = GATEWAY.welcome(User("alice", "Alice", 0), "abc", "1-7")
    assert packet is not None
    assert packet.name == "connected"
    assert msgspec.to_builtins(packet.payload(None)) == {
        "message": "Successfully connected to WebSocket",
        "userId": "alice",
        "socketId": "abc",
    }


def test_errors_are_one_sentence() -> None:
    name, payload = GATEWAY.error(REFUSED, "message")
    assert (name, msgspec.to_builtins(payload)) == ("error", {"message": "Not here."})


def test_a_refused_acknowledgement_has_the_sentence_beside_the_error() -> None:
    assert msgspec.to_builtins(GATEWAY.refusal(REFUSED)) == {
        "success": False,
        "error": {"code": "forbidden", "message": "Not here."},
        "message": "Not here.",
    }


def test_a_refused_sign_in_does_not_reveal_the_reason() -> None:
    assert GATEWAY.refused_sign_in is not None
    name, payload = GATEWAY.refused_sign_in(ChatError("token_expired", "This token has expired."))
    assert (name, msgspec.to_builtins(payload)) == ("error", {"message": "Authentication failed"})


@pytest.mark.parametrize(("reason", "message"), [("token_expired", "Token expired"), ("what else", "Disconnected")])
def test_the_goodbye_event_has_the_reason_if_the_token_became_invalid(reason: str, message: str) -> None:
    goodbye = GATEWAY.goodbye(reason, False)
    assert goodbye is not None
    assert (goodbye[0], msgspec.to_builtins(goodbye[1])) == ("error", {"message": message})


def test_a_client_that_should_reconnect_receives_a_goodbye_event_only_if_its_token_expired() -> None:
    assert GATEWAY.goodbye("shutdown", True) is None
    goodbye = GATEWAY.goodbye("token_expired", True)
    assert goodbye is not None
    assert msgspec.to_builtins(goodbye[1]) == {"message": "Token expired"}
