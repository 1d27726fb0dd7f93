"""Events of the messenger dialect about turns."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from talkwire.core.commands.agents.turns import RenewedTurn
from talkwire.core.domain.events import Event, TurnFailed, TurnReady, TurnUnanswered, TurnWorking
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.agents import turns
from talkwire.payloads.agents.turns import (
    stop_of,
    turn_failed_payload,
    turn_ready_payload,
    turn_unanswered_payload,
    turn_working_payload,
)
from talkwire.payloads.replies import Reply
from talkwire.payloads.streams import StopMark


class RenewedTurnReply(Reply, frozen=True, kw_only=True, rename="camel"):
    stop: StopMark | UnsetType = UNSET


def _renewed_reply(renewed: RenewedTurn) -> RenewedTurnReply:
    return RenewedTurnReply(stop=stop_of(renewed))


INBOUND = events_of(turns.OPERATIONS, replies={"turn:update": _renewed_reply})

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    TurnReady: (Outbound("turn:ready", turn_ready_payload, summary="A turn of this agent can be claimed."),),
    TurnUnanswered: (
        Outbound(
            "turn:unanswered",
            turn_unanswered_payload,
            summary="A turn of an agent has been open for too long. The agent's owner receives this event.",
        ),
    ),
    TurnFailed: (
        Outbound(
            "turn:failed",
            turn_failed_payload,
            summary="A turn of an agent has failed for good. The agent's owner receives this event.",
        ),
    ),
    TurnWorking: (
        Outbound(
            "turn:working",
            turn_working_payload,
            summary="An agent works on an answer. The members of its conversation receive this event, without the "
            "agent's own sockets.",
        ),
    ),
}
