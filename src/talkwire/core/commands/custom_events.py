"""Commands with which the application sends its own events to sockets and asks who is connected."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Signal


class SendReport(msgspec.Struct, frozen=True):
    """The result of sending an event to users.

    `reached` are the users with connected sockets, `sockets` the number of these sockets on all nodes that responded.
    `stored` are the other users, if the event was stored for them. Ids are in the order of the command.
    """

    reached: tuple[str, ...]
    sockets: int
    stored: tuple[str, ...] = ()


class SendToUsers(Signal[SendReport], frozen=True, tag="SendToUsers"):
    """Sends an event of the application to all sockets of these users. Only for the application's backend and
    operators.

    The event can have any name that Socket.IO does not reserve and any JSON payload. With `store`, users without a
    socket receive it at their next connect in the `gateway` dialect.

    A node that does not respond in time is not counted, and nothing is stored for users connected to it.
    """

    user_ids: tuple[str, ...]
    event: str
    payload: object
    store: bool = False


class KeepReport(Change[SendReport], frozen=True, tag="KeepReport"):
    """Internal: returns `report`.

    It is executed with the idempotency key of a `SendToUsers` to store that command's result for retries. Only for the
    application's backend and operators.
    """

    report: SendReport


class SendToConversation(Signal[None], frozen=True, tag="SendToConversation"):
    """Sends an event of the application to the sockets that follow a conversation. As `SendToUsers`, but it is never
    stored."""

    conversation_id: str
    event: str
    payload: object


class ListConnected(Signal[tuple[str, ...]], frozen=True, tag="ListConnected"):
    """Lists the ids of all users with a socket on any node, sorted. Only for the application's backend and
    operators."""


class IsConnected(Signal[bool], frozen=True, tag="IsConnected"):
    """Returns whether a user has a socket on any node. Only for the application's backend and operators."""

    user_id: str
