"""Migration: adds the table of which users follow which threads.

In existing threads, users follow those that they wrote in or were mentioned in. What a user has read in the
conversation counts as read in its threads.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_FILL = """
INSERT INTO thread_follows (user_id, root_id, conversation_id, following, read_seq)
SELECT members.user_id, found.root_id, members.conversation_id, true, members.read_seq
FROM (
    SELECT sender_id AS user_id, thread_id AS root_id, conversation_id
    FROM messages WHERE thread_id IS NOT NULL
    UNION
    SELECT roots.sender_id, roots.id, roots.conversation_id
    FROM messages AS roots
    WHERE roots.id IN (SELECT thread_id FROM messages WHERE thread_id IS NOT NULL)
    UNION
    SELECT mentions.user_id, messages.thread_id, messages.conversation_id
    FROM messages
    JOIN mentions ON mentions.conversation_id = messages.conversation_id AND mentions.seq = messages.seq
    WHERE messages.thread_id IS NOT NULL
) AS found
JOIN members ON members.conversation_id = found.conversation_id AND members.user_id = found.user_id
"""


def upgrade() -> None:
    op.create_table(
        "thread_follows",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("root_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("following", sa.Boolean, nullable=False),
        sa.Column("read_seq", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_thread_follows_root_id", "thread_follows", ["root_id"])
    op.execute(sa.text(_FILL))
