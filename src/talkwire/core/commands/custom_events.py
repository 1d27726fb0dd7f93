"""What the application asks of sockets beside the chat: events of its own, and who is connected."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Signal


class SendReport(msgspec.Struct, frozen=True):
    """`reached` are those of the users who have sockets, `sockets` how many these are on all nodes that have answered;
    `stored` are those of the others for whom it was stored. In the order in which they were named."""

    reached: tuple[str, ...]
    sockets: int
    stored: tuple[str, ...] = ()


class SendToUsers(Signal[SendReport], frozen=True, tag="SendToUsers"):
    """An event of the application's own, to all sockets of these users: any name but Socket.IO's own, any JSON. With
    `store`, who has none gets it at the next connect in the `gateway` dialect. For the application's backend and
    operators.

    A node that cannot be asked in time is not counted. Nothing is stored for who is connected there."""

    user_ids: tuple[str, ...]
    event: str
    payload: object
    store: bool = False


class KeepReport(Change[SendReport], frozen=True, tag="KeepReport"):
    """Internal: answers with `report`. Carried out under the key of a `SendToUsers`, it keeps what that was answered
    with for retries. For the application's backend and operators."""

    report: SendReport


class SendToConversation(Signal[None], frozen=True, tag="SendToConversation"):
    """As `SendToUsers`, to the sockets that follow a conversation."""

    conversation_id: str
    event: str
    payload: object


class ListConnected(Signal[tuple[str, ...]], frozen=True, tag="ListConnected"):
    """The ids of everybody who has a socket, on any node, in their order. For the application's backend and
    operators."""


class IsConnected(Signal[bool], frozen=True, tag="IsConnected"):
    """Whether a user has a socket, on any node. For the application's backend and operators."""

    user_id: str
