"""Pins and unpins messages. A conversation's pinned messages are listed for all its members."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.messages import PinMessage, UnpinMessage
from talkwire.core.domain.access import (
    blocked,
    history_for,
    is_owner_or_admin,
    may_act,
    must_be_visible,
    require,
)
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.events import MessagePinned, MessageUnpinned
from talkwire.core.domain.model import Actor, Message
from talkwire.core.features.messages.messages import (
    existing_message,
    must_not_be_deleted,
    needs_of_change,
    participation_of,
)
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

PINS_MAX = 100
"""Most pinned messages of a conversation."""


def pin_message(tx: Transaction, actor: Actor, command: PinMessage) -> Message:
    """Pins a message in its conversation and returns it. Pinning it again changes nothing. Raises `forbidden` or
    `blocked` if the actor may not pin it, and `invalid_request` if it was deleted or the conversation has `PINS_MAX`
    pins."""
    message = _pinnable(tx, actor, command)
    history = history_for(tx, actor, message.conversation_id)
    if message.pinned_ms is not None:
        return must_be_visible(message, history)
    if tx.parts.count_pinned(message.conversation_id) >= PINS_MAX:
        raise invalid("messageId", f"a conversation has at most {PINS_MAX} pinned messages")
    pinned = replace(message, pinned_ms=tx.now_ms)
    tx.record(MessagePinned(tx.next_pos(), tx.now_ms, pinned, actor.user_id))
    return must_be_visible(pinned, history)


def unpin_message(tx: Transaction, actor: Actor, command: UnpinMessage) -> Message:
    message = _pinnable(tx, actor, command)
    history = history_for(tx, actor, message.conversation_id)
    if message.pinned_ms is None:
        return must_be_visible(message, history)
    unpinned = replace(message, pinned_ms=None)
    tx.record(MessageUnpinned(tx.next_pos(), tx.now_ms, unpinned, actor.user_id))
    return must_be_visible(unpinned, history)


def _pinnable(tx: Transaction, actor: Actor, command: PinMessage | UnpinMessage) -> Message:
    """Returns the message if the actor may pin or unpin it, else raises `forbidden` or `blocked`.

    Allowed are the owner and admins of a group or channel, both members of a direct conversation, the application's
    backend and operators.
    """
    message = existing_message(tx, command.message_id)
    if actor.role == "user":
        part = participation_of(tx, actor.user_id, message.conversation_id)
        may_pin = part.conversation.kind == "direct" or is_owner_or_admin(part.member)
        must_be_visible(message, part.member.history)
        if not may_pin:
            raise forbidden("not_manager")
        if part.conversation.blocked:
            raise blocked()
    else:
        require(may_act(tx.user(actor.user_id)))
    must_not_be_deleted(message)
    return message


CHANGES: Changes = MappingProxyType(
    {
        PinMessage: ChangeHandler(pin_message, None, needs_of_change),
        UnpinMessage: ChangeHandler(unpin_message, None, needs_of_change),
    }
)
