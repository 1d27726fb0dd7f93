"""Forwards messages: copies a message into other conversations, with a reference to the original.

Text, parts that are texts or sources, and attachments are copied, and which agent generated the text. Metadata,
mentions, replies and reactions are not, because they belong to the conversation of the original.
"""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.messages import ForwardMessage
from talkwire.core.domain.access import acting_as, may_post, require
from talkwire.core.domain.errors import invalid, refusals_about
from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import Actor, Message, Origin
from talkwire.core.domain.parts.message_parts import content_of, forwarded, simplified
from talkwire.core.domain.texts import check_id
from talkwire.core.features.agents.loops import cause_of, used_until_ms
from talkwire.core.features.agents.work import add_work
from talkwire.core.features.handling.handling import message_sent
from talkwire.core.features.messages.messages import (
    Participation,
    must_not_be_deleted,
    need_message,
    participation_of,
    visible_message,
)
from talkwire.core.features.notifying.listing import list_writers
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Prefetch, Transaction

TARGETS_MAX = 20
"""Most conversations to which one command forwards a message."""


def check_forward(command: ForwardMessage) -> None:
    if not 1 <= len(command.conversation_ids) <= TARGETS_MAX:
        raise invalid("conversationIds", f"must name 1 to {TARGETS_MAX} conversations")
    for index, conversation_id in enumerate(command.conversation_ids):
        check_id(f"conversationIds[{index}]", conversation_id)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def needs_of_forward(actor: Actor, command: ForwardMessage, needs: Prefetch) -> None:
    sender_id = command.sender_id or actor.user_id
    need_message(needs, command.message_id)
    needs.members.update((conversation_id, sender_id) for conversation_id in command.conversation_ids)


def forward_message(tx: Transaction, actor: Actor, command: ForwardMessage) -> tuple[Message, ...]:
    """Copies a message into conversations, to all or to none, and returns the copies. Raises `forbidden` if the sender
    may not see the message or is not a member of one of the conversations, and the refusals of `may_post` (such as
    `muted`) if the sender may not write there now."""
    sender_id = acting_as(actor, command.sender_id)
    source, _ = visible_message(tx, sender_id, command.message_id)
    must_not_be_deleted(source)
    if source.parts and not content_of(forwarded(source.parts)).strip() and not source.attachments:
        raise invalid("messageId", "this message has no text, source or file to forward")
    targets = [_target(tx, sender_id, conversation_id) for conversation_id in dict.fromkeys(command.conversation_ids)]
    return tuple(_forward(tx, source, target) for target in targets)


def _target(tx: Transaction, sender_id: str, conversation_id: str) -> Participation:
    with refusals_about(conversation_id):
        part = participation_of(tx, sender_id, conversation_id)
        require(may_post(part.conversation, part.member, tx.now_ms))
        if part.user.kind == "agent":  # refused before anything is stored
            cause_of(tx, conversation_id, sender_id, None, None)
            used_until_ms(tx, conversation_id, sender_id)
    return part


def _forward(tx: Transaction, source: Message, target: Participation) -> Message:
    parts = forwarded(source.parts)
    pos = tx.next_pos()
    message = Message(
        id=id_at(pos),
        conversation_id=target.conversation.id,
        seq=target.conversation.last_seq + 1,
        sender_id=target.user.id,
        sender_name=target.user.name,
        sender_avatar=target.user.avatar,
        content=content_of(parts) if source.parts else source.content,
        parts=simplified(parts),
        created_ms=tx.now_ms,
        attachments=source.attachments,
        forwarded_from=source.forwarded_from or Origin(source.id, source.sender_id),
        generated=source.generated,
        notes_of=target.conversation.notes_of,
    )
    if target.user.kind == "agent":
        place = message.conversation_id, message.sender_id
        message = replace(message, cause=cause_of(tx, *place, None, None))
        tx.turns.put_sent_until_ms(*place, used_until_ms(tx, *place))
    tx.record(MessageSent(pos, tx.now_ms, message))
    if target.conversation.team_ids:
        list_writers(tx, target.conversation, target.user.id)
        message_sent(tx, target.conversation, target.user, message)
    if target.conversation.has_agents:
        add_work(tx, target.conversation, message)
    return message


CHANGES: Changes = MappingProxyType({ForwardMessage: ChangeHandler(forward_message, check_forward, needs_of_forward)})
