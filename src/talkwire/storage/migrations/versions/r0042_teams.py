"""Migration: teams, whose members are members of conversations, and what a conversation of a team has.

Memberships of before are the users' own. A node of the previous version ignores the rest: it lets a member of a team
leave, and then lacks what only a newer node puts right."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.create_table(
        "teams",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "team_members",
        sa.Column("team_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
    )
    op.create_index("ix_team_members_user_id", "team_members", ["user_id", "team_id"])
    op.create_table(
        "conversation_teams",
        sa.Column("team_id", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.Text, primary_key=True),
        sa.Column("history_seq", sa.BigInteger, nullable=False),
        sa.Column("history_pos", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_conversation_teams_conversation_id", "conversation_teams", ["conversation_id"])
    op.create_table(
        "team_changes",
        sa.Column("pos", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("team_id", sa.Text),
        sa.Column("conversation_id", sa.Text),
        sa.Column("user_ids", sa.Text),
        sa.Column("after_id", sa.Text, nullable=False, server_default=sa.text("''")),
    )
    op.add_column("conversations", sa.Column("team_ids", sa.Text))
    op.add_column("conversations", sa.Column("handler_id", sa.Text))
    op.add_column("conversations", sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("conversations", sa.Column("waiting_since_ms", sa.BigInteger))
    op.add_column("conversations", sa.Column("notes_id", sa.Text))
    op.add_column("members", sa.Column("own", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("members", sa.Column("via", sa.Text))
    op.add_column("members", sa.Column("own_history_seq", sa.BigInteger))
    op.add_column("members", sa.Column("own_history_pos", sa.BigInteger))
    op.add_column("members", sa.Column("listed", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_index(
        "ix_members_listed",
        "members",
        ["user_id"],
        sqlite_where=sa.text("listed = 1"),
        postgresql_where=sa.text("listed"),
    )
