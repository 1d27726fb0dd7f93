"""The messages that nodes (server processes of one cluster) send each other, and the interface of the bus that
transports the messages.

The bus may lose, duplicate and reorder messages. Committed (durable) events can always be read from the log in the
database instead (`feed.py` does so), which is the source of truth; ephemeral events may be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec

from talkwire.core.domain.events import Durable, UnstoredEvent


class BusMessage(msgspec.Struct, frozen=True, tag_field="kind"):
    """The base of all messages between nodes. `node_id` is the id of the node that sends the message."""

    node_id: str


class CommittedBatch(BusMessage, frozen=True, tag="committed"):
    """A message saying that a transaction of the sending node was committed and moved the newest log position from
    `start_pos` to `pos`.

    `events` are the events of the transaction; None: receivers have to read them from the log. `more`: the sender's
    next transaction has already started.
    """

    start_pos: int
    pos: int
    events: tuple[Durable, ...] | None = None
    more: bool = False


class EphemeralBatch(BusMessage, frozen=True, tag="told"):
    """A message with ephemeral events, such as typing and presence: they are sent to connected users and are not in the
    log."""

    events: tuple[UnstoredEvent, ...]


class PeerQuestion(BusMessage, frozen=True, tag="question"):
    """A question from one node to all others, or only to the node `to`. `topic` selects the handler; `body` is
    MessagePack that `peers.py` encodes and decodes."""

    id: str
    topic: str
    body: msgspec.Raw
    to: str | None = None


class PeerAnswer(BusMessage, frozen=True, tag="answer"):
    """A node's answer to the `PeerQuestion` with the same `id`, addressed to the node `to` that asked."""

    id: str
    to: str
    body: msgspec.Raw


AnyBusMessage = CommittedBatch | EphemeralBatch | PeerQuestion | PeerAnswer

Receive = Callable[[AnyBusMessage], None]

Receivers = tuple[str, ...] | None
"""Ids of the nodes that a message is sent to; None for all."""


class Announcement(NamedTuple):
    """Says that the node `node_id` has committed the event at the log position `pos`, and which nodes need it
    (`domain.log.announced.hash_of`)."""

    node_id: str
    pos: int
    conversation_hash: int


Choose = Callable[[Sequence[Announcement]], Sequence[Announcement]]
"""Function that returns those of the announced events that a node needs. The bus fetches them."""


def choose_all(announced: Sequence[Announcement]) -> Sequence[Announcement]:
    """Returns all announced events: the choice of a node that needs every event."""
    return announced


def never() -> bool:
    """Returns False: messages must not be compressed."""
    return False


@dataclass(slots=True)
class BusCounts:
    """Counts of bus messages since this process started.

    `dropped`: messages that could not be sent, or were received and could not be decoded. `refused`: received data that
    was not signed by a node of this database or had been received before, and messages of nodes without a lease.
    `connections`: how often the bus was connected.
    """

    sent: int = 0
    received: int = 0
    dropped: int = 0
    refused: int = 0
    connections: int = 0


class Bus(Protocol):
    """The interface of a bus: it transports messages between the nodes (server processes) that share one database."""

    @property
    def is_disconnected(self) -> bool:
        """True while the bus is known to be disconnected, so that messages can be neither sent nor received."""
        ...

    @property
    def includes_events(self) -> bool:
        """True if this bus sends `CommittedBatch` messages with their events, so that receivers need not read the
        log."""
        ...

    @property
    def counts(self) -> BusCounts: ...

    async def start(
        self,
        log: str,
        node_id: str,
        receive: Receive,
        choose: Choose = choose_all,
        may_compress: Callable[[], bool] = never,
    ) -> None:
        """Connects the node `node_id` to the other nodes that use the log (the ordered record of events in the
        database) with the name `log`, which is the log's epoch.

        From then on the bus calls `receive` on the event loop with the messages of other nodes, and possibly with this
        node's own. It calls `choose` with the events that other nodes announce, and `receive` with each chosen one as a
        `CommittedBatch`. `may_compress` returns whether all other nodes read compressed messages. Returns when the bus
        is connected, or when connecting failed and is retried in the background.
        """
        ...

    def send(self, dispatch: AnyBusMessage, to: Receivers = None) -> None:
        """Sends a message to the other nodes with the ids `to`, or to all if that is None, in the order of the calls. A
        bus on which nodes cannot be addressed sends it to all. Never waits; a message that cannot be sent is lost.
        """
        ...

    def announce(self, batch: CommittedBatch, hashes: Sequence[int]) -> None:
        """Announces the events of a transaction to all other nodes, which then fetch those that they need. `hashes` has
        the `hash_of` each event. A bus that cannot announce events sends them to all nodes. Never waits; an event that
        cannot be announced or fetched is read from the log."""
        ...

    async def close(self) -> None: ...


class NoBus:
    """The bus of a server with a single node: it discards what is sent and receives nothing."""

    is_disconnected = False
    includes_events = False

    def __init__(self) -> None:
        self.counts = BusCounts()

    async def start(
        self,
        log: str,
        node_id: str,
        receive: Receive,
        choose: Choose = choose_all,
        may_compress: Callable[[], bool] = never,
    ) -> None:
        pass

    def send(self, dispatch: AnyBusMessage, to: Receivers = None) -> None:
        pass

    def announce(self, batch: CommittedBatch, hashes: Sequence[int]) -> None:
        pass

    async def close(self) -> None:
        pass
