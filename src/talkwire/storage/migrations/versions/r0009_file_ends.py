"""Migration: adds columns for the time at which a file is next checked for references and the time until which a node
has claimed an expired upload for deletion, and indexes.

Every existing file becomes due for a check a day after its upload: a file that nothing refers to is removed then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_UNUSED_LIFETIME_MS = 24 * 60 * 60 * 1000
_LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


def upgrade() -> None:
    op.add_column("files", sa.Column("due_ms", sa.BigInteger))
    op.add_column("uploads", sa.Column("claimed_ms", sa.BigInteger))
    # Behind the last time there can be, the sum might be no number of the database's.
    due = sa.text("UPDATE files SET due_ms = created_ms + :lifetime WHERE created_ms <= :last")
    op.execute(due.bindparams(lifetime=_UNUSED_LIFETIME_MS, last=_LAST_MS))
    op.create_index("ix_files_owner_id_size", "files", ["owner_id", "size"])
    _create_partial_index("ix_files_due_ms", "files", "due_ms")
    _create_partial_index("ix_conversations_avatar", "conversations", "avatar")


def _create_partial_index(name: str, table: str, column: str) -> None:
    where = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
