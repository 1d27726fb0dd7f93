"""A database with rows in every table, of everything that a column can hold; they need not make sense together."""

from __future__ import annotations

from random import Random
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    Table,
    Text,
    func,
    insert,
    select,
    text,
    update,
)

from talkwire.core.domain.search.words import words_of
from talkwire.storage.messages.search import WordTable
from talkwire.storage.schema import log_head, messages, metadata

TEXTS = (
    "",
    " ",
    'it\'s "quoted"',
    "back\\slash \\N \\. \\x00",
    "tab\tline\nreturn\r\n\x0b\x0c",
    "\x01\x1f\x7f\x80\x9f",
    "NULL",
    "🎉 👩‍👩‍👧‍👦 🇪🇺",
    "漢字かな交じり文 العربية עברית",
    "e\u0301 \u00e9 \ufb01 \u0130",
    "\ufeffmark\u2028line\u2029paragraph\u200b\ufffd",
    "\uffff\U0010ffff\ue000",
    '{"a": [1, null, "\\u0000"], "b": {"c": "\\\\"}}',
    "long " * 300,
)
ROWS = 40
LAST_MAIL = 4_000
"""The last id of the offline queue; its row was removed."""


def fill(engine: Engine, seed: int = 1, rows: int = ROWS) -> None:
    """Puts rows into all tables."""
    random = Random(seed)
    with engine.begin() as connection:
        for each in metadata.sorted_tables:
            if each is log_head:
                continue
            connection.execute(each.delete())
            filled = [{c.name: _value(random, c, number) for c in each.columns} for number in range(rows)]
            connection.execute(insert(each), filled)
        connection.execute(update(log_head).values(pos=rows * 7, floor=rows))
        longest = messages.c.id == select(func.max(messages.c.id)).scalar_subquery()
        connection.execute(update(messages).where(longest).values(content="漢" * 65_536))
        _give_a_last_mail(connection)
        _fill_words(connection)


def _value(random: Random, found: Column[Any], number: int) -> object:
    if found.nullable and random.random() < 0.3:
        return None
    match found.type:
        case Boolean():
            return random.random() < 0.5
        case Integer() if found.name == "lease_until_ms":
            return number  # long ago
        case Integer() if found.primary_key:
            return number * 97 + 1
        case Integer():
            bits = 63 if "BIGINT" in str(found.type) else 31
            return random.choice((0, 1, -1, 2**bits - 1, -(2**bits), random.randrange(2**bits)))
        case Text():
            sample = TEXTS[number % len(TEXTS)] if number < len(TEXTS) else random.choice(TEXTS)
            if found.primary_key or _is_unique(found):
                # An index entry holds at most about 2,700 bytes on PostgreSQL.
                return f"{sample[:500]}{number}"
            return sample
        case other:
            raise NotImplementedError(str(other))


def _is_unique(found: Column[Any]) -> bool:
    indexed = any(found.name in index.columns for index in found.table.indexes)
    return bool(found.unique) or indexed or found.name in {"client_message_id", "direct_key", "conversation_id"}


def _give_a_last_mail(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'mailbox'"), {"last": LAST_MAIL})
    else:
        sequence = "pg_get_serial_sequence('mailbox', 'id')"
        connection.execute(text(f"SELECT setval({sequence}, :last)"), {"last": LAST_MAIL})


def _fill_words(connection: Connection) -> None:
    words = WordTable(connection.dialect)
    living = connection.execute(select(messages.c.id, messages.c.content).where(messages.c.deleted_ms.is_(None))).all()
    words.put(connection, {id_: {"\ue000label", *words_of(content)} for id_, content in living})


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table, in some order that is always the same."""
    with engine.connect() as connection:
        found = {each.name: _rows(connection, each) for each in metadata.sorted_tables}
        found["message_words"] = _words(connection)
    return found


def _rows(connection: Connection, each: Table) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in connection.execute(select(each))), key=repr)


def _words(connection: Connection) -> list[tuple[Any, ...]]:
    if connection.dialect.name == "sqlite":
        kept = text("SELECT rowid, words FROM message_words")
        return sorted((row[0], *sorted(set(row[1].split()))) for row in connection.execute(kept).all())
    kept = text("SELECT message_id, tsvector_to_array(words) FROM message_words")
    return sorted((row[0], *sorted(row[1])) for row in connection.execute(kept).all())


def next_mail(engine: Engine) -> int:
    """The id that the mailbox gives next."""
    mailbox = metadata.tables["mailbox"]
    with engine.begin() as connection:
        given = {"user_id": "alice", "event": "e", "payload": "{}", "created_ms": 1}
        id_: int = connection.execute(insert(mailbox).returning(mailbox.c.id), given).scalar_one()
    return id_
