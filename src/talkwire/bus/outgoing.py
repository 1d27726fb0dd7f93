"""A node's queue of bus messages for other nodes. The queue is bounded: when it is full, the oldest messages are
dropped.
"""

from __future__ import annotations

from asyncio import Event
from collections import deque
from typing import NamedTuple

import structlog

from talkwire.bus.parcels import encode, pack
from talkwire.core.ports.bus import AnyBusMessage, BusCounts, CommittedBatch, Receivers

PARCEL_MAX_BYTES = 1 << 20
"""Most bytes of messages that are sent at once, unless a single message is larger."""

PARCELS_MAX = 100
"""Most parcels that are sent at once."""

QUEUE_MAX_BYTES = 16 << 20
"""Most bytes of messages in the queue. Beyond it the oldest messages are dropped."""

_logger = structlog.get_logger(__name__)


class Parcel(NamedTuple):
    """A block of bytes with a number of `messages`, for the nodes with the ids `to`, or for all if that is None."""

    messages: int
    body: bytes
    to: Receivers


class Outgoing:
    """A bounded queue of encoded bus messages for other nodes.

    `dispatch_max` is the size of the largest message in bytes. Without `with_events`, only the log positions of the
    newest commit are sent, in place of earlier unsent commits, and other nodes read the events from the log. Dropped
    messages are added to `counts.dropped`.
    """

    def __init__(self, counts: BusCounts, *, dispatch_max: int, with_events: bool) -> None:
        self.waiting = Event()
        """Event that is set while messages are queued."""
        self._counts = counts
        self._dispatch_max = dispatch_max
        self._with_events = with_events
        self._dispatches: deque[_Queued] = deque()
        self._size = 0
        self._newest: CommittedBatch | None = None
        self._warned = False

    def put(self, dispatch: AnyBusMessage, to: Receivers = None) -> None:
        """Queues a message for the nodes with the ids `to`, or for all if that is None. Drops it if it is too large or
        cannot be encoded; a commit that is too large is queued without its events. Drops the oldest messages if the
        queue exceeds QUEUE_MAX_BYTES bytes. Never raises.
        """
        if isinstance(dispatch, CommittedBatch) and not self._with_events:
            self._newest = _without_events(dispatch)
            self.waiting.set()
            return
        encoded = encode(dispatch)
        if encoded is not None and len(encoded) > self._dispatch_max:
            encoded = self._replacement(dispatch, len(encoded))
        if encoded is None:
            self._counts.dropped += 1
            return
        self._dispatches.append(_Queued(encoded, to))
        self._size += len(encoded)
        while self._size > QUEUE_MAX_BYTES:
            self._size -= len(self._dispatches.popleft().encoded)
            self._counts.dropped += 1
        self.waiting.set()

    def take(self) -> list[Parcel]:
        """Removes the oldest messages from the queue, at most PARCEL_MAX_BYTES bytes of them or one larger message, and
        returns them as at most PARCELS_MAX parcels: successive messages for the same nodes are in one parcel.
        """
        taken: list[tuple[list[bytes], Receivers]] = []
        size = 0
        if self._newest is not None:
            newest = encode(self._newest)
            if newest is not None:
                taken.append(([newest], None))
            self._newest = None
        while self._dispatches:
            encoded, to = self._dispatches[0]
            is_new = not taken or taken[-1][1] != to
            if (taken and size + len(encoded) > PARCEL_MAX_BYTES) or (is_new and len(taken) == PARCELS_MAX):
                break
            if is_new:
                taken.append(([], to))
            taken[-1][0].append(encoded)
            self._dispatches.popleft()
            size += len(encoded)
        self._size -= size
        if not self._dispatches:
            self.waiting.clear()
        return [Parcel(len(messages), pack(messages), to) for messages, to in taken]

    def drop(self) -> None:
        """Empties the queue and counts its messages as dropped: while the bus is disconnected nobody can receive them,
        and later they would be out of date.
        """
        self._counts.dropped += len(self._dispatches) + (self._newest is not None)
        self._dispatches.clear()
        self._size = 0
        self._newest = None
        self.waiting.clear()

    def _replacement(self, dispatch: AnyBusMessage, size: int) -> bytes | None:
        """Returns the encoded message to send instead of one that has `size` bytes, which is too large: a commit
        without its events. Returns None for all other messages, which are dropped.
        """
        if isinstance(dispatch, CommittedBatch):
            return encode(_without_events(dispatch))
        if not self._warned:
            self._warned = True
            _logger.warning("bus_message_too_large", kind=type(dispatch).__name__, bytes=size)
        return None


class _Queued(NamedTuple):
    """An encoded message, and the ids of the nodes that it is for; None for all."""

    encoded: bytes
    to: Receivers


def _without_events(committed: CommittedBatch) -> CommittedBatch:
    return CommittedBatch(committed.node_id, committed.start_pos, committed.pos)
