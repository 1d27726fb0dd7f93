"""Conversations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Select, select, update

from talkwire.core.domain.events import ConversationUpdated
from talkwire.core.domain.model import Conversation
from talkwire.storage.schema import conversations, members
from talkwire.storage.sql.batch import Write, update_rows
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.files import replace_picture
from talkwire.storage.tables.projection import Projections
from talkwire.storage.workspace import Changes, Workspace

# --- rows and values --------------------------------------------------------------------------------------------------


def to_conversation(row: AnyRow) -> Conversation:
    """Returns the conversation of a row."""
    return Conversation(
        id=row.id,
        kind=row.kind,
        name=row.name,
        owner_id=row.owner_id,
        member_count=row.member_count,
        last_seq=row.last_seq,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        avatar=row.avatar,
        public=bool(row.public),
        history=row.history,
        slow_mode_s=row.slow_mode_s,
        metadata=from_json(row.metadata),
        deleted_ms=row.deleted_ms,
        blocked=bool(row.blocked),
        last_pos=row.last_pos,
        active_pos=row.active_pos,
        retention_days=row.retention_days,
        hold=bool(row.hold),
    )


def conversation_values(conversation: Conversation) -> dict[str, object]:
    """Returns a conversation's row, without `direct_key`."""
    return asdict(conversation) | {"metadata": to_json(conversation.metadata)}


def direct_key(user_id: str, other_id: str) -> str:
    """Names a pair of users in either order. Ids hold no white space, so the line break cannot be part of one."""
    return "\n".join(sorted((user_id, other_id)))


# --- statements -------------------------------------------------------------------------------------------------------

_conversations: Select[Any] = (
    select(conversations).select_from(KEYS).join(conversations, conversations.c.id == key_text(0))
)
_move = update_rows(conversations, ("last_seq", "last_pos", "active_pos"), ("id",))

# --- reading ----------------------------------------------------------------------------------------------------------


class ConversationReads(Reads):
    """The part of `core.ports.transaction.Snapshot` that is about conversations."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        row = self._connection.execute(select(conversations).where(conversations.c.id == conversation_id)).one_or_none()
        return None if row is None else to_conversation(row)

    def conversations_of(self, user_id: str, before_pos: int | None, limit: int) -> Sequence[tuple[Conversation, int]]:
        statement = (
            select(conversations)
            .join(members, members.c.conversation_id == conversations.c.id)
            .where(members.c.user_id == user_id)
            .order_by(conversations.c.active_pos.desc())
            .limit(limit)
        )
        if before_pos is not None:
            statement = statement.where(conversations.c.active_pos < before_pos)
        return [(to_conversation(row), row.active_pos) for row in self._connection.execute(statement)]

    def all_conversations(self, member_id: str | None, after_id: str | None, limit: int) -> Sequence[Conversation]:
        statement, id_ = select(conversations), conversations.c.id
        if member_id is not None:
            id_ = members.c.conversation_id  # the index of members is in this order
            statement = statement.join(members, id_ == conversations.c.id).where(members.c.user_id == member_id)
        if after_id is not None:
            statement = statement.where(id_ > after_id)
        statement = statement.where(conversations.c.deleted_ms.is_(None)).order_by(id_).limit(limit)
        return [to_conversation(row) for row in self._connection.execute(statement)]


def read_conversations(connection: Connection, conversation_ids: Collection[str]) -> list[Conversation]:
    """Returns the conversations with these ids."""
    found = keys_parameter([(id_,) for id_ in conversation_ids])
    return [to_conversation(row) for row in connection.execute(_conversations, found)]


def direct_conversation_id(connection: Connection, user_id: str, other_id: str) -> str | None:
    """Returns the id of two users' direct conversation, if they have one."""
    found = select(conversations.c.id).where(conversations.c.direct_key == direct_key(user_id, other_id))
    return connection.execute(found).scalar_one_or_none()


# --- in a transaction -------------------------------------------------------------------------------------------------


class ConversationLookups(Changes):
    """The part of `core.ports.transaction.Transaction` that is about conversations."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        return find_conversation(self._workspace, conversation_id)

    def direct_conversation(self, user_id: str, other_id: str) -> Conversation | None:
        id_ = direct_conversation_id(self._workspace.connection, user_id, other_id)
        return None if id_ is None else self.conversation(id_)


def find_conversation(workspace: Workspace, conversation_id: str) -> Conversation | None:
    """Returns a conversation, this transaction's changes included."""
    changed = workspace.conversations.get(conversation_id)
    if changed is not None:
        return changed
    known = workspace.view.conversations
    if conversation_id not in known:
        fetch_conversations(workspace, (conversation_id,))
    return known.get(conversation_id)


def known_conversation(workspace: Workspace, conversation_id: str) -> Conversation:
    """As `find_conversation`, of a conversation that exists."""
    conversation = find_conversation(workspace, conversation_id)
    assert conversation is not None, "the domain looked the conversation up"
    return conversation


def fetch_conversations(workspace: Workspace, conversation_ids: Collection[str]) -> None:
    """Reads those of the conversations that are not known yet."""
    known = workspace.view.conversations
    missing = [id_ for id_ in conversation_ids if id_ not in known and id_ not in workspace.conversations]
    if missing:
        for conversation in read_conversations(workspace.connection, missing):
            known[conversation.id] = conversation


def change_conversation(workspace: Workspace, conversation_id: str, **changes: Any) -> None:  # noqa: ANN401 (columns)
    """Changes columns of a conversation that have the names of the value's fields."""
    workspace.conversations[conversation_id] = replace(known_conversation(workspace, conversation_id), **changes)
    changed = update(conversations).where(conversations.c.id == conversation_id)
    workspace.connection.execute(changed.values(**changes))


def touch_conversation(workspace: Workspace, conversation_id: str, pos: int) -> None:
    """Stages that an event of a conversation is at `pos`: it has something new for clients that catch up."""
    conversation = known_conversation(workspace, conversation_id)
    workspace.conversations[conversation_id] = replace(conversation, last_pos=pos)
    workspace.moved_conversations.add(conversation_id)


def take_moved_conversations(workspace: Workspace) -> list[Write]:
    """Returns the writes that store the newest `seq` and log positions of conversations with new events.

    Later calls return only conversations that have events since.
    """
    if not workspace.moved_conversations:
        return []
    moved = [workspace.conversations[id_] for id_ in workspace.moved_conversations]
    workspace.moved_conversations.clear()
    return [Write(_move, [(each.last_seq, each.last_pos, each.active_pos, each.id) for each in moved])]


# --- events (those that concern members too are in `members.py`) ------------------------------------------------------


def _updated(workspace: Workspace, event: ConversationUpdated) -> None:
    conversation = event.conversation
    before = known_conversation(workspace, conversation.id).avatar
    if before != conversation.avatar:
        replace_picture(workspace.connection, before, event.at_ms)
    workspace.conversations[conversation.id] = conversation
    changed = update(conversations).where(conversations.c.id == conversation.id)
    workspace.connection.execute(changed.values(**conversation_values(conversation)))
    if conversation.retention_days is not None:
        prune_apart(workspace.connection, conversation.id)


def prune_apart(connection: Connection, *conversation_ids: str) -> None:
    """Makes conversations be pruned apart from the log from now on, since it does not keep their messages as long as
    they are kept."""
    begin = update(conversations).where(conversations.c.id.in_(conversation_ids), conversations.c.pruned_seq.is_(None))
    connection.execute(begin.values(pruned_seq=0))


PROJECTIONS: Projections = MappingProxyType({ConversationUpdated: _updated})
