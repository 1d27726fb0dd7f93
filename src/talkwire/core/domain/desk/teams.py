"""Teams: users who are members of the same conversations, such as a shop's support."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from talkwire.core.domain.model import HistoryStart

TEAMS_MAX = 1000
"""Most teams of a server."""

TEAM_MEMBERS_MAX = 100
"""Most members of a team."""

TEAM_NAME_MAX_LENGTH = 200
"""Longest name of a team, in characters."""

TEAMS_OF_CONVERSATION_MAX = 10
"""Most teams of a conversation."""

MEMBERSHIPS_BATCH_MAX = 50
"""Most memberships that a command writes in its own transaction."""

FURTHER_MEMBERSHIPS_BATCH_MAX = 10
"""Most memberships that are written in each further transaction: few, since messages wait for it."""


class Team(msgspec.Struct, frozen=True):
    """Users who are members of each conversation that has the team. `member_ids` are sorted."""

    id: str
    name: str
    created_ms: int
    member_ids: tuple[str, ...] = ()


class TeamChange(msgspec.Struct, frozen=True):
    """What is left to write of memberships after a change at the log position `pos`: those of users with an id above
    `after_id` in the conversation `conversation_id`, whose teams changed; or those that the users `user_ids` have
    through the team `team_id`, in the team's conversations with an id above `after_id`. `is_deleted`: the team has been
    deleted by now."""

    pos: int
    conversation_id: str | None = None
    team_id: str | None = None
    user_ids: tuple[str, ...] = ()
    after_id: str = ""
    is_deleted: bool = False


class GroundsFacts(NamedTuple):
    """What decides about the memberships of users in conversations with teams. `starts`: conversation id -> team id ->
    from where on members of the team see the conversation. `members`: team id -> the users who are in it.
    `restricted`: (conversation id, user id) of users who are, or were, muted in a conversation or banned from it."""

    starts: Mapping[str, Mapping[str, HistoryStart]]
    members: Mapping[str, Collection[str]]
    restricted: Collection[tuple[str, str]] = ()
