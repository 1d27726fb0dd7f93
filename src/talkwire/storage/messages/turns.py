"""The tables of turns, the pieces of agents' work, and of the messages that they answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import (
    ColumnElement,
    Select,
    TextClause,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from talkwire.core.commands.agents.turns import AgentNumbers
from talkwire.core.domain.agents.turns import Turn, TurnState
from talkwire.core.domain.events import TurnFailed, TurnReady, TurnUnanswered
from talkwire.core.domain.model import Message
from talkwire.storage.messages.changes import write_messages
from talkwire.storage.messages.messages import messages_by_id, to_extra
from talkwire.storage.schema import (
    agent_places,
    conversations,
    members,
    messages,
    thread_follows,
    turn_messages,
    turns,
    users,
)
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow
from talkwire.storage.tables.projection import Projections, nothing
from talkwire.storage.tables.users import read_users, write_new_users
from talkwire.storage.workspace import Workspace

_SEARCHED = 100
"""Number of the newest messages that are searched for one of somebody else."""

_OPEN = ("waiting", "working")
_OF_TURN = tuple(column for column in Turn.__struct_fields__ if column != "id")

_put = upsert(turns)
_put = _put.on_conflict_do_update(index_elements=["id"], set_={column: _put.excluded[column] for column in _OF_TURN})

_is_agent = and_(users.c.id == members.c.user_id, users.c.kind == "agent", ~users.c.banned)
_is_member = and_(
    members.c.conversation_id == agent_places.c.conversation_id, members.c.user_id == agent_places.c.agent_id
)

_present: Select[Any] = (
    select(agent_places.c.agent_id).join(members, _is_member).join(users, _is_agent).order_by(agent_places.c.agent_id)
)
"""Statement that selects the agents that are members, and not banned."""

# The conditions of the indexes.
_WAITING, _WORKING = text("turns.state = 'waiting'"), text("turns.state = 'working'")
_DONE, _FAILED = text("turns.state = 'done'"), text("turns.state = 'failed'")

_others = turns.alias("others")
_handlers = users.alias("handlers")


def _may_be_claimed(now_ms: int) -> Sequence[ColumnElement[bool] | TextClause]:
    """Returns the conditions that a turn can be claimed now, by an agent that is a member, in a conversation that no
    person handles."""
    of_conversation = _others.c.conversation_id == turns.c.conversation_id
    is_worked_on = exists().where(of_conversation, text("others.state = 'working'"))
    membership = members.c.conversation_id == turns.c.conversation_id, members.c.user_id == turns.c.agent_id
    is_handled = exists().where(
        conversations.c.id == turns.c.conversation_id,
        _handlers.c.id == conversations.c.handler_id,
        _handlers.c.kind == "person",
    )
    return (
        _WAITING,
        turns.c.claimable_ms <= now_ms,
        ~is_worked_on,
        exists().where(*membership),
        ~is_handled,
    )


class TurnRows(Reads):
    """Reads turns. Implements `core.ports.stores.Turns`."""

    def find(self, turn_id: int) -> Turn | None:
        return self._one(select(turns).where(turns.c.id == turn_id))

    def messages_of(self, turn_id: int) -> Sequence[int]:
        found = select(turn_messages.c.message_id).where(turn_messages.c.turn_id == turn_id)
        return self._connection.execute(found.order_by(turn_messages.c.message_id)).scalars().all()

    def page(
        self, agent_ids: Collection[str] | None, state: TurnState | None, before_id: int | None, limit: int
    ) -> Sequence[Turn]:
        found = select(turns).order_by(turns.c.id.desc()).limit(limit)
        if agent_ids is not None:
            found = found.where(turns.c.agent_id.in_(agent_ids))
        if state is not None:
            found = found.where(turns.c.state == state)
        if before_id is not None:
            found = found.where(turns.c.id < before_id)
        return self._all(found)

    def agents_owned_by(self, user_id: str) -> Sequence[str]:
        return self._connection.execute(select(users.c.id).where(users.c.owner_id == user_id)).scalars().all()

    def numbers(self, since_ms: int) -> Sequence[AgentNumbers]:
        ids = turns.c.agent_id, func.count()
        oldest = func.min(case((or_(turns.c.claimable_ms.is_not(None), _WORKING), turns.c.created_ms)))
        open_turns = select(*ids, oldest).where(or_(_WAITING, _WORKING)).group_by(turns.c.agent_id)
        opened = {row[0]: (row[1], row[2]) for row in self._connection.execute(open_turns)}
        failed_turns = select(*ids).where(_FAILED).group_by(turns.c.agent_id)
        failed = {row[0]: row[1] for row in self._connection.execute(failed_turns)}
        done = select(*ids).where(_DONE, turns.c.ended_ms > since_ms).group_by(turns.c.agent_id)
        answered = {row[0]: row[1] for row in self._connection.execute(done)}
        names = read_users(self._connection, opened.keys() | failed.keys() | answered.keys())
        return [
            AgentNumbers(id_, user.name, *opened.get(id_, (0, None)), failed.get(id_, 0), answered.get(id_, 0))
            for id_, user in names.items()
        ]

    def _one(self, found: Select[Any]) -> Turn | None:
        row = self._connection.execute(found.limit(1)).first()
        return None if row is None else _to_turn(row)

    def _all(self, found: Select[Any]) -> Sequence[Turn]:
        return [_to_turn(row) for row in self._connection.execute(found)]


class WritableTurnRows(TurnRows):
    """Implements `core.ports.stores.WritableTurns`."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.connection)
        self._workspace = workspace

    def put(self, turn: Turn) -> None:
        self._connection.execute(_put, asdict(turn))

    def drop(self, turn_id: int) -> None:
        self._connection.execute(delete(turn_messages).where(turn_messages.c.turn_id == turn_id))
        self._connection.execute(delete(turns).where(turns.c.id == turn_id))

    def add_message(self, turn_id: int, message_id: int) -> None:
        self._connection.execute(insert(turn_messages), {"turn_id": turn_id, "message_id": message_id})

    def new_in(self, conversation_id: str, agent_id: str) -> Turn | None:
        found = select(turns).where(
            turns.c.conversation_id == conversation_id,
            turns.c.agent_id == agent_id,
            _WAITING,
            turns.c.attempt == 0,
            turns.c.card_id.is_(None),
        )
        return self._one(found.order_by(turns.c.id.desc()))

    def first_claimable(self, agent_id: str, conversation_id: str | None, now_ms: int) -> Turn | None:
        write_new_users(self._workspace)
        found = select(turns).where(turns.c.agent_id == agent_id, *_may_be_claimed(now_ms))
        if conversation_id is not None:
            found = found.where(turns.c.conversation_id == conversation_id)
        return self._one(found.order_by(turns.c.id))

    def claimable_in(self, conversation_id: str, now_ms: int) -> Sequence[Turn]:
        write_new_users(self._workspace)
        found = select(turns).where(turns.c.conversation_id == conversation_id, *_may_be_claimed(now_ms))
        return self._all(found.order_by(turns.c.id))

    def working_in(self, conversation_id: str) -> Turn | None:
        return self._one(select(turns).where(turns.c.conversation_id == conversation_id, _WORKING))

    def worked_on_by(self, agent_id: str) -> Sequence[str]:
        found = select(turns.c.conversation_id).where(turns.c.agent_id == agent_id, _WORKING)
        return self._connection.execute(found.order_by(turns.c.id)).scalars().all()

    def waiting_in(self, conversation_id: str) -> Sequence[Turn]:
        return self._all(select(turns).where(turns.c.conversation_id == conversation_id, _WAITING))

    def working_on(self, message_id: int) -> Sequence[Turn]:
        found = select(turns).join(turn_messages, turn_messages.c.turn_id == turns.c.id)
        return self._all(found.where(turn_messages.c.message_id == message_id, _WORKING))

    def agents_with(self, message_id: int) -> Collection[str]:
        found = select(turns.c.agent_id).join(turn_messages, turn_messages.c.turn_id == turns.c.id)
        found = found.where(turn_messages.c.message_id == message_id, turns.c.state.in_(_OPEN))
        return self._connection.execute(found).scalars().all()

    def of_message(self, message_id: int) -> Sequence[Turn]:
        is_of = or_(turns.c.card_id == message_id, turns.c.stream_id == message_id)
        return self._all(select(turns).where(is_of, turns.c.state.in_(_OPEN)))

    def has_stopped(self, conversation_id: str, root_id: int) -> bool:
        stopped = select(turns.c.id).where(
            turns.c.conversation_id == conversation_id,
            turns.c.state == "failed",
            turns.c.root_id == root_id,
            turns.c.error_code == "depth",
        )
        return self._connection.execute(stopped.limit(1)).first() is not None

    def agents_in(self, conversation_id: str) -> Sequence[str]:
        write_new_users(self._workspace)
        found = _present.where(agent_places.c.conversation_id == conversation_id)
        return self._connection.execute(found).scalars().all()

    def agents_following(self, conversation_id: str, root_id: int) -> Sequence[str]:
        write_messages(self._workspace)
        follows = and_(thread_follows.c.user_id == agent_places.c.agent_id, thread_follows.c.root_id == root_id)
        found = _present.join(thread_follows, follows)
        found = found.where(agent_places.c.conversation_id == conversation_id, thread_follows.c.following)
        return self._connection.execute(found).scalars().all()

    def newest_of_others(self, conversation_id: str, agent_id: str) -> Message | None:
        write_messages(self._workspace)
        newest = (
            select(messages.c.id, messages.c.sender_id, messages.c.extra)
            .where(messages.c.conversation_id == conversation_id, messages.c.deleted_ms.is_(None))
            .order_by(messages.c.seq.desc())
            .limit(_SEARCHED)
        )
        for row in self._connection.execute(newest):
            if row.sender_id != agent_id and not to_extra(row.extra).system:
                return messages_by_id(self._connection, (row.id,)).get(row.id)
        return None

    def sent_until_ms(self, conversation_id: str, agent_id: str) -> int:
        found = select(agent_places.c.sent_until_ms).where(*_place(conversation_id, agent_id))
        return self._connection.execute(found).scalar_one_or_none() or 0

    def put_sent_until_ms(self, conversation_id: str, agent_id: str, until_ms: int) -> None:
        changed = update(agent_places).where(*_place(conversation_id, agent_id))
        self._connection.execute(changed.values(sent_until_ms=until_ms))

    def keep_note(self, conversation_id: str, agent_id: str, note: str, by: str) -> None:
        changed = update(agent_places).where(*_place(conversation_id, agent_id))
        self._connection.execute(changed.values(note=note, note_by=by))

    def take_note(self, conversation_id: str, agent_id: str) -> tuple[str | None, str | None]:
        place = _place(conversation_id, agent_id)
        found = select(agent_places.c.note, agent_places.c.note_by).where(*place, agent_places.c.note.is_not(None))
        row = self._connection.execute(found).one_or_none()
        if row is None:
            return None, None
        self._connection.execute(update(agent_places).where(*place).values(note=None, note_by=None))
        return row.note, row.note_by


def _place(conversation_id: str, agent_id: str) -> Sequence[ColumnElement[bool]]:
    return agent_places.c.conversation_id == conversation_id, agent_places.c.agent_id == agent_id


def _to_turn(row: AnyRow) -> Turn:
    return Turn(**{**row._mapping, "more": bool(row.more)})


PROJECTIONS: Projections = MappingProxyType({TurnReady: nothing, TurnUnanswered: nothing, TurnFailed: nothing})
"""Projections of the events about turns, which do nothing: the rows of turns are written before their events."""
