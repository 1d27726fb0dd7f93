"""Events of the messenger dialect that concern one socket: the first and last event that it receives, the conversations
that it joins and leaves, and the server's time."""

from __future__ import annotations

from talkwire.core.domain.model import User
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations import sockets
from talkwire.operations.socket_commands import GetServerTime
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply


class ConversationIdPayload(Payload, frozen=True):
    conversation_id: str


class SignalPayload(ConversationIdPayload, frozen=True, forbid_unknown_fields=False):
    """The conversation that a client joins or leaves, or in which the user types. Other members are ignored, since
    existing clients also send `userId` and `isTyping`: the token and the event's name say the same."""


class RoomReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversation_id: str


class PongReply(Reply, frozen=True, kw_only=True, rename="camel"):
    pong: int


class ConnectedPayload(Payload, frozen=True):
    message: str
    user_id: str
    socket_id: str
    cursor: str


class EndingPayload(Payload, frozen=True):
    reason: str
    reconnect: bool


def welcome(user: User, socket_id: str, cursor: str) -> Outbound:
    payload = ConnectedPayload(f"Connected as {user.name}", user.id, socket_id, cursor)
    return Outbound("connected", lambda _: payload)


def goodbye(reason: str, reconnect: bool) -> tuple[str, EndingPayload]:  # noqa: FBT001
    return "session:ending", EndingPayload(reason, reconnect)


def _room_reply(conversation_id: str) -> RoomReply:
    return RoomReply(conversation_id=conversation_id)


def _pong_reply(ms: int) -> PongReply:
    return PongReply(pong=ms)


INBOUND = events_of(
    (sockets.JOIN_CONVERSATION, sockets.LEAVE_CONVERSATION, sockets.PING),
    payloads={"conversation:join": SignalPayload, "conversation:leave": SignalPayload},
    replies={"conversation:join": _room_reply, "conversation:leave": _room_reply},
    entries={"ping": Inbound(None, lambda _: GetServerTime(), _pong_reply)},
)
