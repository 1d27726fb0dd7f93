"""Migration: adds columns for the data folder that contains the bytes of a file or upload, and for the folders of each
node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("files", sa.Column("folder_id", sa.Text))
    op.add_column("uploads", sa.Column("folder_id", sa.Text))
    op.add_column("nodes", sa.Column("folder_ids", sa.Text))
