"""The messages between nodes, and the bus that carries them.

The bus may lose, duplicate and reorder messages. Durable events are read from the log instead (`feed.py`), which is the
source of truth; ephemeral events may be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from talkwire.core.domain.events import Durable, UnstoredEvent


class BusMessage(msgspec.Struct, frozen=True, tag_field="kind"):
    """A message between nodes. `node_id` is the sender's."""

    node_id: str


class CommittedBatch(BusMessage, frozen=True, tag="committed"):
    """A transaction was committed and brought the log from `start_pos` to `pos`.

    `events` are the events in between; None: receivers have to read them from the log. `more`: the sender's next
    transaction has already started.
    """

    start_pos: int
    pos: int
    events: tuple[Durable, ...] | None = None
    more: bool = False


class EphemeralBatch(BusMessage, frozen=True, tag="told"):
    """Events that are not stored."""

    events: tuple[UnstoredEvent, ...]


class PeerQuestion(BusMessage, frozen=True, tag="question"):
    """A question from one node to all others, or only to the node `to`. `body` is encoded and decoded by `peers.py`."""

    id: str
    topic: str
    body: msgspec.Raw
    to: str | None = None


class PeerAnswer(BusMessage, frozen=True, tag="answer"):
    """The answer to the question with this id, for the node `to` that asked it."""

    id: str
    to: str
    body: msgspec.Raw


AnyBusMessage = CommittedBatch | EphemeralBatch | PeerQuestion | PeerAnswer

Receive = Callable[[AnyBusMessage], None]


@dataclass(slots=True)
class BusCounts:
    """Counts of bus messages since the start.

    `dropped`: messages that could not be sent, or were received and could not be decoded. `refused`: packages that are
    not signed by a node of this database or were received before, and messages of nodes without a lease.
    """

    sent: int = 0
    received: int = 0
    dropped: int = 0
    refused: int = 0


class Bus(Protocol):
    """Carries messages between the nodes of one log."""

    @property
    def is_disconnected(self) -> bool:
        """Whether the bus is known to be disconnected now, so that messages cannot be sent or received."""
        ...

    @property
    def includes_events(self) -> bool:
        """Whether `CommittedBatch` messages contain their events."""
        ...

    @property
    def counts(self) -> BusCounts: ...

    async def start(self, log: str, receive: Receive) -> None:
        """Connects to the other nodes of the log with this name (its epoch).

        From then on the bus calls `receive` on the event loop with the messages of others, and possibly with this
        node's own. Returns when it is connected, or when connecting failed and continues in the background.
        """
        ...

    def send(self, dispatch: AnyBusMessage) -> None:
        """Sends a message to all other nodes, in the order of the calls. Never waits; a message that cannot be sent is
        lost."""
        ...

    async def close(self) -> None: ...


class NoBus:
    """The bus of a server with a single node: sends nothing."""

    is_disconnected = False
    includes_events = False

    def __init__(self) -> None:
        self.counts = BusCounts()

    async def start(self, log: str, receive: Receive) -> None:
        pass

    def send(self, dispatch: AnyBusMessage) -> None:
        pass

    async def close(self) -> None:
        pass
