"""The tables of teams, of their members and conversations, and of changes whose memberships are still being written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, delete, exists, func, insert, select

from talkwire.core.commands.desk.numbers import DeskNumbers
from talkwire.core.domain.desk.teams import GroundsFacts, Team, TeamChange
from talkwire.core.domain.events import TeamSettled, TeamUpdated
from talkwire.core.domain.model import WHOLE, Conversation, HistoryStart
from talkwire.storage.schema import (
    conversation_teams,
    conversations,
    members,
    restrictions,
    team_changes,
    team_members,
    teams,
)
from talkwire.storage.sql.batch import Write, update_rows
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.prepared import PreparedStatement
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.projection import Projections, nothing
from talkwire.storage.workspace import Workspace

_numbers: Select[Any] = (
    select(
        conversation_teams.c.team_id,
        func.count().label("open"),
        (func.count() - func.count(conversations.c.handler_id)).label("unhandled"),
        func.count(conversations.c.waiting_since_ms).label("waiting"),
        func.min(conversations.c.waiting_since_ms).label("oldest_ms"),
    )
    .join(conversations, conversations.c.id == conversation_teams.c.conversation_id)
    .where(
        conversation_teams.c.team_id.in_(bindparam("team_ids", expanding=True)),
        ~conversations.c.closed,
        conversations.c.deleted_ms.is_(None),
        conversations.c.notes_of.is_(None),
    )
    .group_by(conversation_teams.c.team_id)
)
"""Statement that counts the open conversations of teams."""


_members = PreparedStatement(
    select(team_members).select_from(KEYS).join(team_members, team_members.c.team_id == key_text(0))
)

_oldest_change = PreparedStatement(
    select(team_changes, (team_changes.c.team_id.is_not(None) & teams.c.id.is_(None)).label("is_deleted"))
    .outerjoin(teams, teams.c.id == team_changes.c.team_id)
    .order_by(team_changes.c.pos)
    .limit(1)
)

_next = (
    select(conversation_teams.c.conversation_id)
    .where(conversation_teams.c.team_id == bindparam("team_id"))
    .where(conversation_teams.c.conversation_id > bindparam("after_id"))
    .order_by(conversation_teams.c.conversation_id)
    .limit(bindparam("at_most", type_=Integer))
    .subquery()
)
_is_restricted = exists().where(
    restrictions.c.conversation_id == conversation_teams.c.conversation_id,
    restrictions.c.user_id == team_members.c.user_id,
)

_grounds_after = PreparedStatement(
    select(conversation_teams, team_members.c.user_id, _is_restricted.label("is_restricted"))
    .join(_next, _next.c.conversation_id == conversation_teams.c.conversation_id)
    .outerjoin(
        team_members,
        (team_members.c.team_id == conversation_teams.c.team_id)
        & team_members.c.user_id.in_(select(key_text(0)).select_from(KEYS)),
    )
    .order_by(conversation_teams.c.conversation_id)
)
"""Statement that selects the next conversations of a team, each with all of its teams, and for each team with those of
the users in the keys who are in it. A team without such a user has one row."""

_colleague = team_members.alias()
_serves = PreparedStatement(
    select(
        exists()
        .where(team_members.c.user_id == bindparam("user_id"), _colleague.c.user_id == bindparam("other_id"))
        .where(team_members.c.team_id == _colleague.c.team_id)
        | exists()
        .where(conversations.c.handler_id == bindparam("user_id"), members.c.user_id == bindparam("other_id"))
        .where(members.c.conversation_id == conversations.c.id)
    )
)

_move_change = update_rows(team_changes, ("after_id",), ("pos",))


class TeamRows(Reads):
    """Reads teams. Implements `core.ports.stores.Teams`."""

    def find(self, team_id: str) -> Team | None:
        return next(iter(self._with_members(select(teams).where(teams.c.id == team_id))), None)

    def page(self, member_id: str | None, after_id: str | None, limit: int) -> Sequence[Team]:
        statement = select(teams).order_by(teams.c.id).limit(limit)
        if member_id is not None:
            statement = statement.join(team_members, team_members.c.team_id == teams.c.id)
            statement = statement.where(team_members.c.user_id == member_id)
        if after_id is not None:
            statement = statement.where(teams.c.id > after_id)
        return self._with_members(statement)

    def names(self, team_ids: Collection[str]) -> Mapping[str, str]:
        if not team_ids:
            return {}
        found = select(teams.c.id, teams.c.name).where(teams.c.id.in_(team_ids))
        return {row.id: row.name for row in self._connection.execute(found)}

    def members_of(self, team_ids: Collection[str]) -> Mapping[str, Collection[str]]:
        found: dict[str, list[str]] = {}
        keys = keys_parameter([(team_id,) for team_id in team_ids])
        for row in _members.rows(self._connection, **keys) if team_ids else ():
            found.setdefault(row.team_id, []).append(row.user_id)
        return found

    def serves(self, user_id: str, other_id: str) -> bool:
        return any(found for (found,) in _serves.rows(self._connection, user_id=user_id, other_id=other_id))

    def oldest_change(self) -> TeamChange | None:
        return next(map(_to_change, _oldest_change.rows(self._connection)), None)

    def pending_pos(self, team_id: str) -> int | None:
        pending = select(func.max(team_changes.c.pos)).where(team_changes.c.team_id == team_id)
        return self._connection.execute(pending).scalar_one()  # type: ignore[no-any-return]

    def numbers(self, team_ids: Collection[str]) -> Sequence[DeskNumbers]:
        found = {row.team_id: row for row in self._connection.execute(_numbers, {"team_ids": [*team_ids]})}
        counted = []
        for team in self._with_members(select(teams).where(teams.c.id.in_(team_ids)).order_by(teams.c.id)):
            row = found.get(team.id)
            numbers = (0, 0, 0, None) if row is None else (row.open, row.unhandled, row.waiting, row.oldest_ms)
            counted.append(DeskNumbers(team.id, team.member_ids, *numbers))
        return counted

    def _with_members(self, statement: Select[Any]) -> Sequence[Team]:
        rows = self._connection.execute(statement).all()
        in_team = self.members_of([row.id for row in rows])
        return [Team(row.id, row.name, row.created_ms, tuple(sorted(in_team.get(row.id, ())))) for row in rows]


class WritableTeamRows(TeamRows):
    """Implements `core.ports.stores.WritableTeams`. The transaction runs the writes of `take_moved_change` at its
    end."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._moved: TeamChange | None = None
        """The oldest change of a team, if it was moved and the row is not written yet."""

    def count(self) -> int:
        return self._connection.execute(select(func.count()).select_from(teams)).scalar_one()

    def handled_by(self, user_id: str) -> Sequence[str]:
        # Handlers are members, and the index is of these.
        found = select(members.c.conversation_id).join(conversations, conversations.c.id == members.c.conversation_id)
        handled = members.c.user_id == user_id, conversations.c.handler_id == user_id
        return self._connection.execute(found.where(*handled).order_by(conversations.c.id)).scalars().all()

    def teams_of(self, user_id: str) -> Sequence[Team]:
        mine = team_members.c.user_id == user_id
        statement = select(teams).join(team_members, team_members.c.team_id == teams.c.id).where(mine)
        return self._with_members(statement.order_by(teams.c.id))

    def histories(self, conversation_ids: Collection[str]) -> Mapping[str, Mapping[str, HistoryStart]]:
        statement = select(conversation_teams).where(conversation_teams.c.conversation_id.in_(conversation_ids))
        return _starts(self._connection.execute(statement)) if conversation_ids else {}

    def members_through_teams(self, conversation_id: str) -> set[str]:
        found = select(members.c.user_id).where(
            members.c.conversation_id == conversation_id, members.c.via.is_not(None)
        )
        return set(self._connection.execute(found).scalars())

    def grounds_after(self, change: TeamChange, limit: int) -> GroundsFacts:
        asked = {"team_id": change.team_id, "after_id": change.after_id, "at_most": limit}
        users = keys_parameter([(user_id,) for user_id in change.user_ids])
        rows = _grounds_after.rows(self._connection, **asked, **users)
        in_teams = [row for row in rows if row.user_id is not None]
        found: dict[str, set[str]] = {}
        for row in in_teams:
            found.setdefault(row.team_id, set()).add(row.user_id)
        restricted = {(row.conversation_id, row.user_id) for row in in_teams if row.is_restricted}
        return GroundsFacts(_starts(rows), found, restricted)

    def move_change(self, change: TeamChange) -> None:
        self._moved = change

    def take_moved_change(self) -> list[Write]:
        """Returns the database write for the change that was moved since the last call, if any."""
        moved, self._moved = self._moved, None
        return [] if moved is None else [Write(_move_change, [(moved.after_id, moved.pos)])]

    def oldest_change(self) -> TeamChange | None:
        return self._moved or super().oldest_change()

    def put_change(self, change: TeamChange) -> None:
        self._connection.execute(
            insert(team_changes).values(
                pos=change.pos,
                conversation_id=change.conversation_id,
                team_id=change.team_id,
                user_ids=to_json(change.user_ids),
                after_id=change.after_id,
            )
        )

    def drop_change(self, pos: int) -> None:
        self._moved = None
        self._connection.execute(delete(team_changes).where(team_changes.c.pos == pos))


def _to_change(row: AnyRow) -> TeamChange:
    user_ids = tuple(from_json(row.user_ids))
    return TeamChange(row.pos, row.conversation_id, row.team_id, user_ids, row.after_id, bool(row.is_deleted))


def _starts(rows: Iterable[AnyRow]) -> Mapping[str, Mapping[str, HistoryStart]]:
    """Returns conversation id -> team id -> from where on the members of the team see the conversation."""
    found: dict[str, dict[str, HistoryStart]] = {}
    for row in rows:
        found.setdefault(row.conversation_id, {})[row.team_id] = HistoryStart(row.history_seq, row.history_pos)
    return found


def put_teams_of(workspace: Workspace, conversation: Conversation, before: Collection[str], pos: int) -> None:
    """Stores which teams a conversation has, that had those in `before`, as of the event at log position `pos`. If the
    conversation hides what is older from new members, it does so from members of new teams."""
    connection, id_ = workspace.connection, conversation.id
    gone = [team_id for team_id in before if team_id not in conversation.team_ids]
    if gone:
        of_conversation = conversation_teams.c.conversation_id == id_
        connection.execute(delete(conversation_teams).where(of_conversation, conversation_teams.c.team_id.in_(gone)))
    new = [team_id for team_id in conversation.team_ids if team_id not in before]
    if new:
        now = HistoryStart(conversation.last_seq, pos) if conversation.history == "from-join" else WHOLE
        start = {"history_seq": now.seq, "history_pos": now.pos}
        connection.execute(insert(conversation_teams), [{"team_id": t, "conversation_id": id_, **start} for t in new])


def _updated(workspace: Workspace, event: TeamUpdated) -> None:
    connection, team = workspace.connection, event.team
    connection.execute(delete(teams).where(teams.c.id == team.id))
    gone = team_members.c.team_id == team.id, team_members.c.user_id.in_(event.removed)
    connection.execute(delete(team_members).where(*gone))
    if event.deleted:
        return
    connection.execute(insert(teams).values(id=team.id, name=team.name, created_ms=team.created_ms))
    if event.added:
        added = [{"team_id": team.id, "user_id": user_id} for user_id in event.added]
        connection.execute(insert(team_members), added)


PROJECTIONS: Projections = MappingProxyType({TeamUpdated: _updated, TeamSettled: nothing})
