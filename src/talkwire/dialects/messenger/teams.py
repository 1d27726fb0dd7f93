"""Events of the messenger dialect about teams, which the members of a team receive."""

from __future__ import annotations

from talkwire.core.domain.events import Event, TeamSettled, TeamUpdated
from talkwire.dialects.dialect import Outbound
from talkwire.payloads.desk.teams import TeamSettledPayload, TeamUpdatedPayload, shared_team_payload


def _updated(event: TeamUpdated) -> TeamUpdatedPayload:
    team = shared_team_payload(event.team)
    return TeamUpdatedPayload(team, event.added or None, event.removed or None, event.deleted or None)


def _settled(event: TeamSettled) -> TeamSettledPayload:
    return TeamSettledPayload(event.team_id or None, event.conversation_id or None)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    TeamUpdated: (
        Outbound(
            "team:updated",
            _updated,
            summary="A team was created, renamed or deleted, or its members changed. Its members and those who were "
            "removed receive this event.",
        ),
    ),
    TeamSettled: (
        Outbound(
            "team:settled",
            _settled,
            summary="All memberships are written that follow from a change of a conversation's teams, of which the "
            "acknowledgement said `pending`. Members through teams receive this event.",
        ),
    ),
}
