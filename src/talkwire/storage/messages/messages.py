"""Messages: their rows, the statements over them, and what is read of them. What changes them is in `changes.py`.

What most messages do not have costs most reads nothing: rare fields are one JSON column, and reactions are read, by one
statement, for those messages only that have any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

from talkwire.core.commands.messages import MessageVersion
from talkwire.core.domain.model import (
    EXCERPT_LENGTH,
    MESSAGE_ID_BASE,
    Attachment,
    Conversation,
    Message,
    Origin,
    Quote,
    Reaction,
)
from talkwire.storage.messages.reactions import ReactionReads, read_reactions
from talkwire.storage.schema import EVERYONE, message_versions, messages, users
from talkwire.storage.sql.batch import insert_rows, update_rows
from talkwire.storage.sql.keys import KEYS, key_number, key_text, keys_parameter
from talkwire.storage.sql.prepared import PreparedStatement
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, Values, from_json, to_json

_BEYOND = 2**62
"""A `seq` that no message has."""

# --- rows and values --------------------------------------------------------------------------------------------------


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of the column `extra`."""

    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False
    forwarded_from: Origin | None = None
    imported: bool = False


_NOTHING = Extra()
_extra: msgspec.json.Decoder[Extra] = msgspec.json.Decoder(Extra)

_COLUMNS = (
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
"""The columns of a new message; the others start with their defaults."""

_TEXT_COLUMNS = _COLUMNS[:9]
"""The columns of a new message that is only a text and refers to nothing."""


def is_text(message: Message) -> bool:
    """Returns whether a new message is only a text, which `insert_texts` takes."""
    return message.reply_to is None and message.thread_id is None and not _has_extra(message)


def text_values(message: Message) -> Values:
    """Returns a new message's row for `insert_texts`."""
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
    """Returns a new message's row for `insert_messages`."""
    return (
        *text_values(message),
        extra_of(message),
        None if message.reply_to is None else message.reply_to.id,
        message.thread_id,
    )


def extra_of(message: Message) -> str | None:
    """Returns the column `extra` of a message; None for nearly every one."""
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
    """Returns the user ids under which `mentions` has a message."""
    return (EVERYONE, *of.mentions) if of.mentions_all else of.mentions


def to_extra(extra: str | None) -> Extra:
    """Returns the value of a message's column `extra`."""
    return _NOTHING if extra is None else _extra.decode(extra)


def attached_names(extra: str | None) -> str:
    """Returns the names of a message's attachments, from its column `extra`."""
    return ", ".join(attachment.name for attachment in to_extra(extra).attachments)


def _to_message(row: Iterable[Any], reactions: Collection[Reaction] = ()) -> Message:
    """Returns the message of a row of `message_select`. It takes columns by place and not by name, in a third of the
    time: a page has 50 messages."""
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
    extra = to_extra(extra_json)
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
        # A message that was pruned is not quoted.
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


# --- statements -------------------------------------------------------------------------------------------------------

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
"""Messages with their senders' names and the messages that they reply to, all as they are now. The columns are in the
order in which `_to_message` takes them."""

_by_id: Select[Any] = message_select.join(KEYS, messages.c.id == key_number(0))
places_by_id: Select[Any] = (
    select(messages.c.id, messages.c.conversation_id, messages.c.seq)
    .select_from(KEYS)
    .join(messages, messages.c.id == key_number(0))
)
_sent: Select[Any] = message_select.join(
    KEYS,
    (messages.c.conversation_id == key_text(0))
    & (messages.c.sender_id == key_text(1))
    & (messages.c.client_message_id == key_text(2)),
)

_of_conversation = message_select.where(
    messages.c.conversation_id == bindparam("conversation_id"), messages.c.seq > bindparam("after_seq")
).limit(bindparam("limit"))
_message = PreparedStatement(message_select.where(messages.c.id == bindparam("id")))
_first_after = PreparedStatement(_of_conversation.order_by(messages.c.seq))
_last_before = PreparedStatement(
    _of_conversation.where(messages.c.seq < bindparam("before_seq")).order_by(messages.c.seq.desc())
)

_of_ranges: Select[Any] = (
    select(
        messages.c.id,
        messages.c.conversation_id,
        messages.c.sender_id,
        messages.c.created_ms,
        messages.c.deleted_ms,
        messages.c.extra,
    )
    .select_from(KEYS)
    .join(
        messages,
        (messages.c.conversation_id == key_text(0))
        & (messages.c.seq > key_number(1))
        & (messages.c.seq <= key_number(2)),
    )
)

insert_messages = insert_rows(messages, _COLUMNS)
insert_texts = insert_rows(messages, _TEXT_COLUMNS)
"""Each column less makes a batch's insertion a fortieth cheaper."""

add_replies = update_rows(messages, ("reply_count",), ("id",), adds=True)


def is_live(message_id: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    """Returns the conditions that a message exists and was not deleted."""
    return messages.c.id == message_id, messages.c.deleted_ms.is_(None)


# --- reading ----------------------------------------------------------------------------------------------------------

_ID = 0
_REACTION_COUNT = list(messages.c.keys()).index("reaction_count")


def to_messages(connection: Connection, rows: Sequence[Sequence[Any]]) -> list[Message]:
    """Returns the messages of rows of `message_select`, with their reactions."""
    ids = [row[_ID] for row in rows if row[_REACTION_COUNT]]
    if not ids:
        return [_to_message(row) for row in rows]
    found = read_reactions(connection, ids)
    return [_to_message(row, found.get(row[_ID], ())) for row in rows]


def messages_by_id(connection: Connection, message_ids: Collection[int]) -> Mapping[int, Message]:
    """Returns the messages with these ids, by id."""
    if not message_ids:
        return {}
    found = _read(connection, _by_id, keys_parameter([(str(id_),) for id_ in message_ids]))
    return {message.id: message for message in found}


def messages_sent(connection: Connection, asked: Collection[tuple[str, str, str]]) -> list[Message]:
    """Returns messages by (conversation id, sender id, client message id)."""
    return _read(connection, _sent, keys_parameter(asked))


def rows_of_ranges(connection: Connection, ranges: Collection[tuple[str, int, int]]) -> Sequence[AnyRow]:
    """Returns rows of the messages in many ranges: (conversation id, `seq` before the first message, last `seq`)."""
    asked = [(conversation_id, str(low), str(high)) for conversation_id, low, high in ranges]
    return connection.execute(_of_ranges, keys_parameter(asked)).all()


def sent_ms(connection: Connection, message_id: int) -> int:
    """Returns when a message was sent."""
    return int(connection.execute(select(messages.c.created_ms).where(messages.c.id == message_id)).scalar_one())


def _read(
    connection: Connection, statement: Executable, parameters: Mapping[str, object] | None = None
) -> list[Message]:
    return to_messages(connection, connection.execute(statement, parameters).all())


class MessageReads(Reads):
    """The part of `core.ports.transaction.Snapshot` that is about messages."""

    def message(self, message_id: int) -> Message | None:
        rows = _message.rows(self._connection, id=message_id)
        return next(iter(to_messages(self._connection, rows)), None)

    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None:
        return next(iter(messages_sent(self._connection, [(conversation_id, sender_id, client_message_id)])), None)

    def messages(
        self,
        conversation_id: str,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        connection, after = self._connection, max(after_seq or 0, history_seq)
        if after_seq is not None:
            rows = _first_after.rows(connection, conversation_id=conversation_id, after_seq=after, limit=limit)
            return to_messages(connection, rows)
        before = _BEYOND if before_seq is None else before_seq
        rows = _last_before.rows(
            connection, conversation_id=conversation_id, after_seq=after, before_seq=before, limit=limit
        )
        return to_messages(connection, rows[::-1])

    def last_messages(self, conversations: Collection[Conversation]) -> Mapping[str, Message]:
        # The newest activity of a conversation that has messages is its newest message.
        ids = {MESSAGE_ID_BASE + conversation.active_pos for conversation in conversations if conversation.last_seq}
        return {message.conversation_id: message for message in messages_by_id(self._connection, ids).values()}


class MessagePartRows(ReactionReads):
    """Implements `core.ports.stores.MessageParts`."""

    def versions(self, message_id: int, before_number: int | None, limit: int) -> Sequence[MessageVersion]:
        number = message_versions.c.version
        statement = select(number, message_versions.c.content, message_versions.c.written_ms)
        statement = statement.where(message_versions.c.message_id == message_id)
        if before_number is not None:
            statement = statement.where(number < before_number)
        rows = self._connection.execute(statement.order_by(number.desc()).limit(limit)).all()
        return [MessageVersion(*row) for row in reversed(rows)]

    def replies(
        self,
        root_id: int,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        seq = messages.c.seq
        statement = message_select.where(messages.c.thread_id == root_id, seq > max(after_seq or 0, history_seq))
        if before_seq is not None:
            statement = statement.where(seq < before_seq)
        if after_seq is not None:
            return _read(self._connection, statement.order_by(seq).limit(limit))
        return _read(self._connection, statement.order_by(seq.desc()).limit(limit))[::-1]

    def pinned(
        self, conversation_id: str, history_seq: int, before: tuple[int, int] | None, limit: int
    ) -> Sequence[Message]:
        place = (messages.c.pinned_ms, messages.c.id)
        statement = message_select.where(
            messages.c.conversation_id == conversation_id,
            messages.c.pinned_ms.is_not(None),
            # With "seq > …" SQLite would go through the whole conversation by the index of `seq`.
            messages.c.seq - history_seq > 0,
        )
        if before is not None:
            statement = statement.where(tuple_(*place) < before)
        return _read(self._connection, statement.order_by(*(column.desc() for column in place)).limit(limit))

    def count_pinned(self, conversation_id: str) -> int:
        pinned = select(func.count()).where(
            messages.c.conversation_id == conversation_id, messages.c.pinned_ms.is_not(None)
        )
        return self._connection.execute(pinned).scalar_one()
