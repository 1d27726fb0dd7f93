"""Migration: adds topics and descriptions of conversations, handles (unique names) of users, and an index of the log
for notices such as "Ann joined"."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("topic", sa.Text))
    op.add_column("conversations", sa.Column("description", sa.Text))
    # In the order of code points, as the schema says.
    op.add_column("users", sa.Column("handle", sa.Text().with_variant(sa.Text(collation="C"), "postgresql")))
    where = sa.text("handle IS NOT NULL")
    op.create_index("ix_users_handle", "users", ["handle"], unique=True, sqlite_where=where, postgresql_where=where)
    noticed = sa.text("type IN ('CallRecorded', 'ConversationUpdated', 'MemberAdded', 'MemberRemoved', 'OfferUpdated')")
    columns = ["conversation_id", "type", "pos"]
    op.create_index("ix_log_noticed", "log", columns, sqlite_where=noticed, postgresql_where=noticed)
