"""Migration: creates the tables of the log, users, accounts, conversations, members and messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from talkwire.storage.migrations import new_epoch

revision = "0001"
down_revision = None

_position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    log_head = op.create_table(
        "log_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_one_row")),
    )
    op.bulk_insert(log_head, [{"id": 1, "epoch": new_epoch(), "pos": 0}])
    op.create_table(
        "log",
        sa.Column("pos", _position, nullable=False, autoincrement=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("data", sa.Text),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.BigInteger),
        sa.PrimaryKeyConstraint("pos", name="pk_log"),
    )
    _create_users()
    _create_conversations()
    _create_messages()


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("avatar", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("banned", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_table(
        "accounts",
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("email", name="pk_accounts"),
        sa.UniqueConstraint("user_id", name="uq_accounts_user_id"),
    )
    op.create_table(
        "logins",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_logins"),
    )
    op.create_index("ix_logins_user_id", "logins", ["user_id"])


def _create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("owner_id", sa.Text),
        sa.Column("direct_key", sa.Text),
        sa.Column("member_count", sa.Integer, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("last_pos", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("direct_key", name="uq_conversations_direct_key"),
    )
    op.create_table(
        "members",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("joined_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", name="pk_members"),
    )
    op.create_index("ix_members_user_id_conversation_id", "members", ["user_id", "conversation_id"])


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _position, nullable=False, autoincrement=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("sender_id", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("client_message_id", sa.Text),
        sa.Column("command_hash", sa.BigInteger),
        sa.Column("metadata", sa.Text),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("conversation_id", "seq", name="uq_messages_conversation_id_seq"),
    )
    op.create_index(
        "uq_messages_client_message_id",
        "messages",
        ["conversation_id", "sender_id", "client_message_id"],
        unique=True,
        sqlite_where=sa.text("client_message_id IS NOT NULL"),
        postgresql_where=sa.text("client_message_id IS NOT NULL"),
    )
