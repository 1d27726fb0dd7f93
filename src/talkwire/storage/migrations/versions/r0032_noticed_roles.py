"""Migration: adds changes of roles to the log's index for notices such as "Ann is now the owner"."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

_NOTICED = sa.text(
    "type IN ('CallRecorded', 'ConversationUpdated', 'MemberAdded', 'MemberRemoved', 'MemberUpdated', 'OfferUpdated')"
)


def upgrade() -> None:
    op.drop_index("ix_log_noticed", "log")
    op.create_index(
        "ix_log_noticed",
        "log",
        ["conversation_id", "type", "pos"],
        sqlite_where=_NOTICED,
        postgresql_where=_NOTICED,
    )
