"""Events of the messenger dialect that concern one socket: the first and last event that it receives, the conversations
that it joins and leaves, and the server's time."""

from __future__ import annotations

from talkwire.core.domain.model import User
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.operations.socket_commands import GetServerTime, JoinRoom, LeaveRoom
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


INBOUND = {
    "conversation:join": Inbound(
        SignalPayload,
        lambda p: JoinRoom(p.conversation_id),
        _room_reply,
        summary="Start receiving a conversation's events on this socket again. The user must be a member.",
    ),
    "conversation:leave": Inbound(
        SignalPayload,
        lambda p: LeaveRoom(p.conversation_id),
        _room_reply,
        summary="Stop receiving a conversation's events on this socket. The user remains a member.",
    ),
    "ping": Inbound(
        None,
        lambda _: GetServerTime(),
        _pong_reply,
        summary="Get the server's time, in milliseconds since 1970.",
    ),
}
