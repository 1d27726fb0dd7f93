"""The operations that concern one socket only, such as to join a room."""

from __future__ import annotations

from talkwire.operations.operation import Operation
from talkwire.operations.shapes import Shape
from talkwire.operations.socket_commands import GetIdentity, GetServerTime, JoinRoom, LeaveRoom, RenewSignIn

_ROOM = "A room is a set of sockets. Membership has routes: `conversations/{id}/members`."

RENEW_SIGN_IN = Operation(
    RenewSignIn,
    event="auth:refresh",
    summary="Renew the socket's sign-in with a newer token of the same user",
    payload=Shape("RenewSignInPayload"),
    socket_only="It extends this socket's sign-in. Each REST request carries its own token.",
)

JOIN_CONVERSATION = Operation(
    JoinRoom,
    event="conversation:join",
    summary="Start receiving a conversation's events on this socket again",
    event_summary="Start receiving a conversation's events on this socket again. The user must be a member.",
    socket_only=_ROOM,
)

LEAVE_CONVERSATION = Operation(
    LeaveRoom,
    event="conversation:leave",
    summary="Stop receiving a conversation's events on this socket",
    event_summary="Stop receiving a conversation's events on this socket. The user remains a member.",
    socket_only=_ROOM,
)

PING = Operation(
    GetServerTime,
    event="ping",
    summary="Get the server's time, in milliseconds since 1970",
    socket_only="It measures this connection's delay. `GET /healthz` says whether the server is up.",
)

IDENTITY = Operation(
    GetIdentity,
    name="identity",
    summary="Get the user and the socket id of this connection",
    socket_only="It returns this socket's id. `GET /api/v1/users/me` returns the token's user.",
)

OPERATIONS = (RENEW_SIGN_IN, JOIN_CONVERSATION, LEAVE_CONVERSATION, PING, IDENTITY)
