"""Edits and deletes messages. The earlier texts of an edited message are kept until the message is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from talkwire.core.commands.messages import AttachmentRef, DeleteMessage, EditMessage
from talkwire.core.domain.access import (
    acting_as,
    history_of,
    is_owner_or_admin,
    may_act,
    may_post,
    must_be_visible,
    must_not_be_held,
    require,
)
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import MessageDeleted, MessageEdited, MessageMetadataChanged, ThreadUpdated
from talkwire.core.domain.model import LARGE_CONVERSATION, WHOLE, Actor, Attachment, HistoryStart, Message
from talkwire.core.domain.parts.checks import check_parts
from talkwire.core.domain.parts.message_parts import MessagePart, content_of, file_ids_of, simplified, with_text
from talkwire.core.domain.texts import check_content, check_id, check_metadata
from talkwire.core.features.agents import turns
from talkwire.core.features.handling.handling import message_deleted
from talkwire.core.features.messages.link_previews import kept_previews
from talkwire.core.features.messages.messages import (
    existing_message,
    must_not_be_deleted,
    needs_of_change,
    participation_of,
    visible_message,
)
from talkwire.core.features.messages.sending import (
    attachments_of,
    check_attachment_count,
    mentioned,
    must_write_parts,
)
from talkwire.core.features.notifying.listing import list_members
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

_encoder = msgspec.json.Encoder(order="deterministic")


def check_edit(command: EditMessage) -> None:
    """Raises `invalid_request` for an edit without text, parts and metadata, or with an invalid text, part, metadata or
    sender id, and `payload_too_large` for a text or part that is too long. Accepts an empty text, because a message
    with attachments may have one; `edit_message` checks whether it has attachments."""
    if not command.changes_text and command.metadata is UNSET:
        raise invalid("content", "is missing: set content or parts, metadata or both")
    if command.parts is not UNSET:
        if command.content is not UNSET:
            raise invalid("parts", "cannot be set together with content, which follows from them")
        check_parts(command.parts, may_be_empty=True)
    if command.content is not UNSET:
        check_content("content", command.content, may_be_empty=True)
    if command.metadata is not UNSET and command.metadata is not None:
        check_metadata("metadata", command.metadata)
    if command.sender_id is not None:
        check_id("senderId", command.sender_id)


def edit_message(tx: Transaction, actor: Actor, command: EditMessage) -> Message:
    """Edits a message's text or parts, its metadata or both, and returns the message. The application's backend edits
    the messages of all authors, regardless of bans and mutes.

    Raises `forbidden` for another actor who is not the author, the refusals of `may_post` (such as `muted`) for an
    author who may not write now, and `invalid_request` for a deleted message and for the text of a forwarded one.
    """
    message, history = _of_back_end(tx, command) if actor.is_service else _of_author(tx, actor, command)
    rewritten = _rewritten(tx, actor, message, command) if command.changes_text else message
    metadata = message.metadata if command.metadata is UNSET else command.metadata
    if _text_of(rewritten) != _text_of(message):
        message = _record_text(tx, message, replace(rewritten, metadata=metadata))
    elif _encoder.encode(metadata) != _encoder.encode(message.metadata):  # for Python, 1 and True are equal
        message = replace(message, metadata=metadata)
        tx.record(MessageMetadataChanged(tx.next_pos(), tx.now_ms, message))
    return must_be_visible(message, history)


def _rewritten(tx: Transaction, actor: Actor, message: Message, command: EditMessage) -> Message:
    """Returns the message with the new text, parts and attachments that an edit gives it. An edit with a text alone
    keeps the parts that are no texts. An attachment stays although no source names its file any more, because earlier
    versions may.

    Raises `conflict` for a card, and `invalid_request` for a forwarded message and for one that would have neither text
    nor attachments.
    """
    if message.card is not None:
        text = "A card cannot be edited. Send another one that supersedes it."
        raise ChatError("conflict", text, cause="state_changed")
    if message.forwarded_from is not None:
        raise invalid("messageId", "the text of a forwarded message cannot be edited")
    if command.parts is UNSET:
        assert command.content is not UNSET, "the command changes the text"
        parts, path, attachments = with_text(message.parts, command.content), "content", message.attachments
        is_blank = not command.content.strip()
        if command.content == message.content:
            parts = message.parts
    else:
        parts, path, attachments = command.parts, "parts", _with_sources(tx, actor, message, command.parts)
        is_blank = not content_of(parts).strip()
    if is_blank and not attachments:
        raise invalid(path, "must not be empty")
    content = command.content if not parts and command.content is not UNSET else content_of(parts)
    return replace(message, content=content, parts=simplified(parts), attachments=attachments)


def _with_sources(
    tx: Transaction, actor: Actor, message: Message, parts: Sequence[MessagePart]
) -> tuple[Attachment, ...]:
    """Returns the attachments of a message that gets these parts: those that it has, and the files that are sources.
    Raises ChatError if its author may not write the parts."""
    author = tx.user(message.sender_id)
    assert author is not None, "users are never removed"
    must_write_parts(tx, actor, author, parts)
    refs = [AttachmentRef(id_) for id_ in file_ids_of(parts, [each.id for each in message.attachments])]
    check_attachment_count(len(message.attachments) + len(refs))
    return (*message.attachments, *attachments_of(tx, {author.id, actor.user_id}, refs))


def _text_of(message: Message) -> tuple[str, bytes]:
    return message.content, _encoder.encode(message.parts)  # for Python, 1 and True are equal


def _record_text(tx: Transaction, message: Message, rewritten: Message) -> Message:
    """Records the new text of a message, and returns the edited message."""
    mentions = mentioned(tx, message.conversation_id, rewritten.content)
    edited = replace(
        rewritten,
        mentions=mentions.user_ids,
        mentions_all=mentions.everyone,
        edited_ms=tx.now_ms,
        previews=kept_previews(message, rewritten.content),
    )
    conversation = tx.conversation(message.conversation_id)
    # Checking all members of a large conversation in the transaction would delay every other writer.
    large = conversation is not None and conversation.member_count > LARGE_CONVERSATION
    read = None if large else tx.has_been_read(message)
    changed = (edited.mentions, edited.mentions_all) != (message.mentions, message.mentions_all)
    tx.record(MessageEdited(tx.next_pos(), tx.now_ms, edited, read, changed))
    if changed and conversation is not None and conversation.team_ids:
        list_members(tx, conversation.notes_of or conversation.id, edited.mentions)
    return edited


def _of_author(tx: Transaction, actor: Actor, command: EditMessage) -> tuple[Message, HistoryStart]:
    """Returns the actor's own message, complete as stored, and where the part of the conversation that the actor may
    see begins.

    Raises ChatError unless the actor may write in the conversation now.
    """
    message, part = visible_message(tx, acting_as(actor, command.sender_id), command.message_id)
    if message.sender_id != part.user.id:
        raise forbidden("not_author")
    must_not_be_deleted(message)
    # Slow mode limits new messages, not edits.
    require(may_post(replace(part.conversation, slow_mode_s=0), part.member, tx.now_ms))
    return message, history_of(actor, part.member)


def _of_back_end(tx: Transaction, command: EditMessage) -> tuple[Message, HistoryStart]:
    """Returns the message that the backend edits, by any author, and `WHOLE`, because the backend sees the whole
    conversation. The author need not be a member: imported messages may be from users who left."""
    message = existing_message(tx, command.message_id)
    if command.sender_id not in {None, message.sender_id}:
        raise forbidden("not_author")
    must_not_be_deleted(message)
    return message, WHOLE


def delete_message(tx: Transaction, actor: Actor, command: DeleteMessage) -> None:
    """Replaces a message by a tombstone, which keeps only its number and sender. Deleting it again changes nothing.
    Raises `forbidden` for an actor who may not delete it, and `conflict` if its conversation or sender is on hold."""
    message = existing_message(tx, command.message_id)
    deleted_by = _deleter_id(tx, actor, message)
    if message.deleted_ms is None:
        must_not_be_held(tx.conversation(message.conversation_id), tx.user(message.sender_id))
        record_deletion(tx, tombstone(message, tx.now_ms, deleted_by))


def record_deletion(tx: Transaction, left: Message) -> None:
    """Records that the tombstone `left` has replaced a message; for a reply in a thread, also records the thread's
    changed number of replies."""
    tx.record(MessageDeleted(tx.next_pos(), tx.now_ms, left))
    message_deleted(tx, left)
    conversation = tx.conversation(left.conversation_id)
    if conversation is not None and conversation.has_agents:
        turns.message_deleted(tx, left)
    root = None if left.thread_id is None else tx.message(left.thread_id)
    if root is not None:
        tx.record(ThreadUpdated(tx.next_pos(), tx.now_ms, root))


def _deleter_id(tx: Transaction, actor: Actor, message: Message) -> str:
    """Returns the id of the user in whose name a message is deleted: the actor's, or the author's for the application's
    backend. Raises `forbidden` for an actor who may not delete the message.

    Authors, operators, and the owner and admins of the message's group or channel may delete it.
    """
    if actor.is_service:
        return message.sender_id
    if actor.role == "admin":
        require(may_act(tx.user(actor.user_id)))
        return actor.user_id
    part = participation_of(tx, actor.user_id, message.conversation_id)
    rules = part.conversation.kind != "direct" and is_owner_or_admin(part.member)
    must_be_visible(message, part.member.history)
    if not (rules or message.sender_id == actor.user_id):
        raise forbidden("not_author")
    return actor.user_id


def tombstone(message: Message, now_ms: int, deleted_by: str) -> Message:
    """Returns the tombstone that replaces a deleted message: the same id, number and sender, without content.
    `deleted_by` is the id of the user who deleted it."""
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
        thread=message.thread,
        first_end_pos=message.first_end_pos,
    )


CHANGES: Changes = MappingProxyType(
    {
        EditMessage: ChangeHandler(edit_message, check_edit, needs_of_change),
        DeleteMessage: ChangeHandler(delete_message, None, needs_of_change),
    }
)
