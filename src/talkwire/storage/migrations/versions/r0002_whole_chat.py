"""Migration: adds the tables of most features, and further columns of messages, members and conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _extend_log()
    _extend_users()
    _extend_conversations()
    _extend_members()
    _extend_messages()
    _create_offers()
    _create_notifications()
    _extend_logins()
    _create_answers()
    _create_presence()
    _create_search()
    _create_files()


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _key(name: str, type_: Any = sa.Text) -> sa.Column[Any]:  # noqa: ANN401 (SQLAlchemy's types, or instances of them)
    return sa.Column(name, type_, nullable=False, autoincrement=False)


def _add(table: str, *columns: sa.Column[Any]) -> None:
    for column in columns:
        op.add_column(table, column)


def _partial_index(name: str, table: str, where: str, columns: Sequence[str]) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _extend_log() -> None:
    _add("log_head", _count("floor"))
    _add("log", sa.Column("user_id", sa.Text))
    _partial_index(
        "ix_log_conversation_id_pos",
        "log",
        "conversation_id IS NOT NULL AND data IS NOT NULL",
        ["conversation_id", "pos"],
    )
    _partial_index("ix_log_user_id_pos", "log", "user_id IS NOT NULL", ["user_id", "pos"])
    op.create_table(
        "followers",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_followers"),
    )


def _extend_users() -> None:
    _add(
        "users",
        sa.Column("text", sa.Text),
        sa.Column(
            "folded_name",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
            server_default=sa.text("''"),
        ),
    )
    op.create_index("ix_users_folded_name", "users", ["folded_name"])
    users = sa.table("users", sa.column("id", sa.Text), sa.column("name", sa.Text), sa.column("folded_name", sa.Text))
    connection = op.get_bind()
    for id_, name in connection.execute(sa.select(users.c.id, users.c.name)).all():
        connection.execute(users.update().where(users.c.id == id_).values(folded_name=name.casefold()))
    op.create_table(
        "blocks",
        _key("user_id"),
        _key("blocked_id"),
        sa.PrimaryKeyConstraint("user_id", "blocked_id", name="pk_blocks"),
    )
    op.create_index("ix_blocks_blocked_id", "blocks", ["blocked_id"])


def _extend_conversations() -> None:
    _add(
        "conversations",
        _count("active_pos"),
        sa.Column("avatar", sa.Text),
        sa.Column("public", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("history", sa.Text, nullable=False, server_default="all"),
        sa.Column("slow_mode_s", sa.Integer, nullable=False, server_default="0"),
        sa.Column("metadata", sa.Text),
        sa.Column("deleted_ms", sa.BigInteger),
        sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.execute(
        "UPDATE conversations SET active_pos = COALESCE((SELECT messages.id - 1000000000000 FROM messages WHERE "
        "messages.conversation_id = conversations.id AND messages.seq = conversations.last_seq), last_pos)"
    )
    op.create_table(
        "restrictions",
        _key("conversation_id"),
        _key("user_id"),
        _key("kind"),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", "kind", name="pk_restrictions"),
    )


def _extend_members() -> None:
    """Adds columns to the table of members. Existing members count as having joined at the beginning of the log."""
    _add(
        "members",
        _count("history_seq"),
        _count("read_seq"),
        _count("read_ms"),
        _count("delivered_seq"),
        _count("delivered_ms"),
        _count("sent_count"),
        _count("last_sent_ms"),
        _count("read_sent"),
        _count("muted_until_ms"),
        sa.Column("muted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("notify", sa.Text),
        sa.Column("sound", sa.Text),
    )
    _partial_index("ix_members_eager", "members", "notify = 'all'", ["conversation_id"])
    op.execute(
        "UPDATE members SET sent_count = (SELECT count(*) FROM messages WHERE messages.conversation_id = "
        "members.conversation_id AND messages.sender_id = members.user_id)"
    )
    op.create_table(
        "spans",
        _key("user_id"),
        _key("conversation_id"),
        _key("from_pos", sa.BigInteger),
        sa.Column("to_pos", sa.BigInteger),
        sa.Column("history_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "conversation_id", "from_pos", name="pk_spans"),
    )
    op.execute(
        "INSERT INTO spans (user_id, conversation_id, from_pos, history_seq) "
        "SELECT user_id, conversation_id, 0, 0 FROM members"
    )


def _extend_messages() -> None:
    _add(
        "messages",
        sa.Column("extra", sa.Text),
        sa.Column("reply_to_id", sa.BigInteger),
        sa.Column("thread_id", sa.BigInteger),
        sa.Column("reply_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reaction_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("pinned_ms", sa.BigInteger),
        sa.Column("edited_ms", sa.BigInteger),
        sa.Column("deleted_ms", sa.BigInteger),
        sa.Column("deleted_by", sa.Text),
    )
    _partial_index("ix_messages_milestones", "messages", "seq % 64 = 0", ["conversation_id", "id"])
    _partial_index("ix_messages_thread", "messages", "thread_id IS NOT NULL", ["thread_id", "seq"])
    _partial_index("ix_messages_pinned", "messages", "pinned_ms IS NOT NULL", ["conversation_id", "pinned_ms"])
    op.create_table(
        "tombstones",
        _key("conversation_id"),
        _key("seq", sa.BigInteger),
        sa.Column("sender_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name="pk_tombstones"),
    )
    op.create_table(
        "message_versions",
        _key("message_id", sa.BigInteger),
        _key("version", sa.Integer),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("written_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "version", name="pk_message_versions"),
    )
    op.create_table(
        "reactions",
        _key("message_id", sa.BigInteger),
        _key("emoji"),
        _key("user_id"),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "emoji", "user_id", name="pk_reactions"),
    )
    op.create_table(
        "mentions",
        _key("conversation_id"),
        _key("user_id"),
        _key("seq", sa.BigInteger),
        sa.Column("sender_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", "seq", name="pk_mentions"),
    )


def _create_offers() -> None:
    op.create_table(
        "offers",
        _key("id", _position),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("counter_of", sa.BigInteger),
        sa.Column("metadata", sa.Text),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_by", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_offers"),
    )
    op.create_index("ix_offers_conversation_id_id", "offers", ["conversation_id", "id"])
    _partial_index("ix_offers_due", "offers", "status = 'pending' AND expires_ms IS NOT NULL", ["expires_ms"])


def _create_notifications() -> None:
    op.create_table(
        "preferences",
        _key("user_id"),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_preferences"),
    )
    op.create_table(
        "notifications",
        _key("user_id"),
        _key("id", sa.BigInteger),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("offer_id", sa.BigInteger),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("sound", sa.Text),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("read_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_notifications"),
    )
    # Nobody is notified of what happened before there were notifications.
    op.execute("INSERT INTO followers (name, pos) SELECT 'notifications', pos FROM log_head")


def _extend_logins() -> None:
    _add(
        "logins",
        _count("last_seen_ms"),
        sa.Column("address", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("user_agent", sa.Text, nullable=False, server_default=sa.text("''")),
    )
    op.execute("UPDATE logins SET last_seen_ms = created_ms")


def _create_answers() -> None:
    op.create_table(
        "answers",
        _key("user_id"),
        _key("route"),
        _key("key"),
        sa.Column("command_hash", sa.BigInteger, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name="pk_answers"),
    )
    op.create_index("ix_answers_expires_ms", "answers", ["expires_ms"])


def _create_presence() -> None:
    op.create_table(
        "nodes",
        _key("id"),
        sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
    )
    op.create_table(
        "online",
        _key("user_id"),
        _key("node_id"),
        sa.PrimaryKeyConstraint("user_id", "node_id", name="pk_online"),
    )
    op.create_table(
        "presence",
        _key("user_id"),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("last_seen_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("user_id", name="pk_presence"),
    )


def _create_search() -> None:
    """Creates the full-text index of messages. It differs by database and is not in `schema.py`, see
    `messages/search.py`."""
    _partial_index("ix_conversations_public", "conversations", "public", ["id"])
    if op.get_bind().dialect.name == "sqlite":
        # No search asks where in a text or how often a word occurs.
        op.execute(
            "CREATE VIRTUAL TABLE message_words USING fts5 (words, tokenize = 'ascii', detail = none, columnsize = 0)"
        )
    else:
        op.execute("CREATE TABLE message_words (message_id bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_message_words_words ON message_words USING gin (words)")


def _create_files() -> None:
    op.create_table(
        "uploads",
        _key("id"),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_owner_id", "uploads", ["owner_id"])
    op.create_index("ix_uploads_expires_ms", "uploads", ["expires_ms"])
    op.create_table(
        "files",
        _key("id"),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("upload_length", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
    )
    op.create_table(
        "file_links",
        _key("file_id"),
        _key("message_id", sa.BigInteger),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "message_id", name="pk_file_links"),
    )
