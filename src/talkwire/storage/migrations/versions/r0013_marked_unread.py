"""Migration: adds a member's private read position, used after they marked messages as unread, and an index of unread
notifications.

Nodes of the previous version ignore the new columns. A read receipt that such a node stores ends the mark, because the
mark holds only for the `read_seq` at which it was made.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for name, default in (("marked_seq", "0"), ("marked_sent", "0"), ("marked_at_seq", "-1")):
        op.add_column("members", sa.Column(name, sa.BigInteger, nullable=False, server_default=default))
    where = sa.text("read_ms IS NULL")
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["user_id", "conversation_id"],
        sqlite_where=where,
        postgresql_where=where,
    )
