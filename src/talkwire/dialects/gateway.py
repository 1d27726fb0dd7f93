"""The `gateway` dialect, on `/gateway`: the vocabulary of an application that reaches its users one by one.

The fifth seed (contract, section 6). A socket opens no conversations: it is notified of every message in those of its
user, and is sent whatever events the application makes up.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from talkwire.core.commands.messages import SendMessage
from talkwire.core.errors import ChatError
from talkwire.core.events import Event, MessageSent
from talkwire.core.model import Message, User
from talkwire.core.texts import check_json, json_size
from talkwire.dialects.dialect import AnyJson, Dialect, Echo, Inbound, Outbound, TellTime, To
from talkwire.dialects.payloads.payload import Payload, invalid_payload, iso
from talkwire.dialects.payloads.sign_in import RENEW_SIGN_IN
from talkwire.dialects.replies import Reply, refusal_with_message

PAYLOAD_MAX_BYTES = 256 * 1024
"""As much as the body of a request."""

# --- what clients send ----------------------------------------------------------------------------------------------


class SendPayload(Payload, frozen=True):
    """What is for a conversation; everything else that is in it is for nobody. `senderId` is for the role `service`."""

    conversation_id: str
    message: str
    client_message_id: str | None = None
    sender_id: str | None = None


class ReceivedReply(Reply, frozen=True, kw_only=True):
    message: str = "Message received by server"


class ReceivedData(Payload, frozen=True, omit_defaults=False):
    """`receivedMessage` is the payload's `message`, or the whole payload."""

    received_message: object
    timestamp: str


class ReceivedPayload(ReceivedReply, frozen=True, kw_only=True):
    data: ReceivedData


def _to_command(payload: AnyJson) -> SendMessage | TellTime:
    """Of what is for nobody else the client only learns when it came."""
    said = payload.value
    if json_size("message", said) > PAYLOAD_MAX_BYTES:
        raise ChatError("payload_too_large", f"message: at most {PAYLOAD_MAX_BYTES} bytes of JSON")
    check_json("message", said)
    if not isinstance(said, dict) or said.get("conversationId") is None:
        return TellTime()
    try:
        text = msgspec.convert(said, SendPayload)
    except msgspec.ValidationError as error:
        raise invalid_payload(error, SendPayload) from None
    return SendMessage(
        text.conversation_id,
        text.message,
        client_message_id=text.client_message_id,
        sender_id=text.sender_id,
    )


def _received(payload: AnyJson, result: Message | int) -> ReceivedPayload:
    said = payload.value
    received = said["message"] if isinstance(said, dict) and "message" in said else said
    at_ms = result.created_ms if isinstance(result, Message) else result
    return ReceivedPayload(data=ReceivedData(received, iso(at_ms)))


def _reply(_: object) -> ReceivedReply:
    return ReceivedReply()


# --- what clients are sent ------------------------------------------------------------------------------------------


class ConnectedPayload(Payload, frozen=True):
    message: str
    user_id: str
    socket_id: str


class NotificationPayload(Payload, frozen=True):
    """A message as a notification. `title` is the sender's name, `body` the whole text, or the names of the
    attachments."""

    type: str
    title: str
    body: str
    conversation_id: str
    message_id: str


class ErrorPayload(msgspec.Struct, frozen=True):
    message: str


def _welcome(user: User, socket_id: str, _cursor: str) -> Outbound:
    payload = ConnectedPayload("Successfully connected to WebSocket", user.id, socket_id)
    return Outbound("connected", lambda _: payload)


def _notification(event: MessageSent) -> NotificationPayload:
    message = event.message
    body = message.content or ", ".join(attachment.name for attachment in message.attachments)
    return NotificationPayload("message", message.sender_name, body, message.conversation_id, str(message.id))


def _calls(event: MessageSent) -> bool:
    """Nobody is notified of what was imported."""
    return not event.message.imported


def _error(refused: ChatError, _event: str) -> tuple[str, ErrorPayload]:
    return "error", ErrorPayload(refused.message)


def _turned_away(_: ChatError) -> tuple[str, ErrorPayload]:
    return "error", ErrorPayload("Authentication failed")


def _goodbye(reason: str, reconnect: bool) -> tuple[str, ErrorPayload] | None:  # noqa: FBT001
    """Clients that shall come back learn of it by the disconnect."""
    return None if reconnect else ("error", ErrorPayload(_ENDINGS.get(reason, "Disconnected")))


_ENDINGS = {
    "token_expired": "Token expired",
    "banned": "This user is banned",
    "logout": "Signed out",
}

GATEWAY = Dialect(
    name="gateway",
    namespace="/gateway",
    inbound={
        "message": Inbound(
            AnyJson,
            _to_command,
            _reply,
            summary="Send any JSON. When it names a `conversationId`, its `message` is sent there.",
            echo=Echo("messageReceived", _received, summary="The server received what the client sent."),
        ),
        "auth:refresh": RENEW_SIGN_IN,
    },
    outbound={
        MessageSent: (
            Outbound(
                "notification",
                _notification,
                summary="A message in a conversation of the user, also one that came while they were offline.",
                to=To.OUTSIDE,
                when=_calls,
            ),
        ),
    },
    # Whatever else happens in the chat, also what is yet to be thought of, these clients have no word for.
    silent=frozenset(get_args(Event)) - {MessageSent},
    welcome=_welcome,
    refusal=refusal_with_message,
    error=_error,
    goodbye=_goodbye,
    notifies=True,
    turned_away=_turned_away,
)
