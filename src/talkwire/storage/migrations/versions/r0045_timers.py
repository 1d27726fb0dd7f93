"""Migration: the table of timers, with those of the offers, bans and mutes that end.

A node of the previous version sets no timers, and ends offers and bans by itself. What it leaves is found by a newer
node, which looks for rows without their timers when it starts and once in a while (`storage/tables/timers.py`)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"

_RESTRICTED = "conversation_id || '/' || user_id, until_ms FROM restrictions WHERE until_ms < 9007199254740992"
"""SQL of the restrictions that have an end: 2**53 stands for none."""


def upgrade() -> None:
    op.create_table(
        "timers",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_timers_due_ms", "timers", ["due_ms"])
    for rows in (
        "SELECT 'offer', CAST(id AS TEXT), expires_ms FROM offers WHERE status = 'pending' AND expires_ms IS NOT NULL",
        "SELECT 'ban', id, ban_until_ms FROM users WHERE banned AND ban_until_ms IS NOT NULL",
        f"SELECT 'mute', {_RESTRICTED} AND kind = 'mute'",
        f"SELECT 'conversation-ban', {_RESTRICTED} AND kind = 'ban'",
    ):
        op.execute(sa.text("INSERT INTO timers (kind, key, due_ms) " + rows))
