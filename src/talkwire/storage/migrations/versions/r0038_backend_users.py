"""Migration: stores which users stand for the application's backend, so that searches do not offer them.

Existing users stay as they were, because it is unknown whether a person has signed in under the same id.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.add_column("users", sa.Column("backend", sa.Boolean, nullable=False, server_default=sa.false()))
