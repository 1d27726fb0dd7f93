"""Announces this node's events to many nodes, and fetches those announced events of other nodes that this node needs.

    announce → stored for EVENT_KEPT_S, and its announcement appended to those that wait → published to all nodes
    received → choose → fetched → receive

The announcements of all nodes wait together, on the server that transports them, until `ANNOUNCEMENTS_GATHER_S` after
the last ones were published. The next announcement then publishes all of them, or else a node whose announcement has
waited so long.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import structlog

from talkwire.bus.announcement_seal import BLOCK_HEAD_BYTES, ENTRY_BYTES, AnnouncementSeal, head_of
from talkwire.bus.compression import compress
from talkwire.bus.parcels import Unpacker, encode, pack
from talkwire.core.domain.events import Durable
from talkwire.core.ports.bus import Announcement, AnyBusMessage, BusCounts, Choose, CommittedBatch, Receive

ANNOUNCEMENTS_GATHER_S = 0.005
"""Longest time that an announcement waits for others while other nodes announce events too, in seconds."""

EVENT_KEPT_S = 5.0
"""Seconds for which an announced event can be fetched. Later it is read from the log."""

ANNOUNCED_EVENT_MAX_BYTES = 64 << 10
"""Largest event that can be fetched, in bytes. A larger one is read from the log."""

FETCHED_MAX = 100
"""Most announced events that are fetched at once."""

WANTED_MAX = 10_000
"""Most chosen events that wait to be fetched. The others are read from the log."""

RECEIVED_MAX = 10_000
"""Most announcements that are accepted at once."""

QUEUED_MAX = 10_000
"""Most events that wait to be announced."""

ANNOUNCED_MAX = 500
"""Most events that are announced at once. Redis runs one script at a time, so each must be short."""

ANNOUNCING_PAUSE_S = 10.0
"""Seconds for which events are sent to all nodes after they could not be announced."""

_AROUND = 64
"""Most bytes that `pack` adds to an encoded event."""

_logger = structlog.get_logger(__name__)


class AnnouncementTransport(Protocol):
    """What a bus's transport offers if nodes can announce events over it. If it does not work, both methods raise one
    of the transport's `failures` within some seconds."""

    on_announced: Callable[[bytes], None]
    """Called with each block of announcements that was sent to every node."""

    async def announce(
        self, head: bytes, entries: bytes, events: Mapping[str, bytes], *, kept_s: float, gather_s: float
    ) -> bool:
        """Stores events by their keys, each for `kept_s` seconds, and appends `entries` to the announcements that wait.
        Then sends all that wait as one block behind `head` to every node, this one included, unless that was done
        within the last `gather_s` seconds. Returns whether none wait any more."""
        ...

    async def fetch(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Returns the stored events with the keys, or None in place of one that is not stored any more."""
        ...


class _Queued(NamedTuple):
    """A transaction that waits to be announced, with the `hash_of` each event."""

    batch: CommittedBatch
    hashes: Sequence[int]


class Announcer:
    """Announces this node's events, and fetches those of others that `choose` returns, for `receive`.

    `send_to_all` sends a transaction that cannot be announced. `failures` are the exceptions of the transport.
    `may_compress` returns whether all other nodes read compressed events.
    """

    def __init__(  # noqa: PLR0913 (what it joins)
        self,
        transport: AnnouncementTransport,
        failures: tuple[type[Exception], ...],
        seal: AnnouncementSeal,
        *,
        choose: Choose,
        receive: Receive,
        send_to_all: Callable[[AnyBusMessage], None],
        may_compress: Callable[[], bool],
        counts: BusCounts,
    ) -> None:
        self._transport = transport
        self._failures = failures
        self._seal = seal
        self._choose = choose
        self._receive = receive
        self._send_to_all = send_to_all
        self._may_compress = may_compress
        self._counts = counts
        self._unpacker = Unpacker(ANNOUNCED_EVENT_MAX_BYTES + _AROUND)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Queued] = deque()
        self._queue_size = 0
        """Number of queued events."""
        self._queued = asyncio.Event()
        self._publish_at: float | None = None
        """Time at which this node's last announcement has waited long enough; None if it was published."""
        self._paused_until = 0.0
        self._pos = 0
        """Position in the log of this node's last announcement."""
        self._wanted: dict[int, Announcement] = {}
        self._wants = asyncio.Event()

    def learn(self, node_id: str) -> None:
        """Records the id of another node, whose announcements are accepted from then on."""
        self._seal.learn(node_id)

    def announce(self, batch: CommittedBatch, hashes: Sequence[int]) -> None:
        """Queues the announcement of a transaction; `hashes` are those of its events. Sends it to all nodes instead if
        all of them need all of it, or if it cannot be announced at present. Never waits."""
        is_paused = self._loop.time() < self._paused_until
        is_large = len(hashes) > ANNOUNCED_MAX or self._queue_size + len(hashes) > QUEUED_MAX
        if is_paused or is_large or not any(hashes):
            self._send_to_all(batch)
            return
        self._queue.append(_Queued(batch, hashes))
        self._queue_size += len(hashes)
        self._queued.set()

    def receive(self, data: bytes) -> int:
        """Handles a block of announcements from the network, and returns how many of them were refused."""
        announcements, refused = self._seal.open(data[: BLOCK_HEAD_BYTES + RECEIVED_MAX * ENTRY_BYTES])
        if announcements:
            for announced in self._choose(announcements)[: WANTED_MAX - len(self._wanted)]:
                self._wanted[announced.pos] = announced
                self._wants.set()
        return refused

    async def keep_announcing(self) -> None:
        """Announces what is queued, until cancelled."""
        while True:
            await asyncio.sleep(0)  # a transport may work without suspending
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._publish_at):
                    await self._queued.wait()
            taken = self._take_queued()
            try:
                await self._announce(taken)
            except self._failures as error:
                self._pause(error)
                for each in taken:
                    self._send_to_all(each.batch)

    async def keep_fetching(self) -> None:
        """Fetches what was chosen, until cancelled."""
        while True:
            await asyncio.sleep(0)  # as above
            await self._wants.wait()
            chosen = [*self._wanted.values()][:FETCHED_MAX]
            try:
                found = await self._transport.fetch([_key(each.node_id, each.pos) for each in chosen])
            except self._failures as error:
                self._pause(error)
                found = [None] * len(chosen)
            for announced, sealed in zip(chosen, found, strict=True):
                del self._wanted[announced.pos]
                if sealed is not None:
                    self._take(announced, sealed)
            if not self._wanted:
                self._wants.clear()

    def _take_queued(self) -> list[_Queued]:
        """Removes the oldest transactions from the queue, which together have at most ANNOUNCED_MAX events, and returns
        them."""
        taken, room = list[_Queued](), ANNOUNCED_MAX
        while self._queue and len(self._queue[0].hashes) <= room:
            taken.append(self._queue.popleft())
            room -= len(taken[-1].hashes)
        self._queue_size -= ANNOUNCED_MAX - room
        if not self._queue:
            self._queued.clear()
        return taken

    async def _announce(self, queue: Sequence[_Queued]) -> None:
        """Announces transactions, and publishes the announcements that have waited long enough."""
        entries, events = list[bytes](), dict[str, bytes]()
        for batch, hashes in queue:
            for event, conversation_hash in zip(batch.events or (), hashes, strict=True):
                self._pos = event.pos
                entries.append(self._seal.entry(event.pos, conversation_hash))
                body = _encoded(batch, event)
                if body is not None:
                    body = compress(body) if self._may_compress() else body
                    events[_key(batch.node_id, event.pos)] = self._seal.seal_event(event.pos, body)
        is_published = await self._transport.announce(
            head_of(self._pos), b"".join(entries), events, kept_s=EVENT_KEPT_S, gather_s=ANNOUNCEMENTS_GATHER_S
        )
        # Without a new announcement, the one before was published: others were within the time that it has waited.
        self._publish_at = None if is_published or not queue else self._loop.time() + ANNOUNCEMENTS_GATHER_S
        self._counts.sent += len(queue)

    def _take(self, announced: Announcement, sealed: bytes) -> None:
        """Passes a fetched event on, unless it is not what was announced."""
        body = self._seal.open_event(announced.node_id, announced.pos, sealed)
        if body is None:
            self._counts.refused += 1
            return
        for message in self._unpacker.unpack(body):
            self._counts.received += 1
            try:
                self._receive(message)
            except Exception:
                # The next events are handled even if one fails.
                _logger.exception("bus_message_not_handled", kind=type(message).__name__)

    def _pause(self, error: Exception) -> None:
        """Sends events to all nodes for a while, since announcing or fetching them has failed."""
        now = self._loop.time()
        if now >= self._paused_until:
            _logger.warning("events_not_announced", error=" ".join(str(error).split()) or "no answer")
        self._paused_until = now + ANNOUNCING_PAUSE_S
        self._publish_at = None


def _encoded(batch: CommittedBatch, event: Durable) -> bytes | None:
    """Returns one event of a transaction as a parcel of its own, or None if it has to be read from the log."""
    encoded = encode(CommittedBatch(batch.node_id, event.pos - 1, event.pos, (event,)))
    return None if encoded is None or len(encoded) > ANNOUNCED_EVENT_MAX_BYTES else pack((encoded,))


def _key(node_id: str, pos: int) -> str:
    return f"{node_id}:{pos}"
