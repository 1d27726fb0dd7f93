"""Migration: adds whether a picture is animated, and an index of each conversation's files by kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_KIND = """
UPDATE file_links SET kind = (
    SELECT CASE
        WHEN files.width IS NOT NULL OR files.content_type LIKE 'video/%' THEN 'media'
        WHEN files.content_type LIKE 'audio/%' THEN 'audio'
        ELSE 'file'
    END
    FROM files WHERE files.id = file_links.file_id
)
WHERE EXISTS (SELECT 1 FROM files WHERE files.id = file_links.file_id)
"""


def upgrade() -> None:
    op.add_column("files", sa.Column("animated", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("file_links", sa.Column("kind", sa.Text, nullable=False, server_default="file"))
    op.execute(sa.text(_KIND))
    op.create_index("ix_file_links_place", "file_links", ["conversation_id", "kind", "seq", "file_id"])
