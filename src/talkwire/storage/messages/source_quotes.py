"""What messages quote of other messages in parts that are sources. A quote is a copy, which is removed when the quoted
message is deleted; the table `source_quotes` says in which messages it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, delete, select, update

from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.message_parts import MessagePart, quoted_ids, without_quotes_of
from talkwire.storage.messages.messages import to_extra, to_parts
from talkwire.storage.schema import message_versions, messages, source_quotes
from talkwire.storage.sql.batch import insert_rows
from talkwire.storage.sql.keys import KEYS, key_number, keys_parameter
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import to_json

K = TypeVar("K")

insert_quotes = insert_rows(source_quotes, ("message_id", "quoted_id"))

_add = upsert(source_quotes).on_conflict_do_nothing()
_drop_of_message = delete(source_quotes).where(source_quotes.c.message_id == bindparam("of_id"))
_drop_of_quoted = delete(source_quotes).where(source_quotes.c.quoted_id == bindparam("of_id"))

_quoting = (
    select(source_quotes.c.quoted_id).select_from(KEYS).join(source_quotes, source_quotes.c.quoted_id == key_number(0))
)
_in_messages = _quoting.add_columns(messages.c.id, messages.c.extra).join(
    messages, messages.c.id == source_quotes.c.message_id
)
_in_versions = (
    _quoting.add_columns(message_versions.c.message_id, message_versions.c.version, message_versions.c.parts)
    .join(message_versions, message_versions.c.message_id == source_quotes.c.message_id)
    .where(message_versions.c.parts.is_not(None))
)
_set_extra = update(messages).where(messages.c.id == bindparam("of_id")).values(extra=bindparam("without"))
_set_parts = (
    update(message_versions)
    .where(message_versions.c.message_id == bindparam("of_id"), message_versions.c.version == bindparam("of_version"))
    .values(parts=bindparam("without"))
)


def quotes_of(message: Message) -> list[tuple[int, int]]:
    """Returns the rows that say which messages a message quotes."""
    return [(message.id, quoted_id) for quoted_id in sorted(quoted_ids(message.parts))]


def add_quotes(connection: Connection, message: Message) -> None:
    """Adds the rows of an edited message to those that it has, since its earlier versions keep their quotes."""
    rows = [{"message_id": id_, "quoted_id": quoted_id} for id_, quoted_id in quotes_of(message)]
    if rows:
        connection.execute(_add, rows)


def end_quotes(connection: Connection, message_ids: Collection[int]) -> bool:
    """Removes what other messages, and their earlier versions, quote of deleted messages, and the rows of what the
    deleted messages quoted. Returns whether it changed other messages."""
    ids = [{"of_id": id_} for id_ in message_ids]
    connection.execute(_drop_of_message, ids)
    keys = keys_parameter([(str(id_),) for id_ in message_ids])
    in_messages = connection.execute(_in_messages, keys).all()
    if not in_messages:
        return False
    changed = [
        {"of_id": id_, "without": to_json(replace(extra, parts=_without(quoted, extra.parts)))}
        for (id_, text), quoted in _grouped((row.quoted_id, (row.id, row.extra)) for row in in_messages)
        if (extra := to_extra(text)).parts
    ]
    versions = [
        {"of_id": id_, "of_version": version, "without": to_json(_without(quoted, to_parts(text)))}
        for (id_, version, text), quoted in _grouped(
            (row.quoted_id, (row.message_id, row.version, row.parts)) for row in connection.execute(_in_versions, keys)
        )
    ]
    for statement, values in ((_set_extra, changed), (_set_parts, versions)):
        if values:
            connection.execute(statement, values)
    connection.execute(_drop_of_quoted, ids)
    return True


def _grouped(rows: Iterable[tuple[int, K]]) -> Iterable[tuple[K, Sequence[int]]]:
    """Returns each key with all ids of quoted messages that come with it."""
    grouped: defaultdict[K, list[int]] = defaultdict(list)
    for quoted_id, key in rows:
        grouped[key].append(quoted_id)
    return grouped.items()


def _without(quoted: Iterable[int], parts: tuple[MessagePart, ...]) -> tuple[MessagePart, ...]:
    for quoted_id in quoted:
        parts = without_quotes_of(quoted_id, parts)
    return parts
