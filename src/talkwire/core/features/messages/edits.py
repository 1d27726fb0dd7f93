"""Changing what was said, and taking it back. Earlier versions are kept until the message is deleted."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.messages import DeleteMessage, EditMessage
from talkwire.core.domain.access import acting_as, as_seen, history_of, may_act, may_post, must_see, require, runs
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.events import MessageDeleted, MessageEdited
from talkwire.core.domain.model import LARGE_CONVERSATION, WHOLE, Actor, HistoryStart, Message
from talkwire.core.domain.texts import check_content, check_id
from talkwire.core.features.messages.messages import (
    existing_message,
    must_stand,
    needs_of_change,
    taking_part,
    visible_message,
)
from talkwire.core.features.messages.sending import mentioned
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction


def check_edit(command: EditMessage) -> None:
    """Whether a text is needed depends on the message: it may have attachments."""
    check_content("content", command.content, may_be_empty=True)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def edit_message(tx: Transaction, actor: Actor, command: EditMessage) -> Message:
    """Authors change what they said where they may still write; the application's back end does it in their name,
    whatever keeps them from writing."""
    message, history = _of_back_end(tx, command) if actor.is_service else _of_author(tx, actor, command)
    if message.forwarded_from is not None:
        raise invalid("messageId", "a forwarded message stays as it was said")
    if not command.content.strip() and not message.attachments:
        raise invalid("content", "must not be empty")
    if command.content == message.content:
        return must_see(message, history)
    mentions = mentioned(tx, message.conversation_id, command.content)
    edited = replace(
        message,
        content=command.content,
        mentions=mentions.user_ids,
        mentions_all=mentions.everyone,
        edited_ms=tx.now_ms,
    )
    conversation = tx.conversation(message.conversation_id)
    # To look through a large conversation's members would hold up everybody.
    large = conversation is not None and conversation.member_count > LARGE_CONVERSATION
    tx.record(MessageEdited(tx.next_pos(), tx.now_ms, edited, None if large else tx.has_been_read(message)))
    return must_see(edited, history)


def _of_author(tx: Transaction, actor: Actor, command: EditMessage) -> tuple[Message, HistoryStart]:
    """Returns the actor's own message as it is stored, and what the actor may see. Raises unless they may write in its
    conversation now."""
    message, part = visible_message(tx, acting_as(actor, command.sender_id), command.message_id)
    if message.sender_id != part.user.id:
        raise forbidden()
    must_stand(message)
    # Slow mode keeps new messages apart; to correct the last one is none.
    require(may_post(replace(part.conversation, slow_mode_s=0), part.member, tx.now_ms))
    return message, history_of(actor, part.member)


def _of_back_end(tx: Transaction, command: EditMessage) -> tuple[Message, HistoryStart]:
    """Returns any message. Its author need not be a member, and may be banned or muted: what was imported is of users
    who left long ago."""
    message = existing_message(tx, command.message_id)
    if command.sender_id not in {None, message.sender_id}:
        raise forbidden()
    must_stand(message)
    return message, WHOLE


def delete_message(tx: Transaction, actor: Actor, command: DeleteMessage) -> None:
    """Leaves a tombstone. Deleting it again changes nothing."""
    message = existing_message(tx, command.message_id)
    deleted_by = _deleter_id(tx, actor, message)
    if message.deleted_ms is None:
        tx.record(MessageDeleted(tx.next_pos(), tx.now_ms, tombstone(message, tx.now_ms, deleted_by)))


def _deleter_id(tx: Transaction, actor: Actor, message: Message) -> str:
    """In whose name it is deleted: its author's, that of who runs the conversation, or an operator's. The application's
    backend deletes in the author's name. Raises for anyone else."""
    if actor.is_service:
        return message.sender_id
    if actor.role == "admin":
        refusal = may_act(tx.user(actor.user_id))
        if refusal is not None:
            raise refusal
        return actor.user_id
    part = taking_part(tx, actor.user_id, message.conversation_id)
    rules = part.conversation.kind != "direct" and runs(part.member)
    if as_seen(message, part.member.history) is None or not (rules or message.sender_id == actor.user_id):
        raise forbidden()
    return actor.user_id


def tombstone(message: Message, now_ms: int, deleted_by: str) -> Message:
    """What stays of a deleted message: where it stood, whose it was, and under which name it was sent."""
    return Message(
        id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        sender_id=message.sender_id,
        sender_name=message.sender_name,
        sender_avatar=message.sender_avatar,
        content="",
        created_ms=message.created_ms,
        client_message_id=message.client_message_id,
        command_hash=message.command_hash,
        thread_id=message.thread_id,
        reply_count=message.reply_count,
        deleted_ms=now_ms,
        deleted_by=deleted_by,
    )


CHANGES: Changes = MappingProxyType(
    {
        EditMessage: ChangeHandler(edit_message, check_edit, needs_of_change),
        DeleteMessage: ChangeHandler(delete_message, None, needs_of_change),
    }
)
