"""Changing what was said, and taking it back. Earlier versions are kept until the message is deleted."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.access import acting_as, as_seen, history_of, may_act, may_post, must_see, runs
from talkwire.core.commands.messages import DeleteMessage, EditMessage
from talkwire.core.errors import forbidden, invalid
from talkwire.core.events import MessageDeleted, MessageEdited
from talkwire.core.handler import ChangeHandler, Changes
from talkwire.core.messages import existing_message, must_stand, needs_of_change, taking_part, visible_message
from talkwire.core.model import LARGE_CONVERSATION, Actor, Message
from talkwire.core.sending import mentioned
from talkwire.core.texts import check_content, check_id
from talkwire.core.transaction import Transaction


def check_edit(command: EditMessage) -> None:
    """Whether a text is needed depends on the message: it may have attachments."""
    check_content("content", command.content, may_be_empty=True)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def edit_message(tx: Transaction, actor: Actor, command: EditMessage) -> Message:
    """Authors change what they said where they may still write; the application's backend does it in their name."""
    message, part = visible_message(tx, _author_id(tx, actor, command), command.message_id)
    if message.sender_id != part.user.id:
        raise forbidden()
    must_stand(message)
    # Slow mode keeps new messages apart; to correct the last one is none.
    refusal = may_post(replace(part.conversation, slow_mode_s=0), part.member, tx.now_ms)
    if refusal is not None:
        raise refusal
    if message.forwarded_from is not None:
        raise invalid("messageId", "a forwarded message stays as it was said")
    if not command.content.strip() and not message.attachments:
        raise invalid("content", "must not be empty")
    history = history_of(actor, part.member)
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
    # To look through a large conversation's members would hold up everybody.
    large = part.conversation.member_count > LARGE_CONVERSATION
    tx.record(MessageEdited(tx.next_pos(), tx.now_ms, edited, None if large else tx.has_been_read(message)))
    return must_see(edited, history)


def _author_id(tx: Transaction, actor: Actor, command: EditMessage) -> str:
    if actor.is_service and command.sender_id is None:
        return existing_message(tx, command.message_id).sender_id
    return acting_as(actor, command.sender_id)


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
