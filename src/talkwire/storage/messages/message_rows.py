"""Rows of messages as the domain's values, and back.

What most messages do not have costs most reads nothing: rare members are one JSON column, and reactions are read, by
one statement, for those messages only that have any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, Select, func, literal_column, select

from talkwire.core.domain.model import EXCERPT_LENGTH, Attachment, Message, Origin, Quote, Reaction
from talkwire.storage.messages.reaction_rows import group_reactions
from talkwire.storage.schema import EVERYONE, messages, users
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.tables.rows import Values, from_json, to_json


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in the column `extra`."""

    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False
    forwarded_from: Origin | None = None
    imported: bool = False


_NOTHING = Extra()
_extra: msgspec.json.Decoder[Extra] = msgspec.json.Decoder(Extra)

_quoted = messages.alias("quoted")

message_select: Select[Any] = (
    select(
        messages,
        users.c.name.label("sender_name"),
        users.c.avatar.label("sender_avatar"),
        _quoted.c.sender_id.label("quoted_sender_id"),
        func.substr(_quoted.c.content, literal_column("1"), literal_column(str(EXCERPT_LENGTH))).label(
            "quoted_content"
        ),
        _quoted.c.seq.label("quoted_seq"),
    )
    .join(users, users.c.id == messages.c.sender_id)
    .outerjoin(_quoted, _quoted.c.id == messages.c.reply_to_id)
)
"""Messages with their senders' names and the messages that they reply to, all as they are now. The columns stand in the
order in which `to_message` takes them."""

MESSAGE_COLUMNS = (
    "id",
    "conversation_id",
    "seq",
    "sender_id",
    "content",
    "client_message_id",
    "command_hash",
    "metadata",
    "created_ms",
    "extra",
    "reply_to_id",
    "thread_id",
)
"""What a message has from the beginning; everything else starts as its column's default."""


TEXT_COLUMNS = MESSAGE_COLUMNS[:9]
"""What there is to a text that refers to nothing."""


def is_text(message: Message) -> bool:
    """Whether `TEXT_COLUMNS` hold all of a new message."""
    return message.reply_to is None and message.thread_id is None and not _has_extra(message)


def text_values(message: Message) -> Values:
    """What a new message's row holds, by `TEXT_COLUMNS`."""
    return (
        message.id,
        message.conversation_id,
        message.seq,
        message.sender_id,
        message.content,
        message.client_message_id,
        message.command_hash,
        None if message.metadata is None else to_json(message.metadata),
        message.created_ms,
    )


def message_values(message: Message) -> Values:
    """What a new message's row holds, by `MESSAGE_COLUMNS`."""
    return (
        *text_values(message),
        extra_of(message),
        None if message.reply_to is None else message.reply_to.id,
        message.thread_id,
    )


def extra_of(message: Message) -> str | None:
    """The column `extra`; empty for nearly every message."""
    if not _has_extra(message):
        return None
    return to_json(
        Extra(message.attachments, message.mentions, message.mentions_all, message.forwarded_from, message.imported)
    )


def _has_extra(message: Message) -> bool:
    return bool(
        message.attachments or message.mentions or message.mentions_all or message.forwarded_from or message.imported
    )


def named_by(of: Message | Extra) -> tuple[str, ...]:
    """The user ids under which `mentions` has a message."""
    return (EVERYONE, *of.mentions) if of.mentions_all else of.mentions


def what_is_beside(extra: str | None) -> Extra:
    """What a message's row says in the column `extra`."""
    return _NOTHING if extra is None else _extra.decode(extra)


def attached_names(extra: str | None) -> str:
    """What a message's row says is attached to it."""
    return ", ".join(attachment.name for attachment in what_is_beside(extra).attachments)


def read_messages(
    connection: Connection,
    reactions: Executable,
    statement: Executable,
    parameters: Mapping[str, object] | None = None,
) -> list[Message]:
    """What a selection made from `message_select` finds; `reactions` is `Lookups.reactions`."""
    return with_reactions(connection, reactions, connection.execute(statement, parameters).all())


_ID = 0
_REACTION_COUNT = list(messages.c.keys()).index("reaction_count")


def with_reactions(connection: Connection, statement: Executable, rows: Sequence[Sequence[Any]]) -> list[Message]:
    """Rows of `message_select`, completed."""
    ids = [row[_ID] for row in rows if row[_REACTION_COUNT]]
    if not ids:
        return [to_message(row) for row in rows]
    found = group_reactions(connection.execute(statement, keys_parameter([(str(id_),) for id_ in ids])))
    return [to_message(row, found.get(row[_ID], ())) for row in rows]


def to_message(row: Iterable[Any], reactions: Collection[Reaction] = ()) -> Message:
    """By place and not by name, which takes a third of the time: a page has 50 of them."""
    (
        id_,
        conversation_id,
        seq,
        sender_id,
        content,
        client_message_id,
        command_hash,
        metadata,
        created_ms,
        extra_json,
        reply_to_id,
        thread_id,
        reply_count,
        _,
        pinned_ms,
        edited_ms,
        deleted_ms,
        deleted_by,
        sender_name,
        sender_avatar,
        quoted_sender_id,
        quoted_content,
        quoted_seq,
    ) = row
    extra = what_is_beside(extra_json)
    return Message(
        id=id_,
        conversation_id=conversation_id,
        seq=seq,
        sender_id=sender_id,
        sender_name=sender_name,
        sender_avatar=sender_avatar,
        content=content,
        created_ms=created_ms,
        client_message_id=client_message_id,
        metadata=from_json(metadata),
        command_hash=command_hash,
        attachments=extra.attachments,
        mentions=extra.mentions,
        mentions_all=extra.mentions_all,
        # A message that was pruned is not quoted any more.
        reply_to=None if quoted_seq is None else Quote(reply_to_id, quoted_sender_id, quoted_content, quoted_seq),
        thread_id=thread_id,
        forwarded_from=extra.forwarded_from,
        reactions=tuple(reactions),
        reply_count=reply_count,
        pinned_ms=pinned_ms,
        edited_ms=edited_ms,
        deleted_ms=deleted_ms,
        deleted_by=deleted_by,
        imported=extra.imported,
    )
