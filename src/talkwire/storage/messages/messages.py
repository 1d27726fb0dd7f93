"""The table of messages: conversion of rows, SQL statements, and reads. `changes.py` has the changes.

Rarely used parts of a message cost most reads nothing: rare fields are in one JSON column, and reactions and threads
are read, by one statement each, only for messages that have any.
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
    text,
    tuple_,
)

from talkwire.core.commands.messages import MessageVersion
from talkwire.core.domain.agents.turns import Cause
from talkwire.core.domain.cards.card import MessageCard
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import (
    EXCERPT_LENGTH,
    Attachment,
    Conversation,
    Generated,
    LinkPreview,
    Message,
    Origin,
    Quote,
    Reaction,
    ThreadActivity,
)
from talkwire.core.domain.parts.message_parts import MessagePart, content_of
from talkwire.core.domain.parts.streams import StreamError, StreamState
from talkwire.core.ports.stores import FilePlace
from talkwire.storage.messages.reactions import ReactionReads, read_reactions
from talkwire.storage.messages.threads import read_activity
from talkwire.storage.schema import EVERYONE, file_links, message_versions, messages, users
from talkwire.storage.sql.batch import insert_rows, update_rows
from talkwire.storage.sql.keys import KEYS, key_number, key_text, keys_parameter
from talkwire.storage.sql.prepared import PreparedStatement
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, Values, from_json, to_json

_BEYOND = 2**62
"""A `seq` larger than that of any message."""

# --- rows and values --------------------------------------------------------------------------------------------------


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rarely used fields of a message (attachments, mentions, previews, …), stored as JSON in the column
    `extra`."""

    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False
    forwarded_from: Origin | None = None
    imported: bool = False
    system: bool = False
    previews: tuple[LinkPreview, ...] = ()
    without_previews: bool = False
    generated: Generated | None = None
    on_behalf_of: str | None = None
    notes_of: str | None = None
    parts: tuple[MessagePart, ...] = ()
    state: StreamState | None = None
    error: StreamError | None = None
    first_end_pos: int | None = None
    card: MessageCard | None = None
    cause: Cause | None = None

    @property
    def file_ids(self) -> list[str]:
        """The ids of the files that the message shows: its attachments and the pictures of its link previews."""
        shown = (*self.attachments, *(preview.image for preview in self.previews if preview.image is not None))
        return [attachment.id for attachment in shown if attachment.id is not None]


_NOTHING = Extra()
_extra: msgspec.json.Decoder[Extra] = msgspec.json.Decoder(Extra)
_parts: msgspec.json.Decoder[tuple[MessagePart, ...]] = msgspec.json.Decoder(tuple[MessagePart, ...])

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
"""The columns that are written for a new message; the others start with their defaults."""

_TEXT_COLUMNS = _COLUMNS[:9]
"""The columns of a new message that is only a text and refers to nothing."""


def is_text(message: Message) -> bool:
    """Returns whether a new message is nothing but a text, so that the cheaper statement `insert_texts` can
    write it."""
    return message.reply_to is None and message.thread_id is None and not _has_extra(message)


def text_values(message: Message) -> Values:
    """Returns a new message's column values for the statement `insert_texts`."""
    return (
        message.id,
        message.conversation_id,
        message.seq,
        message.sender_id,
        message.content,
        message.client_message_id,
        message.command_hash,
        None if message.metadata is None else metadata_of(message),
        message.created_ms,
    )


def message_values(message: Message) -> Values:
    """Returns a new message's column values for the statement `insert_messages`."""
    return (
        *text_values(message),
        extra_of(message),
        None if message.reply_to is None else message.reply_to.id,
        message.thread_id,
    )


def metadata_of(message: Message) -> str | None:
    """Returns the JSON of a message's metadata for the column `metadata`; None if it has none."""
    return None if message.metadata is None else to_json(message.metadata)


def extra_of(message: Message) -> str | None:
    """Returns the JSON of a message's rarely used fields for the column `extra`; None, as for nearly all messages, if
    it has none of them."""
    if not _has_extra(message):
        return None
    return to_json(
        Extra(
            attachments=message.attachments,
            mentions=message.mentions,
            mentions_all=message.mentions_all,
            forwarded_from=message.forwarded_from,
            imported=message.imported,
            system=message.system,
            previews=message.previews,
            without_previews=message.without_previews,
            generated=message.generated,
            on_behalf_of=message.on_behalf_of,
            notes_of=message.notes_of,
            parts=message.parts,
            state=message.state,
            error=message.error,
            first_end_pos=message.first_end_pos,
            card=message.card,
            cause=message.cause,
        )
    )


def extra_of_cleared(extra: str | None) -> str | None:
    """Returns what is left in the column `extra` of a message whose content is deleted: when its stream ended first, so
    that readers of finished messages still know which events of the log are about a stream."""
    first_end_pos = to_extra(extra).first_end_pos
    return None if first_end_pos is None else to_json(Extra(first_end_pos=first_end_pos))


def _has_extra(message: Message) -> bool:
    return bool(
        message.attachments
        or message.mentions
        or message.mentions_all
        or message.forwarded_from
        or message.imported
        or message.system
        or message.previews
        or message.without_previews
        or message.generated
        or message.on_behalf_of
        or message.notes_of
        or message.parts
        or message.state
        or message.first_end_pos is not None
        or message.card
        or message.cause
    )


def named_by(of: Message | Extra) -> tuple[str, ...]:
    """Returns the ids of the users that a message mentions, as in the table `mentions`. If it mentions all members,
    they include the constant EVERYONE."""
    return (EVERYONE, *of.mentions) if of.mentions_all else of.mentions


def to_extra(extra: str | None) -> Extra:
    """Decodes the JSON of a message's column `extra`; None gives an `Extra` with default values."""
    return _NOTHING if extra is None else _extra.decode(extra)


def to_parts(parts: str | None) -> tuple[MessagePart, ...]:
    """Decodes the JSON of a version's column `parts`; None gives no parts."""
    return () if parts is None else _parts.decode(parts)


def attached_names(extra: str | None) -> str:
    """Returns the comma-separated file names of a message's attachments, from the JSON of its column `extra`."""
    return ", ".join(attachment.name for attachment in to_extra(extra).attachments)


def _to_message(
    row: Iterable[Any], reactions: Collection[Reaction] = (), thread: ThreadActivity | None = None
) -> Message:
    """Builds a message from a row of `message_select`, whose columns are read by position, since access by name takes
    three times as long. The caller has read the reactions and the thread's activity."""
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
        content=content_of(extra.parts) if extra.state == "streaming" else content,
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
        system=extra.system,
        previews=extra.previews,
        without_previews=extra.without_previews,
        thread=thread,
        generated=extra.generated,
        on_behalf_of=extra.on_behalf_of,
        notes_of=extra.notes_of,
        parts=extra.parts,
        state=extra.state,
        error=extra.error,
        first_end_pos=extra.first_end_pos,
        card=extra.card,
        cause=extra.cause,
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
"""Statement that selects messages with their senders' names and the messages that they reply to, all in their current
state. The columns are in the order in which `_to_message` takes them."""

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


def _after_and_before(chosen: Select[Any]) -> tuple[PreparedStatement, PreparedStatement]:
    """Adds the order to a query of messages and returns two prepared statements: for the first messages after the
    parameter `after_seq`, and for the last ones between `after_seq` and `before_seq`, the newest first."""
    before = chosen.where(messages.c.seq < bindparam("before_seq"))
    return PreparedStatement(chosen.order_by(messages.c.seq)), PreparedStatement(before.order_by(messages.c.seq.desc()))


_pages = _after_and_before(_of_conversation)
# By the same index: an index without replies would make every send more expensive.
_pages_without_replies = _after_and_before(_of_conversation.where(messages.c.thread_id.is_(None)))

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
"""Statement that inserts messages that are only texts. Each column that is left out makes the insertion of a batch a
fortieth cheaper."""

add_replies = update_rows(messages, ("reply_count",), ("id",), adds=True)


def is_live(message_id: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    """Returns the SQL conditions that a message with this id exists and was not deleted."""
    return messages.c.id == message_id, messages.c.deleted_ms.is_(None)


# --- reading ----------------------------------------------------------------------------------------------------------

_ID = 0
_REACTION_COUNT = list(messages.c.keys()).index("reaction_count")
_REPLY_COUNT = list(messages.c.keys()).index("reply_count")


def to_messages(connection: Connection, rows: Sequence[Sequence[Any]]) -> list[Message]:
    """Builds messages from rows of `message_select`, and reads the reactions and thread activity of those that have
    any."""
    reacted_ids = [row[_ID] for row in rows if row[_REACTION_COUNT]]
    root_ids = [row[_ID] for row in rows if row[_REPLY_COUNT]]
    if not (reacted_ids or root_ids):
        return [_to_message(row) for row in rows]
    reactions = read_reactions(connection, reacted_ids) if reacted_ids else {}
    threads = read_activity(connection, root_ids) if root_ids else {}
    return [_to_message(row, reactions.get(row[_ID], ()), threads.get(row[_ID])) for row in rows]


def messages_by_id(connection: Connection, message_ids: Collection[int]) -> Mapping[int, Message]:
    """Returns message id -> message for the messages with these ids; ids without a message are missing."""
    if not message_ids:
        return {}
    found = _read(connection, _by_id, keys_parameter([(str(id_),) for id_ in message_ids]))
    return {message.id: message for message in found}


def messages_sent(connection: Connection, asked: Collection[tuple[str, str, str]]) -> list[Message]:
    """Returns the messages with these keys, in no particular order: (conversation id, sender id, client message id).
    Keys without a message are left out."""
    return _read(connection, _sent, keys_parameter(asked))


def rows_of_ranges(connection: Connection, ranges: Collection[tuple[str, int, int]]) -> Sequence[AnyRow]:
    """Returns rows of the messages in several ranges, in no particular order. A range is (conversation id, `seq` before
    the first message, `seq` of the last message). Rows have the id, conversation, sender, times and rare fields
    (`extra`)."""
    asked = [(conversation_id, str(low), str(high)) for conversation_id, low, high in ranges]
    return connection.execute(_of_ranges, keys_parameter(asked)).all()


def sent_ms(connection: Connection, message_id: int) -> int:
    """Returns when the message with this id was sent, in milliseconds since 1970. Raises SQLAlchemy's NoResultFound
    without such a message."""
    return int(connection.execute(select(messages.c.created_ms).where(messages.c.id == message_id)).scalar_one())


def _read(
    connection: Connection, statement: Executable, parameters: Mapping[str, object] | None = None
) -> list[Message]:
    return to_messages(connection, connection.execute(statement, parameters).all())


def _range(after_seq: int | None, before_seq: int | None, history_seq: int) -> tuple[int, int | None]:
    """Returns the bounds of a page as (`seq` after which it begins, `seq` before which it ends), never reaching back to
    `history_seq`, up to which the reader sees nothing.

    If the second bound is None, the page has the first messages after `after_seq`; otherwise the last ones before it.
    """
    if after_seq is not None:
        return max(after_seq, history_seq), None
    return history_seq, _BEYOND if before_seq is None else before_seq


def _page(
    connection: Connection,
    statements: tuple[PreparedStatement, PreparedStatement],
    asked: Mapping[str, object],
    between: tuple[int, int | None],
) -> Sequence[Message]:
    """Returns a page of messages in ascending `seq`. `statements` are the pair that `_after_and_before` returns,
    `asked` their further parameters, and `between` the bounds that `_range` returns."""
    (first_after, last_before), (after, before) = statements, between
    if before is None:
        return to_messages(connection, first_after.rows(connection, after_seq=after, **asked))
    return to_messages(connection, last_before.rows(connection, after_seq=after, before_seq=before, **asked)[::-1])


def newest_messages(connection: Connection, conversation_id: str, after_seq: int, limit: int) -> Sequence[Message]:
    """Returns the newest messages of a conversation with a `seq` above `after_seq`, at most `limit`, in ascending
    `seq`."""
    asked = {"conversation_id": conversation_id, "limit": limit}
    return _page(connection, _pages, asked, _range(None, None, after_seq))


class MessageReads(Reads):
    """The methods of `core.ports.transaction.Snapshot` that read messages. `TableSnapshot` inherits them."""

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
        asked = {"conversation_id": conversation_id, "limit": limit}
        return _page(self._connection, _pages, asked, _range(after_seq, before_seq, history_seq))

    def last_messages(self, conversations: Collection[Conversation]) -> Mapping[str, Message]:
        # The newest activity of a conversation that has messages is its newest message.
        ids = {id_at(conversation.active_pos) for conversation in conversations if conversation.last_seq}
        return {message.conversation_id: message for message in messages_by_id(self._connection, ids).values()}


class MessagePartRows(ReactionReads):
    """Reads versions, replies, reactions, pins and files of messages. Implements `core.ports.stores.MessageParts`.

    `staged` are the imported messages that a write transaction has not written yet; their pins are counted too.
    """

    def __init__(self, connection: Connection, staged: Sequence[Message] = ()) -> None:
        super().__init__(connection)
        self._staged = staged

    def versions(self, message_id: int, before_number: int | None, limit: int) -> Sequence[MessageVersion]:
        number = message_versions.c.version
        columns = message_versions.c.content, message_versions.c.written_ms, message_versions.c.parts
        statement = select(number, *columns)
        statement = statement.where(message_versions.c.message_id == message_id)
        if before_number is not None:
            statement = statement.where(number < before_number)
        rows = self._connection.execute(statement.order_by(number.desc()).limit(limit)).all()
        return [MessageVersion(row[0], row.content, row.written_ms, to_parts(row.parts)) for row in reversed(rows)]

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

    def without_replies(
        self,
        conversation_id: str,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        asked = {"conversation_id": conversation_id, "limit": limit}
        return _page(self._connection, _pages_without_replies, asked, _range(after_seq, before_seq, history_seq))

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

    def file_places(
        self, conversation_id: str, kind: str, history_seq: int, before: tuple[int, str] | None, limit: int
    ) -> Sequence[FilePlace]:
        place = (file_links.c.seq, file_links.c.file_id)
        statement = select(*place, file_links.c.message_id).where(
            file_links.c.conversation_id == conversation_id,
            file_links.c.kind == kind,
            file_links.c.seq > history_seq,
        )
        if before is not None:
            statement = statement.where(tuple_(*place) < before)
        rows = self._connection.execute(statement.order_by(*(column.desc() for column in place)).limit(limit))
        return [FilePlace(*row) for row in rows]

    def messages_with_links(
        self, conversation_id: str, history_seq: int, until_seq: int, limit: int
    ) -> Sequence[Message]:
        statement = message_select.where(
            messages.c.conversation_id == conversation_id,
            text("messages.content LIKE '%://%'"),  # as the index ix_messages_links has it
            messages.c.seq > history_seq,
            messages.c.seq <= until_seq,
        )
        return _read(self._connection, statement.order_by(messages.c.seq.desc()).limit(limit))

    def messages_by_id(self, message_ids: Collection[int]) -> Mapping[int, Message]:
        return messages_by_id(self._connection, message_ids)

    def count_pinned(self, conversation_id: str) -> int:
        pinned = select(func.count()).where(
            messages.c.conversation_id == conversation_id, messages.c.pinned_ms.is_not(None)
        )
        staged = sum(each.conversation_id == conversation_id and each.pinned_ms is not None for each in self._staged)
        return self._connection.execute(pinned).scalar_one() + staged
