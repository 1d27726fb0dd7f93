"""Migration: adds the tables of webhooks: endpoints that receive events, planned retries, and the newest attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("types", sa.Text),
        sa.Column("conversation_ids", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("old_secret", sa.Text),
        sa.Column("old_secret_until_ms", sa.BigInteger),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("enabled_ms", sa.BigInteger, nullable=False),
        sa.Column("disabled_ms", sa.BigInteger),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("rewinds", sa.Integer, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("node_id", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_retries",
        sa.Column("webhook_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("first_ms", sa.BigInteger),
        sa.Column("next_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", "key", name="pk_webhook_retries"),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("webhook_id", sa.Text, nullable=False),
        sa.Column("attempts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhook_attempts"),
    )
