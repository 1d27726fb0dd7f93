"""Migration: turns, the pieces of agents' work. The conversations of agents that there are get their places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"

_PLACES = """
INSERT INTO agent_places (conversation_id, agent_id, sent_until_ms)
SELECT members.conversation_id, members.user_id, 0 FROM members
JOIN users ON users.id = members.user_id WHERE users.kind = 'agent'
"""

_HAVE_AGENTS = """
UPDATE conversations SET has_agents = true WHERE id IN (SELECT conversation_id FROM agent_places)
"""


def upgrade() -> None:
    op.create_table(
        "turns",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("root_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("message_count", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("claimable_ms", sa.BigInteger, nullable=True),
        sa.Column("lease_ms", sa.Integer, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=True),
        sa.Column("label", sa.Text, nullable=True),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("note_by", sa.Text, nullable=True),
        sa.Column("card_id", sa.BigInteger, nullable=True),
        sa.Column("stream_id", sa.BigInteger, nullable=True),
        sa.Column("stream_attempt", sa.Integer, nullable=True),
        sa.Column("more", sa.Boolean, nullable=False),
        sa.Column("error_code", sa.Text, nullable=True),
        sa.Column("error_message", sa.Text, nullable=True),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
        sa.Column("stopped_by", sa.Text, nullable=True),
        sa.Column("stopped_ms", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
    )
    op.create_index("ix_turns_agent_id", "turns", ["agent_id", "id"])
    op.create_index("ix_turns_conversation_id", "turns", ["conversation_id", "state"])
    _partial_index("ix_turns_waiting", "state = 'waiting'", "agent_id", "id")
    _partial_index("ix_turns_working", "state = 'working'", "conversation_id", unique=True)
    _partial_index("ix_turns_failed", "state = 'failed'", "agent_id")
    _partial_index("ix_turns_done", "state = 'done'", "ended_ms", "agent_id")
    _partial_index("ix_turns_card_id", "card_id IS NOT NULL", "card_id")
    _partial_index("ix_turns_stream_id", "stream_id IS NOT NULL", "stream_id")
    op.create_table(
        "turn_messages",
        sa.Column("turn_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", "message_id", name="pk_turn_messages"),
    )
    op.create_index("ix_turn_messages_message_id", "turn_messages", ["message_id"])
    op.create_table(
        "agent_places",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("sent_until_ms", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("note_by", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("conversation_id", "agent_id", name="pk_agent_places"),
    )
    op.create_index("ix_agent_places_agent_id", "agent_places", ["agent_id"])
    op.add_column("conversations", sa.Column("agents", sa.Text, nullable=True))
    op.add_column("conversations", sa.Column("has_agents", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute(_PLACES)
    op.execute(_HAVE_AGENTS)


def _partial_index(name: str, where: str, *columns: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, "turns", list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition)
