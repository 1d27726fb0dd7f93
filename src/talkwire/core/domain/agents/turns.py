"""Turns: pieces of an agent's work.

A *turn* is one piece of an agent's work in one conversation: the messages there that the agent has not answered. Of all
the agent's processes one holds it at a time, by a lease. Each time that a process claims it is another *attempt*, which
its *token* names; commands with the token of an earlier attempt are refused.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, get_args

import msgspec

from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.parts.streams import StopRequest, StreamError

TurnState = Literal["waiting", "working", "done", "failed"]
"""State of a turn. `waiting`: for a process that claims it, or for a decision about a card. `working`: a process holds
it."""

TURN_STATES: tuple[TurnState, ...] = get_args(TurnState)

CLAIMED_TURNS_MAX = 50
"""Most turns that are claimed at once."""

TURN_MESSAGES_MAX = 100
"""Most messages of a turn; later ones begin the next turn."""

TURN_LABEL_MAX_LENGTH = 100
"""Longest label of what an agent does in a turn, in characters."""

TURN_LEASE_MS = 60_000
"""Default duration of the lease of a turn that is claimed over REST, in milliseconds."""

TURN_LEASE_BY_SOCKET_MS = 15_000
"""Default duration of the lease of a turn that is claimed by a socket, in milliseconds."""

TURN_PAUSES_MS = (1_000, 5_000, 30_000, 120_000, 600_000)
"""Milliseconds after which a turn can be claimed again that has failed for the first time, the second time and so
on."""

TURNS_KEPT_MS = 30 * 24 * 60 * 60 * 1000
"""Milliseconds for which turns that have ended are kept."""

_TOKEN = re.compile(r"([1-9][0-9]{0,17})\.([1-9][0-9]{0,8})")


class Cause(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a message of an agent answers. `depth` is how many messages of agents answer each other up to it, from the
    message `root_id` on, which has none before it. `turn_id` is the turn in which it was written, if any."""

    depth: int
    root_id: int
    turn_id: int | None = None


class Turn(msgspec.Struct, frozen=True):
    """One piece of an agent's work in a conversation.

    `attempt` counts the claims. A turn in the state `waiting` can be claimed from `claimable_ms` on; None while it
    waits for the decision about the card of the message `card_id`, which is what the next claim brings. The lease of a
    working one is `lease_ms` long and ends at `until_ms`; while the stream of the message `stream_id` is open, the
    stream's lease is the turn's. The attempt `stream_attempt` has opened it, or taken it over: one that was given back
    may leave it open for a moment. `more`: the end of this stream does not end the turn. `tries` is how often it has
    failed, and `error` why the last time.

    `depth` and `root_id` are those of the messages that it answers, as in `Cause`: of the one with the lowest depth.
    `note` is what the member `note_by` wrote for the agent. `stopped_by` has asked the agent to stop, at `stopped_ms`.
    Times are in milliseconds since 1970.
    """

    id: int
    conversation_id: str
    agent_id: str
    created_ms: int
    depth: int
    root_id: int
    state: TurnState = "waiting"
    message_count: int = 0
    attempt: int = 0
    tries: int = 0
    claimable_ms: int | None = None
    lease_ms: int = 0
    until_ms: int | None = None
    label: str | None = None
    note: str | None = None
    note_by: str | None = None
    card_id: int | None = None
    stream_id: int | None = None
    stream_attempt: int | None = None
    more: bool = False
    error_code: str | None = None
    error_message: str | None = None
    ended_ms: int | None = None
    stopped_by: str | None = None
    stopped_ms: int | None = None

    @property
    def token(self) -> str:
        return f"{self.id}.{self.attempt}"

    @property
    def error(self) -> StreamError | None:
        return None if self.error_code is None else StreamError(self.error_code, self.error_message or "")

    @property
    def has_ended(self) -> bool:
        return self.state in {"done", "failed"}

    @property
    def has_own_stream(self) -> bool:
        """Whether the present attempt has opened the stream, or has taken it over."""
        return self.stream_id is not None and self.stream_attempt == self.attempt

    @property
    def is_new(self) -> bool:
        """Whether nobody has claimed it yet, so that further messages belong to it."""
        return self.state == "waiting" and not self.attempt and self.card_id is None

    @property
    def stop(self) -> StopRequest | None:
        if self.stopped_by is None or self.stopped_ms is None:
            return None
        return StopRequest(self.stopped_by, self.stopped_ms)


class TurnToken(NamedTuple):
    turn_id: int
    attempt: int


def token_of(path: str, text: str) -> TurnToken:
    """Returns the turn and the attempt that a token names. Raises `invalid_request` for another text, which was given
    at `path`."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise invalid(path, "must be the token of a turn, as a claim returns it")
    return TurnToken(int(found[1]), int(found[2]))


def pause_ms(tries: int) -> int:
    """Returns after how long a turn can be claimed again that has failed `tries` times."""
    return TURN_PAUSES_MS[min(tries, len(TURN_PAUSES_MS)) - 1]


def superseded_turn() -> ChatError:
    return ChatError("conflict", "Another attempt has this turn now.", {"reason": "superseded"}, cause="state_changed")


def ended_turn(turn: Turn) -> ChatError:
    details = {"reason": "ended", "state": turn.state}
    return ChatError("conflict", "This turn has ended.", details, cause="state_changed")


def too_deep(most: int) -> ChatError:
    """Returns the refusal of a message of an agent that would be one too many in a chain of agents' messages."""
    message = f"Agents have answered each other {most} times here. A person has to write first."
    return ChatError("conflict", message, {"reason": "depth", "limit": most}, cause="too_many")
