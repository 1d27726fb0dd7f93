"""The operations with which an agent's processes claim turns, the pieces of its work, answer and end them."""

from __future__ import annotations

from talkwire.core.commands.agents.turns import (
    ClaimTurns,
    EndTurn,
    FailTurn,
    ListTurns,
    ReleaseTurn,
    RetryTurn,
    SummarizeAgents,
    UpdateTurn,
)
from talkwire.operations.operation import OWN, Listed, One, Operation, Paged
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.agents.turns import (
    agent_numbers_payload,
    claimed_turn_payload,
    renewed_turn_payload,
    turn_payload,
)

_TAG = "agents"
_ROUTE = "/turns/{turn_id}"
_CLAIM = (
    "How many turns to claim at most, for how long, and how many seconds to wait for one. Only callers with the role "
    "`service` set `senderId`, to the agent."
)
_OF_TURN = (
    "`turn` is the token of the turn. Only callers with the role `service` set `senderId`, to the agent that has it."
)
_IS_REPAIR = "is a repair, which takes nothing from anyone; the list of turns shows it"

OPERATIONS = (
    Operation(
        SummarizeAgents,
        route="GET /admin/agents",
        tag="admin",
        operation_id="listAdminAgents",
        summary="List the agents that have turns, with their numbers",
        description="The agent with the oldest open turn is first. At most 100.",
        answer=Listed(agent_numbers_payload),
    ),
    Operation(
        ListTurns,
        route="GET /turns",
        tag=_TAG,
        summary="List turns, newest first",
        description="An agent's own, those of the caller's agents, or all for the roles `service` and `admin`. Turns "
        "that ended more than 30 days ago are removed.",
        answer=Paged(turn_payload),
        members={
            "agent_id": InputMember(meaning="Only turns of this agent"),
            "in_state": InputMember("state", meaning="Only turns in this state"),
        },
    ),
    Operation(
        ClaimTurns,
        event="turn:claim",
        route="POST /turns/claim",
        tag=_TAG,
        summary="Claim turns of an agent, the oldest first",
        description="At most one of each conversation. With `wait`, the answer comes when there is a turn, or after so "
        "many seconds. If the client disconnects meanwhile, nothing is claimed.",
        status=200,
        answer=Listed(claimed_turn_payload, "turns"),
        without=("source",),
        body=Shape("ClaimTurnsBody", _CLAIM, last=("sender_id",)),
        body_optional=True,
        payload=Shape("ClaimTurnsPayload", _CLAIM, last=("sender_id",)),
    ),
    Operation(
        UpdateTurn,
        event="turn:update",
        route=f"PATCH {_ROUTE}",
        tag=_TAG,
        summary="Renew a turn, and say what the agent is doing",
        description="With `stop` in the answer, somebody has asked the agent to stop, or handles the conversation.",
        answer=One(renewed_turn_payload),
        body=Shape("UpdateTurnBody", _OF_TURN, last=("sender_id",)),
        payload=Shape("UpdateTurnPayload", _OF_TURN, last=("sender_id",), without=("turn_id",)),
    ),
    Operation(
        EndTurn,
        event="turn:done",
        route=f"POST {_ROUTE}/done",
        tag=_TAG,
        summary="End a turn without a message",
        status=204,
        body=Shape("TurnBody", _OF_TURN, last=("sender_id",)),
        payload=Shape("OfTurnPayload", _OF_TURN, last=("sender_id",), without=("turn_id",)),
        unaudited=OWN,
    ),
    Operation(
        ReleaseTurn,
        event="turn:release",
        route=f"POST {_ROUTE}/release",
        tag=_TAG,
        summary="Give a turn back, for another process of the agent",
        status=204,
        body=Shape("TurnBody", _OF_TURN, last=("sender_id",)),
        payload=Shape("OfTurnPayload", _OF_TURN, last=("sender_id",), without=("turn_id",)),
        unaudited=OWN,
    ),
    Operation(
        FailTurn,
        event="turn:fail",
        route=f"POST {_ROUTE}/fail",
        tag=_TAG,
        summary="Say that an attempt has failed",
        description="The turn can be claimed again after 1 second, then 5, 30, 120 and 600, until it has failed too "
        "often (the setting `max_turn_tries`).",
        status=204,
        body=Shape("FailTurnBody", _OF_TURN, last=("sender_id",)),
        payload=Shape("FailTurnPayload", _OF_TURN, last=("sender_id",), without=("turn_id",)),
        unaudited=OWN,
    ),
    Operation(
        RetryTurn,
        event="turn:retry",
        route=f"POST {_ROUTE}/retry",
        tag=_TAG,
        summary="Let a failed turn begin again",
        description="For the agent's owner, and the roles `service` and `admin`.",
        status=204,
        payload=Shape("RetryTurnPayload"),
        unaudited=_IS_REPAIR,
    ),
)
