"""The table of conversations: converts rows, reads them, and applies events to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import asdict, replace
from sqlalchemy import ColumnElement, Connection, case, select, update

from talkwire.core.domain.events import ConversationHandled, ConversationUpdated, DeskConversationChanged
from talkwire.core.domain.model import Conversation
from talkwire.core.domain.search.name_search import search_name
from talkwire.storage.schema import conversations, members
from talkwire.storage.sql.batch import Write, update_rows
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.prepared import PreparedStatement
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.desk.teams import put_teams_of
from talkwire.storage.tables.files import replace_picture
from talkwire.storage.tables.lists.conversation_keys import index_metadata
from talkwire.storage.tables.names import change_name
from talkwire.storage.tables.projection import Projections
from talkwire.storage.workspace import Changes, Workspace

# --- rows and values --------------------------------------------------------------------------------------------------


def to_conversation(row: AnyRow) -> Conversation:
    """Builds a `Conversation` from a row of the table."""
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
        topic=row.topic,
        description=row.description,
        offer_pos=row.offer_pos,
        notify=row.notify,
        team_ids=() if row.team_ids is None else tuple(from_json(row.team_ids)),
        handler_id=row.handler_id,
        closed=bool(row.closed),
        waiting_since_ms=row.waiting_since_ms,
        notes_id=row.notes_id,
        notes_of=row.notes_of,
        agents=row.agents,
        has_agents=bool(row.has_agents),
    )


def conversation_values(conversation: Conversation) -> dict[str, object]:
    """Returns the column values of a conversation's row by name: all that derive from `Conversation`, so without
    `direct_key`."""
    return asdict(conversation) | {
        "metadata": to_json(conversation.metadata),
        "folded_name": search_name(conversation.name or ""),
        "team_ids": to_json(conversation.team_ids or None),
    }


def direct_key(user_id: str, other_id: str) -> str:
    """Returns the same key for two users in either order, by which their direct conversation is found. Ids contain no
    white space, so the line break between them is unambiguous."""
    return "\n".join(sorted((user_id, other_id)))


# --- statements -------------------------------------------------------------------------------------------------------

_conversations = PreparedStatement(
    select(conversations).select_from(KEYS).join(conversations, conversations.c.id == key_text(0))
)
SHOWN_POS: ColumnElement[int] = case(
    (conversations.c.offer_pos > conversations.c.active_pos, conversations.c.offer_pos),
    else_=conversations.c.active_pos,
)
"""SQL for the log position of a conversation's newest message or offer."""
LISTED_POS: ColumnElement[int] = case((members.c.history_pos > SHOWN_POS, members.c.history_pos), else_=SHOWN_POS)
"""SQL for the log position by which a member's list sorts a conversation: that of its newest message or offer, or that
of the joining of a member who does not see what is older."""
_move = update_rows(conversations, ("last_seq", "last_pos", "active_pos"), ("id",))

# --- reading ----------------------------------------------------------------------------------------------------------


class ConversationReads(Reads):
    """The methods of `core.ports.transaction.Snapshot` that read conversations. `TableSnapshot` inherits them."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        row = self._connection.execute(select(conversations).where(conversations.c.id == conversation_id)).one_or_none()
        return None if row is None else to_conversation(row)

    def conversations_of(
        self, user_id: str, before_pos: int | None, limit: int, *, archived: bool = False
    ) -> Sequence[tuple[Conversation, int]]:
        statement = (
            select(conversations, LISTED_POS.label("listed_pos"))
            .join(members, members.c.conversation_id == conversations.c.id)
            .where(members.c.user_id == user_id, members.c.listed)
            .order_by(LISTED_POS.desc())
            .limit(limit)
        )
        if archived:
            statement = statement.where(members.c.archived_seq.is_not(None))
        if before_pos is not None:
            statement = statement.where(before_pos > LISTED_POS)
        return [(to_conversation(row), row.listed_pos) for row in self._connection.execute(statement)]

    def all_conversations(
        self, member_id: str | None, after_id: str | None, limit: int, *, notes: bool = False
    ) -> Sequence[Conversation]:
        statement, id_ = select(conversations), conversations.c.id
        if not notes:
            statement = statement.where(conversations.c.notes_of.is_(None))
        if member_id is not None:
            id_ = members.c.conversation_id  # the index of members is in this order
            statement = statement.join(members, id_ == conversations.c.id).where(members.c.user_id == member_id)
        if after_id is not None:
            statement = statement.where(id_ > after_id)
        statement = statement.where(conversations.c.deleted_ms.is_(None)).order_by(id_).limit(limit)
        return [to_conversation(row) for row in self._connection.execute(statement)]


def read_conversations(connection: Connection, conversation_ids: Collection[str]) -> list[Conversation]:
    """Returns the conversations with these ids, in no particular order; ids without a conversation are left out."""
    found = keys_parameter([(id_,) for id_ in conversation_ids])
    return [to_conversation(row) for row in _conversations.rows(connection, **found)]


def direct_conversation_id(connection: Connection, user_id: str, other_id: str) -> str | None:
    """Returns the id of the direct conversation of two users, or None if they have none."""
    found = select(conversations.c.id).where(conversations.c.direct_key == direct_key(user_id, other_id))
    return connection.execute(found).scalar_one_or_none()


# --- in a transaction -------------------------------------------------------------------------------------------------


class ConversationLookups(Changes):
    """The methods of `core.ports.transaction.Transaction` that look up conversations, with the transaction's
    uncommitted changes. `BatchTransaction` inherits them."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        return find_conversation(self._workspace, conversation_id)

    def direct_conversation(self, user_id: str, other_id: str) -> Conversation | None:
        id_ = direct_conversation_id(self._workspace.connection, user_id, other_id)
        return None if id_ is None else self.conversation(id_)


def find_conversation(workspace: Workspace, conversation_id: str) -> Conversation | None:
    """Returns a conversation with this transaction's changes, or None if there is none with this id."""
    changed = workspace.conversations.get(conversation_id)
    if changed is not None:
        return changed
    known = workspace.view.conversations
    if conversation_id not in known:
        fetch_conversations(workspace, (conversation_id,))
    return known.get(conversation_id)


def known_conversation(workspace: Workspace, conversation_id: str) -> Conversation:
    """Returns a conversation with this transaction's changes, for callers that know that it exists: otherwise an
    AssertionError is raised."""
    conversation = find_conversation(workspace, conversation_id)
    assert conversation is not None, "the domain looked the conversation up"
    return conversation


def fetch_conversations(workspace: Workspace, conversation_ids: Collection[str]) -> None:
    """Reads conversations from the database into `workspace.view`, the writer's cache, except those that it or the
    transaction has already."""
    known = workspace.view.conversations
    missing = [id_ for id_ in conversation_ids if id_ not in known and id_ not in workspace.conversations]
    if missing:
        for conversation in read_conversations(workspace.connection, missing):
            known[conversation.id] = conversation


def change_conversation(workspace: Workspace, conversation_id: str, **changes: Any) -> None:  # noqa: ANN401 (columns)
    """Changes columns of a conversation, in the database and for later commands of the transaction. `changes` are
    fields of `Conversation`."""
    workspace.conversations[conversation_id] = replace(known_conversation(workspace, conversation_id), **changes)
    changed = update(conversations).where(conversations.c.id == conversation_id)
    workspace.connection.execute(changed.values(**changes))


def touch_conversation(workspace: Workspace, conversation_id: str, pos: int) -> None:
    """Records that the newest event of a conversation is at log position `pos`, so that clients that catch up read the
    conversation's events. The row is written at the end of the transaction."""
    conversation = known_conversation(workspace, conversation_id)
    workspace.conversations[conversation_id] = replace(conversation, last_pos=pos)
    workspace.moved_conversations.add(conversation_id)


def take_moved_conversations(workspace: Workspace) -> list[Write]:
    """Returns the database writes that store the newest `seq` and log positions of the conversations that have had new
    events since the last call."""
    if not workspace.moved_conversations:
        return []
    moved = [workspace.conversations[id_] for id_ in workspace.moved_conversations]
    workspace.moved_conversations.clear()
    return [Write(_move, [(each.last_seq, each.last_pos, each.active_pos, each.id) for each in moved])]


# --- events (those that concern members too are in `members.py`) ------------------------------------------------------


def _updated(workspace: Workspace, event: ConversationUpdated) -> None:
    conversation = event.conversation
    before = known_conversation(workspace, conversation.id)
    if before.avatar != conversation.avatar:
        replace_picture(workspace.connection, before.avatar, event.at_ms)
    put_teams_of(workspace, conversation, before.team_ids, event.pos)
    names = before.name or "", conversation.name or ""
    change_name(workspace.connection, conversation.kind, conversation.id, *names)
    index_metadata(workspace.connection, conversation.id, before.metadata, conversation.metadata)
    workspace.conversations[conversation.id] = conversation
    changed = update(conversations).where(conversations.c.id == conversation.id)
    workspace.connection.execute(changed.values(**conversation_values(conversation)))
    if conversation.retention_days is not None:
        prune_apart(workspace.connection, conversation.id)


def prune_apart(connection: Connection, *conversation_ids: str) -> None:
    """Marks conversations for separate pruning, from their first message on (`pruned_seq` 0), because their messages
    are kept for longer or shorter than the log's events. Conversations that are marked already stay as they are."""
    begin = update(conversations).where(conversations.c.id.in_(conversation_ids), conversations.c.pruned_seq.is_(None))
    connection.execute(begin.values(pruned_seq=0))


def _handled(workspace: Workspace, event: ConversationHandled) -> None:
    changes = {"handler_id": event.handler_id, "closed": event.closed, "updated_ms": event.at_ms}
    change_conversation(workspace, event.conversation_id, **changes)


def _desk_changed(workspace: Workspace, event: DeskConversationChanged) -> None:
    shown = {"waiting_since_ms": event.waiting_since_ms, "notes_id": event.notes_id}
    change_conversation(workspace, event.conversation_id, **shown)


PROJECTIONS: Projections = MappingProxyType(
    {ConversationUpdated: _updated, ConversationHandled: _handled, DeskConversationChanged: _desk_changed}
)
