"""Migration: adds push subscriptions, pushes in progress, and whether a user shares read receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("p256dh", sa.Text),
        sa.Column("auth", sa.Text),
        sa.Column("app_id", sa.Text),
        sa.Column("push_key", sa.Text),
        sa.Column("session_id", sa.Text),
        sa.Column("device_id", sa.Text),
        sa.Column("user_agent", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("renewed_ms", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscriptions"),
    )
    op.create_index("ix_push_subscriptions_user_id", "push_subscriptions", ["user_id"])
    _partial("ix_push_subscriptions_session_id", "session_id IS NOT NULL", "session_id")
    _partial("ix_push_subscriptions_due_ms", "due_ms IS NOT NULL", "due_ms")
    op.create_table(
        "pushes",
        sa.Column("subscription_id", sa.Text, nullable=False),
        sa.Column("notification_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subscription_id", "notification_id", name="pk_pushes"),
    )
    op.create_index("ix_pushes_notification_id", "pushes", ["notification_id"])
    op.create_index("ix_pushes_at_ms", "pushes", ["at_ms"])
    op.add_column("users", sa.Column("read_receipts", sa.Boolean, nullable=False, server_default=sa.true()))


def _partial(name: str, where: str, *columns: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "push_subscriptions", list(columns), sqlite_where=condition, postgresql_where=condition)
