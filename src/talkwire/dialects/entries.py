"""Entries for the tables of dialects (client applications' vocabularies) that several dialects have: each dialect gives
its own names and payloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from talkwire.core.commands.command import Command
from talkwire.core.commands.messages import DeleteMessage, EditMessage, React, Unreact
from talkwire.core.commands.presence import GetPresence
from talkwire.core.commands.receipts import MarkDelivered, MarkRead
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.events import (
    Event,
    MessageDeleted,
    MessageReacted,
    PresenceChanged,
    TypingChanged,
    UploadProgressed,
)
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.streams import whole_messages
from talkwire.operations.socket_commands import JoinRoom, LeaveRoom, SocketCommand
from talkwire.payloads.files import upload_progress_payload
from talkwire.payloads.messages import message_deleted_payload, reaction_changed_payload

ToCommand = Callable[[Any], Command[Any] | SocketCommand]

Named = tuple[str, Callable[[Any], msgspec.Struct]]
"""Name in a dialect of an event that the server sends, and the function that builds its payload."""


@dataclass(frozen=True, slots=True)
class SharedInbound:
    """The part of an entry for an event from clients that does not depend on the dialect. `to_command` is for payloads
    whose members have the names of the command's fields."""

    commands: tuple[type[Command[Any] | SocketCommand], ...]
    summary: str
    to_command: ToCommand

    def __call__(
        self,
        payload: type[msgspec.Struct],
        reply: Callable[[Any], msgspec.Struct],
        to_command: ToCommand | None = None,
        **own: Any,  # noqa: ANN401 (members of any type)
    ) -> Inbound:
        """Returns the entry of a dialect that has its own `payload` and `reply`, as in `Inbound`. `own` are members of
        the entry that the dialect adds or has instead of the shared ones."""
        command_of = to_command or self.to_command
        return replace(Inbound(payload, command_of, reply, summary=self.summary, commands=self.commands), **own)


JOIN = SharedInbound(
    (JoinRoom,),
    "Start receiving a conversation's events on this socket. The user must be a member.",
    lambda p: JoinRoom(p.conversation_id),
)
LEAVE = SharedInbound(
    (LeaveRoom,),
    "Stop receiving a conversation's events on this socket. The user remains a member.",
    lambda p: LeaveRoom(p.conversation_id),
)
EDIT = SharedInbound(
    (EditMessage,), "Edit a message, as its author.", lambda p: EditMessage(p.message_id, p.content, p.sender_id)
)
DELETE = SharedInbound(
    (DeleteMessage,), "Delete a message, as its author or a moderator.", lambda p: DeleteMessage(p.message_id)
)
REACT = SharedInbound(
    (Unreact, React),
    "Add a reaction to a message, or remove one with `remove`.",
    lambda p: (Unreact if p.remove else React)(p.message_id, p.emoji, p.sender_id),
)
TYPING = SharedInbound(
    (SetTyping,),
    "Announce that the user started or stopped typing. Typing ends automatically after 5 s.",
    lambda p: SetTyping(p.conversation_id, is_typing=p.is_typing),
)
START_TYPING = SharedInbound(
    (SetTyping,),
    "Announce that the user started typing. Typing ends automatically after 5 s.",
    lambda p: SetTyping(p.conversation_id, is_typing=True),
)
STOP_TYPING = SharedInbound(
    (SetTyping,),
    "Announce that the user stopped typing.",
    lambda p: SetTyping(p.conversation_id, is_typing=False),
)
READ = SharedInbound(
    (MarkRead,),
    "Mark messages as read: all, or all up to a message.",
    lambda p: MarkRead(p.conversation_id, p.message_id),
)
DELIVERED = SharedInbound(
    (MarkDelivered,),
    "Mark messages as delivered: all, or all up to a message.",
    lambda p: MarkDelivered(p.conversation_id, p.message_id),
)
PRESENCE = SharedInbound(
    (GetPresence,),
    "Get the presence (online, away or offline) of users who share a conversation with the caller.",
    lambda p: GetPresence(p.user_ids),
)


def messages_outbound(
    sent: Named,
    edited: Named,
    deleted: str | Named,
    reacted: str | Named,
    elsewhere: tuple[Outbound, ...] = (),
) -> Mapping[type[Event], tuple[Outbound, ...]]:
    """Returns the rows of a dialect without streams for events about messages. `deleted` and `reacted` are a name alone
    in dialects with the usual payloads. `elsewhere` are more entries for a new message."""
    if isinstance(deleted, str):
        deleted = deleted, message_deleted_payload
    if isinstance(reacted, str):
        reacted = reacted, reaction_changed_payload
    new = Outbound(*sent, summary="A message was sent. The sender's sockets receive this event too.")
    return whole_messages(
        sent=(new, *elsewhere),
        edited=(Outbound(*edited, summary="A message was edited."),),
        others={
            MessageDeleted: (Outbound(*deleted, summary="A message was deleted."),),
            MessageReacted: (Outbound(*reacted, summary="A reaction to a message was added or removed."),),
        },
    )


def typing_outbound(name: str, payload: Callable[[Any], msgspec.Struct]) -> Mapping[type[Event], tuple[Outbound, ...]]:
    """Returns the row of a dialect that has one event for users who start and stop typing."""
    return {TypingChanged: (Outbound(name, payload, summary="Another user started or stopped typing."),)}


def presence_outbound(online: Named, offline: Named) -> Mapping[type[Event], tuple[Outbound, ...]]:
    """Returns the row of a dialect whose users see only who comes online and who goes offline, of others."""
    came = Outbound(*online, summary="A contact came online.", when=lambda event: event.came and not event.own)
    return {PresenceChanged: (came, went_offline(*offline))}


def went_offline(name: str, payload: Callable[[Any], msgspec.Struct]) -> Outbound:
    """Returns the entry for another user who went offline."""
    return Outbound(
        name,
        payload,
        summary="A contact went offline.",
        when=lambda event: not event.own and event.presence.status == "offline",
    )


def uploads_outbound(
    name: str, payload: Callable[[Any], msgspec.Struct] = upload_progress_payload
) -> dict[type[Event], tuple[Outbound, ...]]:
    """Returns the row of a dialect for the progress of uploads."""
    return {
        UploadProgressed: (Outbound(name, payload, summary="More bytes of an upload of this user arrived."),),
    }


def goodbye(
    name: str, payload: Callable[[str, bool], msgspec.Struct]
) -> Callable[[str, bool], tuple[str, msgspec.Struct]]:
    """Returns the `goodbye` of a dialect that has one last event for all sockets. Its payload is made of the reason and
    whether to reconnect."""
    return lambda reason, reconnect: (name, payload(reason, reconnect))
