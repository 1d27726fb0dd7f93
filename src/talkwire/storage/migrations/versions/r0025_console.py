"""Migration: adds casefolded names of conversations and indexes for the lists of the operators' console."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

ROWS_AT_ONCE = 500
"""Number of rows that are read at once."""

_CODE_POINTS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_EXISTS = "deleted_ms IS NULL"
_NAMED = f"name IS NOT NULL AND {_EXISTS}"

_conversations = sa.table(
    "conversations", sa.column("id", sa.Text), sa.column("name", sa.Text), sa.column("folded_name", sa.Text)
)


def upgrade() -> None:
    op.add_column("conversations", sa.Column("folded_name", _CODE_POINTS, nullable=False, server_default=sa.text("''")))
    _fold_names()
    _create("ix_conversations_age", "conversations", ["kind", "created_ms", "id"], _EXISTS)
    _create("ix_conversations_named", "conversations", ["kind", "folded_name", "id"], _NAMED)
    # Many users may have the same name, and a page continues among them.
    op.create_index("ix_users_folded_name_id", "users", ["folded_name", "id"])
    op.drop_index("ix_users_folded_name", "users")
    _create("ix_users_banned", "users", ["folded_name", "id"], "banned")


def _create(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _fold_names() -> None:
    """Stores the casefolded names of existing conversations, ROWS_AT_ONCE rows at a time. Python computes them, because
    the databases' own functions fold fewer letters."""
    connection = op.get_bind()
    id_, name = _conversations.c.id, _conversations.c.name
    page = sa.select(id_, name).where(name.is_not(None)).order_by(id_).limit(ROWS_AT_ONCE)
    put = _conversations.update().where(id_ == sa.bindparam("of")).values(folded_name=sa.bindparam("folded"))
    rows = connection.execute(page).all()
    while rows:
        connection.execute(put, [{"of": row.id, "folded": row.name.casefold()} for row in rows])
        rows = connection.execute(page.where(id_ > rows[-1].id)).all()
