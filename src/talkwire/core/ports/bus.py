"""What nodes tell each other, and what carries it.

The log is the truth, the bus a hint: it may lose, double and reorder. What is durable is found in the log then
(`feed.py`); what is not was never promised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from talkwire.core.domain.events import Durable, UnstoredEvent


class BusMessage(msgspec.Struct, frozen=True, tag_field="kind"):
    """What travels. `node_id` is the sender's."""

    node_id: str


class CommittedBatch(BusMessage, frozen=True, tag="committed"):
    """A transaction has brought the log from `start_pos` to `pos`. `events` are those in between, or None: they are to
    be read from the log. `more`: the next transaction is under way."""

    start_pos: int
    pos: int
    events: tuple[Durable, ...] | None = None
    more: bool = False


class EphemeralBatch(BusMessage, frozen=True, tag="told"):
    """What is not kept."""

    events: tuple[UnstoredEvent, ...]


class PeerQuestion(BusMessage, frozen=True, tag="question"):
    """One node asks all others, or the one named `to`. `body` is for who asks and who answers (`peers.py`)."""

    id: str
    topic: str
    body: msgspec.Raw
    to: str | None = None


class PeerAnswer(BusMessage, frozen=True, tag="answer"):
    """To the question of this id, for the node that has asked it."""

    id: str
    to: str
    body: msgspec.Raw


AnyBusMessage = CommittedBatch | EphemeralBatch | PeerQuestion | PeerAnswer

Receive = Callable[[AnyBusMessage], None]


@dataclass(slots=True)
class BusCounts:
    """Dispatches since the start. `dropped`: those that were sent and have not left, or have come and could not be
    read. `refused`: parcels that no node of this database has sealed, or that came a second time, and dispatches of
    nodes without a lease."""

    sent: int = 0
    received: int = 0
    dropped: int = 0
    refused: int = 0


class Bus(Protocol):
    """Between the nodes of one log."""

    @property
    def away(self) -> bool:
        """Whether nothing can be sent or received at the moment, as far as is known."""
        ...

    @property
    def brings_events(self) -> bool:
        """Whether `CommittedBatch` comes with its events."""
        ...

    @property
    def counts(self) -> BusCounts: ...

    async def start(self, log: str, receive: Receive) -> None:
        """Joins the nodes of the log with this name (its epoch). From now on `receive` is called on the event loop with
        what others send; what this node sends itself may come back to it. Returns when that is so, or when it cannot be
        so at once: then it comes about by itself."""
        ...

    def send(self, dispatch: AnyBusMessage) -> None:
        """To all other nodes, in the order of the calls. Never waits; what cannot be sent is lost."""
        ...

    async def close(self) -> None: ...


class NoBus:
    """For a node that is alone."""

    away = False
    brings_events = False

    def __init__(self) -> None:
        self.counts = BusCounts()

    async def start(self, log: str, receive: Receive) -> None:
        pass

    def send(self, dispatch: AnyBusMessage) -> None:
        pass

    async def close(self) -> None:
        pass
