"""The commands that concern one socket only and change nothing in the chat, such as to join a room."""

from __future__ import annotations

import msgspec


class JoinRoom(msgspec.Struct, frozen=True):
    """A socket's command to receive the events of a conversation. Its result is the conversation's id."""

    conversation_id: str


class LeaveRoom(msgspec.Struct, frozen=True):
    """A socket's command to stop receiving the events of a conversation. Its result is the conversation's id."""

    conversation_id: str


class GetServerTime(msgspec.Struct, frozen=True):
    """A socket's command that asks for the server's time. Its result is in milliseconds since 1970 UTC."""


class RenewSignIn(msgspec.Struct, frozen=True):
    """A socket's command that replaces its token with a newer token of the same user. Its result is when the new token
    expires, in seconds since 1970 UTC; None if it does not expire."""

    token: str


class SubscribePresence(msgspec.Struct, frozen=True):
    """A socket's command to receive presence changes (online, away, offline) of these users. Its result is their
    current presence."""

    user_ids: tuple[str, ...]


class UnsubscribePresence(msgspec.Struct, frozen=True):
    """A socket's command to stop receiving presence changes (online, away, offline) of these users."""

    user_ids: tuple[str, ...]


class GetIdentity(msgspec.Struct, frozen=True):
    """A socket's command that asks for the user and the id of the socket. Its result is a `SocketIdentity`."""


class SocketIdentity(msgspec.Struct, frozen=True):
    """The result of `GetIdentity`: the user that the socket's token belongs to, and the socket's id."""

    user_id: str
    socket_id: str


SocketCommand = (
    JoinRoom | LeaveRoom | GetServerTime | RenewSignIn | SubscribePresence | UnsubscribePresence | GetIdentity
)
"""Commands that concern only one socket and change nothing in the chat."""
