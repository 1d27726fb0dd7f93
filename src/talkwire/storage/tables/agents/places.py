"""What memberships mean for agents: the table of their places, the conversations in which agents are or were members,
and the end of their turns. A conversation that may have agents is marked, so that a message in any other one needs no
lookup."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, delete, literal, select, update

from talkwire.storage.schema import agent_places, conversations, members, turn_messages, turns
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.tables.conversations import change_conversation, known_conversation
from talkwire.storage.workspace import Workspace

_add = upsert(agent_places)
_add = _add.on_conflict_do_nothing()


def add_places(workspace: Workspace, places: Iterable[tuple[str, str]]) -> None:
    """Stores that agents have become members. `places` has (conversation id, agent id)."""
    for conversation_id, agent_id in places:
        row = {"conversation_id": conversation_id, "agent_id": agent_id, "sent_until_ms": 0}
        workspace.connection.execute(_add, row)
        if not known_conversation(workspace, conversation_id).has_agents:
            change_conversation(workspace, conversation_id, has_agents=True)


def became_agent(workspace: Workspace, user_id: str) -> None:
    """Stores the places of a user who was a person before, and is an agent now."""
    connection = workspace.connection
    own = select(members.c.conversation_id).where(members.c.user_id == user_id)
    ids: Collection[str] = connection.execute(own).scalars().all()
    if not ids:
        return
    names = ["conversation_id", "agent_id", "sent_until_ms"]
    rows = select(members.c.conversation_id, members.c.user_id, literal(0)).where(members.c.user_id == user_id)
    connection.execute(upsert(agent_places).from_select(names, rows).on_conflict_do_nothing())
    connection.execute(update(conversations).where(conversations.c.id.in_(own)).values(has_agents=True))
    for conversation_id in ids:
        known = workspace.conversations.get(conversation_id) or workspace.view.conversations.get(conversation_id)
        if known is not None:
            workspace.conversations[conversation_id] = replace(known, has_agents=True)


def drop_turns(connection: Connection, *conditions: ColumnElement[bool]) -> None:
    """Removes the turns that meet conditions, such as those of a deleted conversation."""
    found = select(turns.c.id).where(*conditions)
    connection.execute(delete(turn_messages).where(turn_messages.c.turn_id.in_(found)))
    connection.execute(delete(turns).where(*conditions))


def forget_user(connection: Connection, user_id: str) -> None:
    """Removes the turns and places of an erased agent, and what an erased user has written for agents."""
    drop_turns(connection, turns.c.agent_id == user_id)
    connection.execute(delete(agent_places).where(agent_places.c.agent_id == user_id))
    for table in (turns, agent_places):
        written = update(table).where(table.c.note_by == user_id)
        connection.execute(written.values(note=None, note_by=None))


def drop_open_turns(connection: Connection, agent_id: str, conversation_id: str | None = None) -> None:
    """Removes the turns of an agent that have not ended, in one conversation or in all: the user is no member any more,
    or no agent."""
    is_open = turns.c.agent_id == agent_id, turns.c.state.in_(("waiting", "working"))
    drop_turns(
        connection, *is_open, *(() if conversation_id is None else (turns.c.conversation_id == conversation_id,))
    )
