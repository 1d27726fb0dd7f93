"""Migration: adds the table of the later words of names, so that users and conversations are found by them.

Nodes of the previous version ignore the table: the users and conversations that they create or rename are found by the
beginning of the whole name until they are renamed again.
"""

from __future__ import annotations

from unicodedata import category

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

ROWS_AT_ONCE = 500
"""Number of names that are read at once."""

LATER_WORDS_MAX = 8
"""Most words after the first one of a name that can be searched for."""

_CODE_POINTS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_USERS = sa.table("users", sa.column("id"), sa.column("folded_name"))
_CONVERSATIONS = sa.table("conversations", sa.column("id"), sa.column("kind"), sa.column("folded_name"))


def upgrade() -> None:
    name_parts = op.create_table(
        "name_parts",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("folded_part", _CODE_POINTS, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    _fill(name_parts, _USERS, sa.literal("user"))
    _fill(name_parts, _CONVERSATIONS, _CONVERSATIONS.c.kind)


def _fill(name_parts: sa.Table, named: sa.TableClause, kind: sa.ColumnElement[str]) -> None:
    """Stores the parts of existing names, ROWS_AT_ONCE names at a time."""
    connection = op.get_bind()
    page = sa.select(named.c.id, named.c.folded_name, kind.label("kind")).order_by(named.c.id).limit(ROWS_AT_ONCE)
    rows = connection.execute(page).all()
    while rows:
        parts = [
            {"kind": row.kind, "folded_part": part, "id": row.id} for row in rows for part in _parts(row.folded_name)
        ]
        if parts:
            connection.execute(name_parts.insert(), parts)
        rows = connection.execute(page.where(named.c.id > rows[-1].id)).all()


def _parts(name: str) -> list[str]:
    starts = [at for at in range(1, len(name)) if name[at].isalnum() and _separates(name[at - 1])]
    return [name[at:] for at in starts[:LATER_WORDS_MAX]]


def _separates(character: str) -> bool:
    return not character.isalnum() and category(character)[0] != "M"
