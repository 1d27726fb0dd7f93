"""Messages. New ones are kept aside (`Workspace.stage_message`); whatever changes one writes those first."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from talkwire.core.domain.events import (
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessageReacted,
    MessageSent,
    MessageUnpinned,
)
from talkwire.core.domain.model import Message
from talkwire.storage.messages.message_rows import Extra, extra_of, named_by, what_is_beside
from talkwire.storage.projections.projection import Projections
from talkwire.storage.schema import file_links, mentions, message_versions, messages, reactions, tombstones
from talkwire.storage.tables.files import make_due
from talkwire.storage.workspace import Workspace


def _sent(workspace: Workspace, event: MessageSent) -> None:
    workspace.stage_message(event)


def _edited(workspace: Workspace, event: MessageEdited) -> None:
    message = event.message
    workspace.write_messages()
    _keep_version(workspace, message)
    _forget_mentions(workspace, message, _extra_until_now(workspace, message))
    workspace.forget_message(message.id)
    _change(workspace, message, content=message.content, extra=extra_of(message), edited_ms=message.edited_ms)
    workspace.stage_mentions(message)


def _keep_version(workspace: Workspace, message: Message) -> None:
    """What the message said until now, and since when."""
    connection = workspace.connection
    before = connection.execute(
        select(messages.c.content, messages.c.created_ms, messages.c.edited_ms).where(messages.c.id == message.id)
    ).one()
    last = connection.execute(
        select(func.max(message_versions.c.version)).where(message_versions.c.message_id == message.id)
    ).scalar()
    version = {
        "message_id": message.id,
        "version": (last or 0) + 1,
        "content": before.content,
        "written_ms": before.edited_ms or before.created_ms,
    }
    connection.execute(insert(message_versions), version)


def _deleted(workspace: Workspace, event: MessageDeleted) -> None:
    """Nothing of what was said stays, in no table."""
    message = event.message
    workspace.write_messages()
    extra = _extra_until_now(workspace, message)
    workspace.forget_message(message.id)
    _change(
        workspace,
        message,
        content="",
        extra=None,
        metadata=None,
        reply_to_id=None,
        reaction_count=0,
        pinned_ms=None,
        edited_ms=None,
        deleted_ms=message.deleted_ms,
        deleted_by=message.deleted_by,
    )
    _forget_mentions(workspace, message, extra)
    _forget_links(workspace, message, extra, event.at_ms)
    connection = workspace.connection
    if not extra.imported:
        tombstone = {"conversation_id": message.conversation_id, "seq": message.seq, "sender_id": message.sender_id}
        connection.execute(insert(tombstones), tombstone)
    connection.execute(delete(message_versions).where(message_versions.c.message_id == message.id))
    connection.execute(delete(reactions).where(reactions.c.message_id == message.id))
    if message.thread_id is not None:
        workspace.forget_message(message.thread_id)
        connection.execute(
            update(messages).where(messages.c.id == message.thread_id).values(reply_count=messages.c.reply_count - 1)
        )


def _reacted(workspace: Workspace, event: MessageReacted) -> None:
    workspace.write_messages()
    connection, message = workspace.connection, event.message
    if event.added:
        given = {"message_id": message.id, "emoji": event.emoji, "user_id": event.user_id, "pos": event.pos}
        connection.execute(insert(reactions), given)
    else:
        connection.execute(
            delete(reactions).where(
                reactions.c.message_id == message.id,
                reactions.c.emoji == event.emoji,
                reactions.c.user_id == event.user_id,
            )
        )
    _change(workspace, message, reaction_count=sum(reaction.count for reaction in message.reactions))


def _pinned(workspace: Workspace, event: MessagePinned | MessageUnpinned) -> None:
    workspace.write_messages()
    _change(workspace, event.message, pinned_ms=event.message.pinned_ms)


def _change(workspace: Workspace, message: Message, **values: Any) -> None:  # noqa: ANN401 (columns)
    workspace.connection.execute(update(messages).where(messages.c.id == message.id).values(**values))
    workspace.put_message(message)


def _extra_until_now(workspace: Workspace, message: Message) -> Extra:
    """Rows that belong to a message are found by what the message has; only its id would not lead to them."""
    row = workspace.connection.execute(select(messages.c.extra).where(messages.c.id == message.id)).one()
    return what_is_beside(row.extra)


def _forget_mentions(workspace: Workspace, message: Message, extra: Extra) -> None:
    user_ids = named_by(extra)
    if user_ids:
        workspace.connection.execute(
            delete(mentions).where(
                mentions.c.conversation_id == message.conversation_id,
                mentions.c.user_id.in_(user_ids),
                mentions.c.seq == message.seq,
            )
        )


def _forget_links(workspace: Workspace, message: Message, extra: Extra, at_ms: int) -> None:
    file_ids = [attachment.id for attachment in extra.attachments if attachment.id is not None]
    if file_ids:
        workspace.connection.execute(
            delete(file_links).where(file_links.c.file_id.in_(file_ids), file_links.c.message_id == message.id)
        )
        make_due(workspace.connection, file_ids, at_ms)


PROJECTIONS: Projections = MappingProxyType(
    {
        MessageSent: _sent,
        MessageEdited: _edited,
        MessageDeleted: _deleted,
        MessageReacted: _reacted,
        MessagePinned: _pinned,
        MessageUnpinned: _pinned,
    }
)
