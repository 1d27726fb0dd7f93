"""Payloads about who handles a conversation, and since when a customer waits in it."""

from __future__ import annotations

from talkwire.core.commands.desk.claims import HandlingView
from talkwire.core.commands.desk.numbers import DeskNumbers
from talkwire.core.domain.desk.handling import HandlingState, state_of
from talkwire.core.domain.times import iso_or_none
from talkwire.payloads.payload import Payload


class HandlingPayload(Payload, frozen=True):
    """Who handles a conversation, null for nobody, and whether it is closed. `pending`: a team was added, and some of
    its memberships are still being written; `team:settled` says when all are."""

    conversation_id: str
    handler: str | None
    state: HandlingState
    pending: bool | None = None


class ConversationHandlingPayload(Payload, frozen=True):
    """Who handles a conversation now, null for nobody, and whether it is closed. `by` is the user who did it; it is
    missing for the application's backend."""

    conversation_id: str
    handler: str | None
    state: HandlingState
    by: str | None = None


class DeskConversationPayload(Payload, frozen=True):
    """What only the teams of a conversation and the application's backend see of it. `waitingSince` is the time of the
    oldest message of a customer that has no answer, null if nobody waits. `notesId` is the conversation with the teams'
    notes, null before the first. `note` is what the user `by` wrote for the next handler."""

    conversation_id: str
    waiting_since: str | None
    notes_id: str | None
    team_ids: tuple[str, ...]
    by: str | None = None
    note: str | None = None


class DeskUpdatedPayload(Payload, frozen=True):
    """How many conversations of a team are open, how many of these nobody handles, and in how many a customer waits.
    `oldestWaitingSince` is the time since which the customer waits who has waited for the longest time, null if nobody
    waits."""

    team_id: str
    open: int
    unhandled: int
    waiting: int
    oldest_waiting_since: str | None


def handling_payload(view: HandlingView) -> HandlingPayload:
    pending = None if view.pending_pos is None else True
    return HandlingPayload(view.conversation_id, view.handler_id, state_of(closed=view.closed), pending)


def numbers_payload(numbers: DeskNumbers) -> DeskUpdatedPayload:
    oldest = iso_or_none(numbers.oldest_waiting_ms)
    return DeskUpdatedPayload(numbers.team_id, numbers.open, numbers.unhandled, numbers.waiting, oldest)
