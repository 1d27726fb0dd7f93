"""Defines the database's tables and indexes. All times are in milliseconds since 1970 UTC.

JSON is stored as text, so that both databases return the same.

The conditions of partial indexes and the defaults of columns are SQL text: a database uses such an index only for a
query that spells the condition as the index does, and Alembic compares defaults as they are spelt.
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
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _partial(name: str, where: str, *columns: str, unique: bool = False) -> Index:
    """Returns a partial index: it contains only the rows that meet the SQL condition `where`. A query uses it only if
    it spells this condition alike."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


# SQLite stores a table in the order of its key only when that key is spelt INTEGER.
_Position = BigInteger().with_variant(Integer(), "sqlite")

# In the order of code points, whatever the database's language, so that a prefix is a range of the index.
_CodePoints = Text().with_variant(Text(collation="C"), "postgresql")

SEARCH_INDEX = {
    # No search asks where in a text or how often a word occurs.
    "sqlite": (
        "CREATE VIRTUAL TABLE message_words USING fts5 (words, tokenize = 'ascii', detail = none, columnsize = 0)",
    ),
    "postgresql": (
        "CREATE TABLE message_words (message_id bigint PRIMARY KEY, words tsvector NOT NULL)",
        "CREATE INDEX ix_message_words_words ON message_words USING gin (words)",
    ),
}
"""SQL statements that create the full-text index of messages, by database. It is not in `metadata`, because SQLAlchemy
has no construct for virtual tables; see `messages/search.py`."""

LOG_HEAD_ID = 1
"""Id of the only row of `log_head`."""

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Text, nullable=False),
    Column("pos", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False, server_default="0"),
    Column("lineage", Text),
    CheckConstraint(f"id = {LOG_HEAD_ID}", name="one_row"),
)
"""The state of the log, in one row. Every writing transaction locks the row first, so log order is commit order. Events
up to `floor` have been pruned. `lineage` identifies the database's history that the epoch belongs to (`lineage.py`)."""

NOTICED = (
    "type IN ('CallRecorded', 'ConversationUpdated', 'MemberAdded', 'MemberRemoved', 'MemberUpdated', 'OfferUpdated')"
)
"""SQL condition that an event of the log can be a notice (`core/features/conversations/notices.py`)."""

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
    Column("user_id", Text),
    _partial(
        "ix_log_conversation_id_pos", "conversation_id IS NOT NULL AND data IS NOT NULL", "conversation_id", "pos"
    ),
    _partial("ix_log_noticed", NOTICED, "conversation_id", "type", "pos"),
    _partial("ix_log_stream_ends", "type = 'StreamStateChanged'", "conversation_id", "pos"),
    _partial("ix_log_user_id_pos", "user_id IS NOT NULL", "user_id", "pos"),
)
"""Durable events, each with the conversation or the user that it concerns (`core.domain.audience`). `data` is the event
as JSON, without its message, which is read from `messages`. A `MessageSent` has no `data` and is in no index: it is
found among the messages. The last row of a transaction has a random number `batch`, by which a writer that lost the
reply to COMMIT finds out whether the transaction was committed."""

followers = Table(
    "followers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("pos", BigInteger, nullable=False),
)
"""The log position up to which each follower (a background task that processes the log) has done its work."""

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("avatar", Text),
    Column("email", Text),
    Column("banned", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("text", Text),
    Column("folded_name", _CodePoints, nullable=False, server_default=text("''")),
    Column("metadata", Text),
    Column("named", Boolean, nullable=False, server_default=false()),
    Column("erased", Text),
    Column("hold", Boolean, nullable=False, server_default=false()),
    Column("read_receipts", Boolean, nullable=False, server_default=true()),
    Column("handle", _CodePoints),
    Column("ban_reason", Text),
    Column("ban_until_ms", BigInteger),
    Column("backend", Boolean, nullable=False, server_default=false()),
    Column("search_name", _CodePoints, nullable=False, server_default=text("''")),
    Column("kind", Text, nullable=False, server_default=text("'person'")),
    Column("owner_id", Text),
    _partial("ix_users_ban_until_ms", "ban_until_ms IS NOT NULL", "ban_until_ms"),
    Index("ix_users_folded_name_id", "folded_name", "id"),
    Index("ix_users_search_name_id", "search_name", "id"),
    _partial("ix_users_banned", "banned", "search_name", "id"),
    _partial("ix_users_hold", "hold", "id"),
    _partial("ix_users_owner_id", "owner_id IS NOT NULL", "owner_id"),
    _partial("ix_users_handle", "handle IS NOT NULL", "handle", unique=True),
)
"""Users. `folded_name` is the name without case, by which users are mentioned, and `search_name` the form in which it
is searched (`core/domain/search/name_search.py`). `metadata` is JSON. `named`: the back end or the user chose the id as
the name, so that tokens do not change it. `erased`: `keep` or `redact`. `read_receipts` repeats the user's preference,
for the statements that look for readers. `handle` is in lower case. `backend`: the user was created for the back end,
and no token of another role has named it. `kind`: `person` or `agent`; `owner_id` is the person who is responsible for
an agent."""

name_parts = Table(
    "name_parts",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("folded_part", _CodePoints, primary_key=True),
    Column("id", Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""The parts of names from their second and later words on, in the form in which they are searched. `kind` is
`user`, or the kind of the conversation."""

erasures = Table(
    "erasures",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("redact", Boolean, nullable=False),
    Column("stage", Text, nullable=False),
    Column("after_pos", BigInteger, nullable=False),
)
"""Erased users of whom something is still stored. `stage` names the part that is being cleaned, up to `after_pos`
(`messages/erasure.py`)."""

blocks = Table(
    "blocks",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("blocked_id", Text, primary_key=True),
    Index("ix_blocks_blocked_id", "blocked_id"),
)
"""Pairs of users of whom the first, `user_id`, has blocked the second, `blocked_id`."""

accounts = Table(
    "accounts",
    metadata,
    Column("email", Text, primary_key=True),
    Column("user_id", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False, server_default="user"),
)

provider_identities = Table(
    "provider_identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("profile", Text, nullable=False),
)
"""The users of OpenID providers. `profile` is JSON: what was last taken over from the provider."""

logins = Table(
    "logins",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("token_hash", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False, server_default="0"),
    Column("address", Text, nullable=False, server_default=text("''")),
    Column("user_agent", Text, nullable=False, server_default=text("''")),
    Column("issuer", Text),
)
"""Signed-in devices. `issuer` is the OpenID provider; NULL for a sign-in with a password."""

answers = Table(
    "answers",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("command_hash", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)
"""The stored answers to requests with an `Idempotency-Key`."""

invitations = Table(
    "invitations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code_hash", Text, nullable=False, unique=True),
    Column("conversation_ids", Text, nullable=False),
    Column("creator_id", Text, nullable=False),
    Column("creator_role", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("max_uses", Integer),
    Column("uses", Integer, nullable=False, server_default="0"),
    Column("role", Text, nullable=False, server_default="user"),
    Index("ix_invitations_creator_id_id", "creator_id", "id"),
    _partial("ix_invitations_expires_ms", "expires_ms IS NOT NULL", "expires_ms"),
)
"""Invitation links. `conversation_ids` is JSON; `creator_id` is empty for the application's backend."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("types", Text),
    Column("conversation_ids", Text),
    Column("description", Text),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until_ms", BigInteger),
    Column("enabled", Boolean, nullable=False),
    Column("enabled_ms", BigInteger, nullable=False),
    Column("disabled_ms", BigInteger),
    Column("disabled_reason", Text),
    Column("pos", BigInteger, nullable=False),
    Column("rewinds", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("node_id", Text),
    Column("final", Boolean, nullable=False, server_default=false()),
)
"""Endpoints that receive events. `types` and `conversation_ids` are JSON; NULL means all. Events up to `pos` were
accepted, left out, or have a row in `webhook_retries`. `node_id` is the node that delivers, while its lease lasts."""

webhook_retries = Table(
    "webhook_retries",
    metadata,
    Column("webhook_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("pos", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("first_ms", BigInteger),
    Column("next_ms", BigInteger, nullable=False),
)
"""Conversations and users (`key`) with an event that a webhook has not accepted. From `pos` on, none of the key's
events counts as delivered. `first_ms` is the time of the first attempt of the event at `pos`."""

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("webhook_id", Text, primary_key=True),
    Column("attempts", Text, nullable=False),
)
"""The newest attempts of each webhook, as JSON."""

NOT_DELETED = "deleted_ms IS NULL"
"""SQL condition that a conversation was not deleted."""

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
    Column("active_pos", BigInteger, nullable=False, server_default="0"),
    Column("avatar", Text),
    Column("public", Boolean, nullable=False, server_default=false()),
    Column("history", Text, nullable=False, server_default="all"),
    Column("slow_mode_s", Integer, nullable=False, server_default="0"),
    Column("metadata", Text),
    Column("deleted_ms", BigInteger),
    Column("blocked", Boolean, nullable=False, server_default=false()),
    Column("retention_days", Integer),
    Column("hold", Boolean, nullable=False, server_default=false()),
    Column("pruned_seq", BigInteger),
    Column("topic", Text),
    Column("description", Text),
    Column("offer_pos", BigInteger, nullable=False, server_default="0"),
    Column("folded_name", _CodePoints, nullable=False, server_default=text("''")),
    Column("notify", Text),
    Column("team_ids", Text),
    Column("handler_id", Text),
    Column("closed", Boolean, nullable=False, server_default=false()),
    Column("waiting_since_ms", BigInteger),
    Column("notes_id", Text),
    Column("notes_of", Text),
    Column("agents", Text),
    Column("has_agents", Boolean, nullable=False, server_default=false()),
    _partial("ix_conversations_age", NOT_DELETED, "kind", "created_ms", "id"),
    _partial("ix_conversations_named", f"name IS NOT NULL AND {NOT_DELETED}", "kind", "folded_name", "id"),
    _partial("ix_conversations_public", "public", "id"),
    _partial("ix_conversations_hold", "hold", "id"),
    _partial("ix_conversations_pruned", "pruned_seq IS NOT NULL", "id"),
    _partial("ix_conversations_avatar", "avatar IS NOT NULL", "avatar"),
    _partial("ix_conversations_desk", "team_ids IS NOT NULL", "closed", "id"),
    _partial("ix_conversations_handler", "handler_id IS NOT NULL", "handler_id", "id"),
)
"""Conversations. `direct_key` identifies the two members of a direct conversation, which makes it unique. `pruned_seq`
is set for conversations that are pruned separately from the log, since their messages are or were kept for another time
than others; messages up to this `seq` were old enough when it was pruned last. `folded_name` is the name in the form in
which it is searched, empty without a name."""

members = Table(
    "members",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("joined_ms", BigInteger, nullable=False),
    *(
        Column(name, BigInteger, nullable=False, server_default="0")
        for name in (
            "history_seq",
            "read_seq",
            "read_ms",
            "delivered_seq",
            "delivered_ms",
            "sent_count",
            "last_sent_ms",
            "read_sent",
            "muted_until_ms",
        )
    ),
    Column("muted", Boolean, nullable=False, server_default=false()),
    Column("notify", Text),
    Column("sound", Text),
    Column("history_pos", BigInteger, nullable=False, server_default="0"),
    Column("marked_seq", BigInteger, nullable=False, server_default="0"),
    Column("marked_sent", BigInteger, nullable=False, server_default="0"),
    Column("marked_at_seq", BigInteger, nullable=False, server_default="-1"),
    Column("favourite", Boolean, nullable=False, server_default=false()),
    Column("archived_seq", BigInteger),
    Column("unmute_ms", BigInteger),
    Column("section", Text),
    Column("own", Boolean, nullable=False, server_default=true()),
    Column("via", Text),
    Column("own_history_seq", BigInteger),
    Column("own_history_pos", BigInteger),
    Column("listed", Boolean, nullable=False, server_default=true()),
    Index("ix_members_user_id_conversation_id", "user_id", "conversation_id"),
    _partial("ix_members_eager", "notify = 'all'", "conversation_id"),
    # SQLAlchemy spells a condition on a boolean column in each database's way.
    Index("ix_members_listed", "user_id", sqlite_where=text("listed = 1"), postgresql_where=text("listed")),
)

teams = Table(
    "teams",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

team_members = Table(
    "team_members",
    metadata,
    Column("team_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Index("ix_team_members_user_id", "user_id", "team_id"),
)

conversation_teams = Table(
    "conversation_teams",
    metadata,
    Column("team_id", Text, primary_key=True),
    Column("conversation_id", Text, primary_key=True),
    Column("history_seq", BigInteger, nullable=False),
    Column("history_pos", BigInteger, nullable=False),
    Index("ix_conversation_teams_conversation_id", "conversation_id"),
)
"""The teams of conversations, as in `conversations.team_ids`. The members of a team see the conversation from
`history_seq` and `history_pos` on."""

conversation_keys = Table(
    "conversation_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("conversation_id", Text, primary_key=True),
)
"""The index of conversations by top-level keys of their metadata: the texts of the values of the keys in
`indexed_keys`."""

indexed_keys = Table(
    "indexed_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("after_id", Text),
)
"""The keys of `conversation_keys`. `after_id`: of conversations from before the key, those up to this id are indexed;
NULL if all are."""

team_changes = Table(
    "team_changes",
    metadata,
    Column("pos", BigInteger, primary_key=True, autoincrement=False),
    Column("team_id", Text),
    Column("conversation_id", Text),
    Column("user_ids", Text),
    Column("after_id", Text, nullable=False, server_default=text("''")),
)
"""Changes of teams, and of the teams of conversations, whose memberships are not all written yet: the oldest is
completed first. `pos` is the log position of the change. With `team_id`, the memberships of the users `user_ids`
(JSON) in the team's conversations after `after_id` remain; with `conversation_id`, those of that conversation."""

spans = Table(
    "spans",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("conversation_id", Text, primary_key=True),
    Column("from_pos", BigInteger, primary_key=True, autoincrement=False),
    Column("to_pos", BigInteger),
    Column("history_seq", BigInteger, nullable=False),
    Column("history_pos", BigInteger, nullable=False, server_default="0"),
)
"""The spans of time in which a user was a member, first and last event included. `to_pos` is empty while the membership
lasts; the history is then that of the member's row."""

restrictions = Table(
    "restrictions",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text),
)
"""Users that moderators have muted in a conversation or banned from it. Restrictions outlast a membership."""

reports = Table(
    "reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("message_id", BigInteger, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("author_id", Text, nullable=False),
    Column("reporter_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("note", Text),
    Column("state", Text, nullable=False),
    Column("action", Text),
    Column("decision", Text),
    Column("decided_ms", BigInteger),
    Column("decided_by", Text),
    Column("decided_pos", BigInteger),
    Column("content", Text),
    Column("about", Text, nullable=False, server_default=text("'message'")),
    Column("copied_from", Text, nullable=False, server_default=text("'[]'")),
    Index("ix_reports_state_id", "state", "id"),
    _partial("ix_reports_open", "state = 'open'", "message_id", "reporter_id", unique=True),
    _partial("ix_reports_decided_pos", "decided_pos IS NOT NULL", "decided_pos"),
)
"""Reports of messages and offers, whose ids never coincide: with `about` = `offer`, `message_id` is an offer's id.
`decided_pos` is the log position of the decision, from which its notifications have their ids. `copied_from` is a JSON
list of users' ids."""

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("action", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("address", Text),
    Column("conversation_id", Text),
    Column("reason", Text),
    Column("digest", Text),
    Index("ix_audit_action_id", "action", "id"),
    Index("ix_audit_actor_id_id", "actor_id", "id"),
    Index("ix_audit_target_id_id", "target_id", "id"),
)
"""The audit log. Ids are numbered without gaps."""

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
    Column("extra", Text),
    Column("reply_to_id", BigInteger),
    Column("thread_id", BigInteger),
    Column("reply_count", Integer, nullable=False, server_default="0"),
    Column("reaction_count", Integer, nullable=False, server_default="0"),
    Column("pinned_ms", BigInteger),
    Column("edited_ms", BigInteger),
    Column("deleted_ms", BigInteger),
    Column("deleted_by", Text),
    UniqueConstraint("conversation_id", "seq"),
    _partial(
        "uq_messages_client_message_id",
        "client_message_id IS NOT NULL",
        "conversation_id",
        "sender_id",
        "client_message_id",
        unique=True,
    ),
    _partial("ix_messages_milestones", "seq % 64 = 0", "conversation_id", "id"),
    _partial("ix_messages_thread", "thread_id IS NOT NULL", "thread_id", "seq"),
    _partial("ix_messages_links", "content LIKE '%://%'", "conversation_id", "seq"),
    _partial("ix_messages_pinned", "pinned_ms IS NOT NULL", "conversation_id", "pinned_ms"),
)
"""Messages. `extra` is JSON of what few messages have (`messages.Extra`). The milestones, one in 64 messages, lead from
a log position to a `seq` without an index over all messages, which every send would have to pay for."""

thread_follows = Table(
    "thread_follows",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("root_id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", Text, nullable=False),
    Column("following", Boolean, nullable=False),
    Column("read_seq", BigInteger, nullable=False),
    Index("ix_thread_follows_root_id", "root_id"),
)
"""The threads that users follow, and the `seq` up to which they have read them. A row in which `following` is false is
kept, so that a mention does not make the user follow the thread again."""

imports = Table(
    "imports",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("from_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("to_seq", BigInteger, nullable=False),
    Column("earlier", BigInteger, nullable=False),
    Column("due_ms", BigInteger),
    _partial("ix_imports_due_ms", "due_ms IS NOT NULL", "due_ms"),
)
"""The imported messages, in runs without another message between them. `earlier` is how many messages the
conversation's earlier runs have. `due_ms` is the time of the run's oldest message that was not
cleared, by which it is pruned."""

tombstones = Table(
    "tombstones",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("sender_id", Text, nullable=False),
)
"""The deleted messages, in a table of their own so that they can be counted without reading the others. Deleted
imported messages are counted in `imports`."""

message_versions = Table(
    "message_versions",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("written_ms", BigInteger, nullable=False),
    Column("parts", Text),
)
"""The earlier contents of edited messages, from version 1 on. `parts` is JSON, NULL if the version had no parts."""

source_quotes = Table(
    "source_quotes",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("quoted_id", BigInteger, primary_key=True, autoincrement=False, index=True),
)
"""The messages that have, in a part that is a source, a quote of another message, now or in an earlier version."""

streams = Table(
    "streams",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", Text, nullable=False, index=True),
    Column("author_id", Text, nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("lease_ms", Integer, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("has_ended", Boolean, nullable=False),
    Column("stopped_by", Text),
    Column("stopped_ms", BigInteger),
)
"""The messages that are being written, or whose writing was interrupted and may be continued. `node_id` is the home of
the stream, the node that holds its newest text in memory, and `attempt` the number of the attempt that writes. The
lease, `lease_ms` long, ends at `until_ms`: then the stream is interrupted. An interrupted one has the empty text as its
home, and `until_ms` is when it can no longer be continued. `stopped_by` is who has asked the author to stop, at
`stopped_ms`."""

turns = Table(
    "turns",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("root_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("claimable_ms", BigInteger),
    Column("lease_ms", Integer, nullable=False),
    Column("until_ms", BigInteger),
    Column("label", Text),
    Column("note", Text),
    Column("note_by", Text),
    Column("card_id", BigInteger),
    Column("stream_id", BigInteger),
    Column("stream_attempt", Integer),
    Column("more", Boolean, nullable=False),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("ended_ms", BigInteger),
    Column("stopped_by", Text),
    Column("stopped_ms", BigInteger),
    Index("ix_turns_agent_id", "agent_id", "id"),
    Index("ix_turns_conversation_id", "conversation_id", "state"),
    _partial("ix_turns_waiting", "state = 'waiting'", "agent_id", "id"),
    _partial("ix_turns_working", "state = 'working'", "conversation_id", unique=True),
    _partial("ix_turns_failed", "state = 'failed'", "agent_id"),
    _partial("ix_turns_done", "state = 'done'", "ended_ms", "agent_id"),
    _partial("ix_turns_card_id", "card_id IS NOT NULL", "card_id"),
    _partial("ix_turns_stream_id", "stream_id IS NOT NULL", "stream_id"),
)
"""The pieces of agents' work, with the fields of `core.domain.agents.turns.Turn`. Of one conversation at most one is
`working`. They are removed a while after their end."""

turn_messages = Table(
    "turn_messages",
    metadata,
    Column("turn_id", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False, index=True),
)
"""The messages that turns answer."""

agent_places = Table(
    "agent_places",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("agent_id", Text, primary_key=True, index=True),
    Column("sent_until_ms", BigInteger, nullable=False),
    Column("note", Text),
    Column("note_by", Text),
)
"""The agents that are or were members of a conversation. `sent_until_ms` says until when the agent has used up the
messages that it may send there within an hour. `note` is what the user `note_by` wrote for its next turn."""

stopped_answers = Table(
    "stopped_answers",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("stopped_by", Text, nullable=False),
    Column("stopped_ms", BigInteger, nullable=False, index=True),
)
"""The messages of which a user has stopped the answers: streams that answer them are to stop as well."""

reactions = Table(
    "reactions",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("emoji", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("pos", BigInteger, nullable=False),
)

mentions = Table(
    "mentions",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("sender_id", Text, nullable=False),
)
"""The users that messages mention; `user_id` is `EVERYONE` if a message mentions all members. Deleted messages mention
nobody."""

EVERYONE = "/"
"""Value in `mentions` for all members. It is not a valid user id."""

saved_messages = Table(
    "saved_messages",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False, index=True),
    Column("conversation_id", Text, nullable=False),
    Column("saved_ms", BigInteger, nullable=False),
    Column("pos", BigInteger, nullable=False),
)
"""The messages that users have saved for later, at the log position `pos`. Deleting a message removes it from all
users' saved messages, and users who leave a conversation lose the messages that they saved in it."""

message_ratings = Table(
    "message_ratings",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False, index=True),
    Column("rating", Integer, nullable=False),
    Column("comment", Text),
    Column("rated_ms", BigInteger, nullable=False),
)
"""The ratings of agents' messages: 1 or -1. Deleting a message removes them."""

rating_sums = Table(
    "rating_sums",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("up", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
)
"""Numbers of users who have rated a message up and down, which are as many as the rows of `message_ratings` say."""

open_cards = Table(
    "open_cards",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", Text, nullable=False, index=True),
)
"""The messages with open cards that are no polls, to find those that wait for a user."""

card_choices = Table(
    "card_choices",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", Text, primary_key=True, index=True),
    Column("action_ids", Text, nullable=False),
    Column("input", Text),
    Column("comment", Text),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_card_choices_message_id_at_ms", "message_id", "at_ms", "user_id"),
)
"""Choices of users of cards. `action_ids` is a JSON array, `input` a JSON object. A choice that was taken back has no
row. Deleting a message removes them."""

offers = Table(
    "offers",
    metadata,
    Column("id", _Position, primary_key=True, autoincrement=False),
    Column("conversation_id", Text, nullable=False),
    Column("author_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("expires_ms", BigInteger),
    Column("counter_of", BigInteger),
    Column("metadata", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("closed_by", Text),
    Column("deleted_ms", BigInteger),
    Column("deleted_by", Text),
    Column("title_by", Text),
    Column("description_by", Text),
    Index("ix_offers_conversation_id_id", "conversation_id", "id"),
    _partial("ix_offers_due", "status = 'pending' AND expires_ms IS NOT NULL", "expires_ms"),
)

timers = Table(
    "timers",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("due_ms", BigInteger, nullable=False, index=True),
)
"""Timers of what happens by itself at a time: `kind` says what, and `key` to which row, which is the source of truth
(`core/features/operation/timers.py`). A timer of a kind that a node does not know is one of a newer version."""

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False, server_default="0"),
    Column("address", Text),
    Column("users_until_ms", BigInteger),
    Column("pos", BigInteger),
    Column("renewed_ms", BigInteger),
    Column("folder_ids", Text),
    Column("users_version", BigInteger),
    Column("host", Text),
    Column("indexes_keys", Boolean, nullable=False, server_default=false()),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Column("needs_signals", Boolean, nullable=False, server_default=false()),
)
"""Running servers. Times are the database's own.

`lease_until_ms`: until then the node counts as alive; it renews this. `since_ms`: since then it has been alive without
a break. `address`: where other nodes reach it. `users_until_ms`: the node was stopped in good order, and its users are
offline from then on unless they connect to another node. `pos`: up to this log position it had handed out events when
it renewed its lease at `renewed_ms`. `folder_ids`: the ids of its folders of files, separated by spaces.
`users_version`: how often it had recorded changes of its rows in `online`. `host`: the name of its machine.
`indexes_keys`: it writes `conversation_keys`, as versions do since migration 0043. `revision`: the newest migration
that its version knows; 0 for versions before migration 0052. `needs_signals`: it needs the signals of all
conversations, not only of those of its users."""

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Secrets that the nodes share."""

sessions = Table(
    "sessions",
    metadata,
    Column("socket_id", Text, primary_key=True),
    Column("node_id", Text, nullable=False),
    Column("ended_ms", BigInteger),
    Column("changed_ms", BigInteger, nullable=False, index=True),
)
"""Recoverable sessions whose state differs from that in their recovery token (`pid`): those that continued on another
node than the one where they started, and those that ended on purpose."""

session_rooms = Table(
    "session_rooms",
    metadata,
    Column("socket_id", Text, primary_key=True),
    Column("conversation_id", Text, primary_key=True),
    Column("opened", Boolean, nullable=False),
    Column("changed_ms", BigInteger, nullable=False, index=True),
)
"""The conversations that the sockets of recoverable sessions have opened or closed themselves."""

ended_nodes = Table(
    "ended_nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ended_ms", BigInteger, nullable=False),
)
"""Nodes (server processes) that ended not long ago, and when. A killed node ended with its lease."""

lost_nodes = Table(
    "lost_nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text),
    Column("seen_ms", BigInteger, nullable=False),
    Column("users", Integer, nullable=False),
)
"""Nodes that died during the last day without having been stopped, for operators. `host`: the name of the machine.
`seen_ms`: when the node last renewed its lease. `users`: how many users were connected to it."""

online = Table(
    "online",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("node_id", Text, primary_key=True, index=True),
    Column("away", Boolean, nullable=False, server_default=false()),
    Column("since_pos", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="0"),
)
"""Users that have a socket on a node, or had one a moment ago. `away`: all of the user's devices on that node are away.
`since_pos`: since this log position the user has had a socket without a break, until the node's own `pos`. `version`:
the node's `users_version` when the row was last written. When a node's lease has ended, another node deletes its
rows."""

calls = Table(
    "calls",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("node_id", Text, nullable=False, index=True),
    Column("caller_id", Text, nullable=False),
    Column("member_ids", Text, nullable=False),
    Column("ringing_ids", Text, nullable=False),
)
"""Calls in progress: the node that holds the call's state, who may take part, and who has not answered yet (JSON)."""

presence = Table(
    "presence",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("text", Text),
    Column("last_seen_ms", BigInteger),
    Column("status_until_ms", BigInteger),
    Column("text_until_ms", BigInteger),
)
"""The status and the text that a user has chosen last, when they end, and when the user was last seen."""

uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("content_type", Text),
    Column("length", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("claimed_ms", BigInteger),
    Column("folder_id", Text),
)
"""Unfinished uploads, and expired ones whose bytes are still to be removed. Until `claimed_ms` a node is removing them.
`folder_id`: the folder with the bytes; NULL: any node can reach them, or it is unknown."""

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("upload_length", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger),
    Column("folder_id", Text),
    Column("animated", Boolean, nullable=False, server_default=false()),
    Index("ix_files_owner_id_size", "owner_id", "size"),
    _partial("ix_files_due_ms", "due_ms IS NOT NULL", "due_ms"),
)
"""Uploaded files. From `due_ms` on it has to be checked whether anything refers to the file. `folder_id`: the folder
with the bytes; NULL: any node can reach them, or it is unknown."""

file_links = Table(
    "file_links",
    metadata,
    Column("file_id", Text, primary_key=True),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False, server_default="file"),
    Index("ix_file_links_place", "conversation_id", "kind", "seq", "file_id"),
)
"""The attachments of messages that are files. `kind` is the list of the conversation's files that has this one
(`core.domain.model.FileKind`)."""

preferences = Table(
    "preferences",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("data", Text, nullable=False),
)
"""Users' preferences for notifications, as JSON; a user without a row has the defaults."""

notifications = Table(
    "notifications",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("offer_id", BigInteger),
    Column("actor_id", Text, nullable=False),
    Column("sound", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("read_ms", BigInteger),
    Column("body", Text),
    _partial("ix_notifications_unread", "read_ms IS NULL", "user_id", "conversation_id"),
)
"""Notifications. A row names its subject and does not copy it: a deleted message shows no text. Only for a user who was
removed from a conversation, `body` is the name that it had then. A row of the type `muted-offer` is no notification,
and only counts as an unread offer."""

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("p256dh", Text),
    Column("auth", Text),
    Column("app_id", Text),
    Column("push_key", Text),
    Column("session_id", Text),
    Column("device_id", Text),
    Column("user_agent", Text, nullable=False, server_default=text("''")),
    Column("created_ms", BigInteger, nullable=False),
    Column("renewed_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("node_id", Text),
    _partial("ix_push_subscriptions_session_id", "session_id IS NOT NULL", "session_id"),
    _partial("ix_push_subscriptions_due_ms", "due_ms IS NOT NULL", "due_ms"),
)
"""Places to which pushes to users' devices are sent. `service` is the scheme, the host and the port of `url`. From
`due_ms` on a node may send what `pushes` has for the subscription; NULL: it has nothing to send. A node that sends is
`node_id`, and has moved `due_ms` to when others may send. `failures`: how many attempts have failed since one
succeeded."""

push_removals = Table(
    "push_removals",
    metadata,
    Column("subscription_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("removed_ms", BigInteger, nullable=False),
)
"""The push subscriptions that their user has removed. A device that only renews its subscription does not bring one of
them back."""

pushes = Table(
    "pushes",
    metadata,
    Column("subscription_id", Text, primary_key=True),
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False, index=True),
    Column("state", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
)
"""The notifications that are sent to a subscription. `state`: `new`; `tried`, at least once; `sent`; or `dismiss`, for
one that was read or deleted after it was sent. `at_ms`: when the notification was created, or was read."""

mailbox = Table(
    "mailbox",
    metadata,
    Column("id", _Position, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False, index=True),
    Index("ix_mailbox_user_id_id", "user_id", "id"),
    # An id must not be given again when its row is deleted: events that have arrived are removed by their ids.
    sqlite_autoincrement=True,
)
"""Custom events for users that were offline. `payload` is JSON."""

mailbox_cursors = Table(
    "mailbox_cursors",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("pos", BigInteger, nullable=False),
)
"""The log position up to which a user was notified of messages in conversations that were not open."""
