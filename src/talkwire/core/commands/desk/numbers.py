"""Queries that count the conversations of teams."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Query


class DeskNumbers(msgspec.Struct, frozen=True):
    """How many conversations of a team are open, how many of these nobody handles, in how many of these a customer
    waits, and since when the one waits who has waited for the longest time, None if nobody waits; with the members of
    the team."""

    team_id: str
    member_ids: tuple[str, ...]
    open: int
    unhandled: int
    waiting: int
    oldest_waiting_ms: int | None


class CountDesk(Query[tuple[DeskNumbers, ...]], frozen=True, tag="CountDesk"):
    """Internal: counts the conversations of each of the teams. Leaves out teams that do not exist."""

    team_ids: tuple[str, ...]


class GetDesk(Query[DeskNumbers], frozen=True, tag="GetDesk"):
    """Counts the conversations of a team, for its members, the backend and operators."""

    team_id: str
