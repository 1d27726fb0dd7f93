"""Migration: stores the names of users and conversations in the form in which texts of messages are searched, so that
they are found without regard to accents, width and Unicode's normalisation forms. It also indexes the messages in
Arabic script again, whose words have lost the differences between keyboards.

Nodes of the previous version store names without case only, and index new messages with these differences: what they
write is found by the new version as it was written, or once it is changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

# A later version that changes these functions has to store names and index messages again.
from talkwire.core.domain.search.name_search import later_parts, search_name
from talkwire.core.domain.search.words import searched_text, words_of

revision = "0039"
down_revision = "0038"

ROWS_AT_ONCE = 500
"""Number of rows that are read at once."""

_CODE_POINTS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_USERS = sa.table("users", *map(sa.column, ("id", "name", "search_name")))
_CONVERSATIONS = sa.table("conversations", *map(sa.column, ("id", "kind", "name", "folded_name")))
_ARABIC = "[\u0600-\u06ff\ufb50-\ufdff\ufe70-\ufeff]"
_MESSAGES = sa.table("messages", *map(sa.column, ("id", "conversation_id", "content", "extra", "deleted_ms")))
_PUT_WORDS = {
    "sqlite": "INSERT OR REPLACE INTO message_words (rowid, words) VALUES (:id, :words)",
    "postgresql": "INSERT INTO message_words (message_id, words) "
    "VALUES (:id, array_to_tsvector(string_to_array(:words, ' '))) "
    "ON CONFLICT (message_id) DO UPDATE SET words = excluded.words",
}
_PARTS = sa.table("name_parts", *map(sa.column, ("kind", "folded_part", "id")))


def upgrade() -> None:
    op.add_column("users", sa.Column("search_name", _CODE_POINTS, nullable=False, server_default=sa.text("''")))
    op.execute(_PARTS.delete())
    _fold_names(_USERS, "search_name", sa.literal("user"))
    _fold_names(_CONVERSATIONS, "folded_name", _CONVERSATIONS.c.kind)
    _index_messages()
    op.create_index("ix_users_search_name_id", "users", ["search_name", "id"])
    op.drop_index("ix_users_banned", "users")
    banned = sa.text("banned")
    op.create_index("ix_users_banned", "users", ["search_name", "id"], sqlite_where=banned, postgresql_where=banned)


def _index_messages() -> None:
    """Replaces the indexed words of the messages with a letter in Arabic script. All others are only looked at."""
    has_arabic = _MESSAGES.c.content.regexp_match(_ARABIC) | _MESSAGES.c.extra.regexp_match(_ARABIC)
    columns = _MESSAGES.c.id, _MESSAGES.c.conversation_id, _MESSAGES.c.content, _MESSAGES.c.extra
    put = sa.text(_PUT_WORDS[op.get_bind().dialect.name])
    for rows in _pages(sa.select(*columns).where(_MESSAGES.c.deleted_ms.is_(None), has_arabic)):
        texts = ((row, searched_text(row.content, _attached_names(row.extra))) for row in rows)
        words = [
            {"id": row.id, "words": " ".join({_label(row.conversation_id), *words_of(text)})} for row, text in texts
        ]
        op.get_bind().execute(put, words)


def _attached_names(extra: str | None) -> str:
    try:
        attachments = json.loads(extra or "{}").get("attachments", ())
        return ", ".join(attachment.get("name", "") for attachment in attachments)
    except (ValueError, TypeError, AttributeError):  # a damaged row must not end the migration
        return ""


def _label(conversation_id: str) -> str:
    """Returns the word by which the index finds all messages of a conversation."""
    return "\ue000" + blake2b(conversation_id.encode(), digest_size=8).hexdigest()


def _fold_names(table: sa.TableClause, folded: str, kind: sa.ColumnElement[str]) -> None:
    """Stores the folded form of all names of a table in its column `folded`, and their later parts in `name_parts`."""
    put = sa.update(table).where(table.c.id == sa.bindparam("of")).values({folded: sa.bindparam("folded")})
    for rows in _pages(sa.select(table.c.id, table.c.name, kind.label("kind")).where(table.c.name.is_not(None))):
        names = [(row.kind, row.id, search_name(row.name)) for row in rows]
        op.get_bind().execute(put, [{"of": id_, "folded": name} for _, id_, name in names])
        parts = [
            {"kind": kind_, "folded_part": part, "id": id_}
            for kind_, id_, name in names
            for part in dict.fromkeys(later_parts(name))
        ]
        if parts:
            op.get_bind().execute(_PARTS.insert(), parts)


def _pages(page: sa.Select[Any]) -> Iterator[list[Any]]:
    """Yields the rows of a query in the order of its first column, an id, ROWS_AT_ONCE at a time."""
    id_ = page.selected_columns[0]
    page = page.order_by(id_).limit(ROWS_AT_ONCE)
    rows = op.get_bind().execute(page).all()
    while rows:
        yield list(rows)
        rows = op.get_bind().execute(page.where(id_ > rows[-1][0])).all()
