"""The tables. Times are milliseconds since 1970 UTC.

JSON is kept as text, so that both databases give back the same.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite stores a table in the order of its key only when that key is spelt INTEGER.
_Position = BigInteger().with_variant(Integer(), "sqlite")

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Text, nullable=False),
    Column("pos", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""One row: every writing transaction locks it first, so log order is commit order."""

log = Table(
    "log",
    metadata,
    Column("pos", _Position, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("conversation_id", Text),
    Column("message_id", BigInteger),
    Column("data", Text),
    Column("at_ms", BigInteger, nullable=False),
    Column("batch", BigInteger),
)
"""Every durable event. `data` is the event as JSON, except for a message's, which is read from `messages`. The last
row of a transaction carries a random `batch`, by which a writer that lost the reply to COMMIT learns what became of
it."""

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("avatar", Text),
    Column("email", Text),
    Column("banned", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("email", Text, primary_key=True),
    Column("user_id", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
)

logins = Table(
    "logins",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("token_hash", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("owner_id", Text),
    Column("direct_key", Text, unique=True),
    Column("member_count", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_pos", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
"""`direct_key` names the pair of a direct conversation, which makes it unique."""

members = Table(
    "members",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("joined_ms", BigInteger, nullable=False),
    Index("ix_members_user_id_conversation_id", "user_id", "conversation_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", _Position, primary_key=True, autoincrement=False),
    Column("conversation_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("sender_id", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("client_message_id", Text),
    Column("command_hash", BigInteger),
    Column("metadata", Text),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("conversation_id", "seq"),
    Index(
        "uq_messages_client_message_id",
        "conversation_id",
        "sender_id",
        "client_message_id",
        unique=True,
        sqlite_where=text("client_message_id IS NOT NULL"),
        postgresql_where=text("client_message_id IS NOT NULL"),
    ),
)
