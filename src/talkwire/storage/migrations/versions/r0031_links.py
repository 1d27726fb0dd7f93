"""Migration: adds an index of the messages whose text may contain a link, for the list of a conversation's links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

_HAS_LINK = sa.text("content LIKE '%://%'")


def upgrade() -> None:
    op.create_index(
        "ix_messages_links",
        "messages",
        ["conversation_id", "seq"],
        sqlite_where=_HAS_LINK,
        postgresql_where=_HAS_LINK,
    )
