"""Migration: stores the names of users and conversations in the form in which texts of messages are searched, so that
they are found without regard to accents, width and Unicode's normalisation forms.

Nodes of the previous version store names without case only: the users and conversations that they create or rename are
found by the new version once they are renamed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

# Whatever a later version changes in this form, it has to store anew.
from talkwire.core.domain.search.name_search import later_parts, search_name

revision = "0039"
down_revision = "0038"

ROWS_AT_ONCE = 500

_CODE_POINTS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_USERS = sa.table("users", *map(sa.column, ("id", "name", "search_name")))
_CONVERSATIONS = sa.table("conversations", *map(sa.column, ("id", "kind", "name", "folded_name")))
_PARTS = sa.table("name_parts", *map(sa.column, ("kind", "folded_part", "id")))


def upgrade() -> None:
    op.add_column("users", sa.Column("search_name", _CODE_POINTS, nullable=False, server_default=sa.text("''")))
    op.execute(_PARTS.delete())
    _fold_names(_USERS, "search_name", sa.literal("user"))
    _fold_names(_CONVERSATIONS, "folded_name", _CONVERSATIONS.c.kind)
    op.create_index("ix_users_search_name_id", "users", ["search_name", "id"])
    op.drop_index("ix_users_banned", "users")
    banned = sa.text("banned")
    op.create_index("ix_users_banned", "users", ["search_name", "id"], sqlite_where=banned, postgresql_where=banned)


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
