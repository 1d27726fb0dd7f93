"""Commands with which the application sends its own events to sockets and asks who is connected."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Signal


class SendReport(msgspec.Struct, frozen=True):
    """The result of `SendToUsers`, which sends a custom event to users.

    `reached` are the users with connected sockets, `sockets` the number of these sockets on all nodes that responded.
    `stored` are the users without a socket for whom the event was stored. Ids are in the order of the command.
    """

    reached: tuple[str, ...]
    sockets: int
    stored: tuple[str, ...] = ()


class SendToUsers(Signal[SendReport], frozen=True, tag="SendToUsers"):
    """Sends a custom event of the application to all sockets of the users in `user_ids`. Only for the application's
    backend and operators.

    The event can have any name that Socket.IO does not reserve and any JSON payload. With `store`, users without a
    socket receive it at their next connect in the `gateway` dialect (the one client protocol that supports this).

    A node that does not respond in time is not counted, and nothing is stored for users connected to it.
    """

    user_ids: tuple[str, ...]
    event: str
    payload: object
    store: bool = False


class KeepReport(Change[SendReport], frozen=True, tag="KeepReport"):
    """Internal: returns its own field `report`, which is thereby stored as the result of a request.

    A `SendToUsers` cannot store its result itself. This command is executed for the same actor with the same
    idempotency key, so that a retry of the request finds the result.
    """

    report: SendReport


class SendToConversation(Signal[None], frozen=True, tag="SendToConversation"):
    """Sends a custom event of the application to the sockets that follow a conversation, i.e. receive its events. It is
    never stored. Only for the application's backend and operators."""

    conversation_id: str
    event: str
    payload: object


class ListConnected(Signal[tuple[str, ...]], frozen=True, tag="ListConnected"):
    """Lists the ids of all users with a socket on any node, sorted. Only for the application's backend and
    operators."""


class IsConnected(Signal[bool], frozen=True, tag="IsConnected"):
    """Returns whether a user has a socket on any node. Only for the application's backend and operators."""

    user_id: str
