"""A bus over a network that may fail at any time: messages are queued, sent in batches, and dropped while it is down.

    send → Outgoing → one sealed parcel at a time → BusTransport.publish
    BusTransport.listening → opened → unpacked → receive

A *parcel* is a batch of messages. Messages that are sent while a parcel is in flight go into the next one. A parcel
with an invalid seal, or one that was received before, is dropped before anything in it is decoded.

A node also receives its own parcels to all nodes, and at least every `BEAT_S` it sends one to all or only to itself. If
none returns, one of the two directions is broken: the bus connects again, and counts as disconnected until one returns.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import structlog

from talkwire.bus.announcement_seal import AnnouncementSeal
from talkwire.bus.announcer import AnnouncementTransport, Announcer
from talkwire.bus.compression import compress
from talkwire.bus.outgoing import PARCEL_MAX_BYTES, Outgoing, Parcel
from talkwire.bus.parcels import Unpacker, pack
from talkwire.bus.seal import Realm, Seal
from talkwire.core.ports.bus import (
    AnyBusMessage,
    BusCounts,
    Choose,
    CommittedBatch,
    Receive,
    Receivers,
    choose_all,
    never,
)

BEAT_S = 1.0
"""Longest time between two parcels that return to their sender, in seconds. A node sends an empty one to itself if
there are no messages to all nodes."""

BUS_ANSWER_S = 1.5
"""Seconds within which the network has to connect, to accept a parcel, and to return a sent parcel to its sender."""

LATENESS_CHECK_EVERY_S = 0.25
"""Seconds between two looks at how late the event loop is."""

BUS_START_S = 2.0
"""Seconds that a starting node waits for the bus to connect."""

HANDLING_TURN_S = 0.002
"""Longest time for which received parcels are handled before other tasks of the event loop run, in seconds. Events
handled in one turn are written to a client at once, and writing to all members of a large room takes longer than
this."""

PAUSES_S = (0.05, 0.1, 0.2, 0.5)
"""Pauses between attempts to listen again, in seconds; the last one repeats."""

PUBLISH_PAUSE_S = 0.2
"""Seconds that a node waits after a parcel that could not be sent."""

CANCEL_AGAIN_S = 0.5
"""Seconds until a task that has not ended is cancelled again when the bus closes."""

REFUSED_WARN_EVERY_S = 60.0
"""Seconds between two log entries about refused parcels, which a stranger may send without end."""

_AROUND = 64 << 10
"""Most bytes of a parcel that are not messages."""

_logger = structlog.get_logger(__name__)


Published = tuple[bytes, Receivers]
"""A sealed parcel, and the ids of the nodes that it is for; None for all."""


class BusTransport(Protocol):
    """A network connection that sends parcels (sealed batches of messages) to every listening node, including the
    sender, or to some of them.

    `includes_events` says whether commits are sent with their events, or only with their log positions. A parcel may be
    slightly larger than `dispatch_max` bytes. `announcements` is None if nodes cannot announce events over the network.
    If it does not work, every method raises one of `failures` within some seconds.
    """

    includes_events: bool
    dispatch_max: int
    failures: tuple[type[Exception], ...]

    @property
    def announcements(self) -> AnnouncementTransport | None: ...

    async def publish(self, parcels: Sequence[Published]) -> None:
        """Sends parcels, in this order. Each reaches the listening nodes with the ids that it comes with, or all if
        that is None; possibly it reaches all in any case."""
        ...

    def listening(self, node_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Returns a context manager that connects as the node `node_id`. Its value iterates over the parcels that all
        nodes, this one included, publish from then on to all nodes or to this one."""
        ...

    async def close(self) -> None: ...


class TransportBus:
    """A bus between nodes over a network transport: queues messages, sends them in sealed parcels and passes received
    ones on. Implements `core.ports.bus.Bus`.

    `carry` creates the transport for a channel name; `realm` derives that name and the sealing key from the log's
    epoch.
    """

    def __init__(self, carry: Callable[[str], BusTransport], realm: Realm) -> None:
        self.is_disconnected = True
        self.includes_events = True
        self.counts = BusCounts()
        self._carry = carry
        self._realm = realm
        self._warned_at = -REFUSED_WARN_EVERY_S
        self._announcer: Announcer | None = None
        self._tried = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(
        self,
        log: str,
        node_id: str,
        receive: Receive,
        choose: Choose = choose_all,
        may_compress: Callable[[], bool] = never,
    ) -> None:
        self._node_id = node_id
        self._receive = receive
        self._may_compress = may_compress
        key = self._realm.key(log)
        self._seal = Seal(key)
        carrier = self._carrier = self._carry(self._realm.name(log))
        self._parcel_max = max(PARCEL_MAX_BYTES, carrier.dispatch_max) + _AROUND
        self._unpacker = Unpacker(self._parcel_max)
        self.includes_events = carrier.includes_events
        self._outgoing = Outgoing(self.counts, dispatch_max=carrier.dispatch_max, with_events=carrier.includes_events)
        self._tasks = [asyncio.create_task(self._keep_publishing()), asyncio.create_task(self._keep_listening())]
        if carrier.announcements is not None:
            announcer = self._announcer = Announcer(
                carrier.announcements,
                carrier.failures,
                AnnouncementSeal(key, node_id),
                choose=choose,
                receive=receive,
                send_to_all=self.send,
                may_compress=may_compress,
                counts=self.counts,
            )
            carrier.announcements.on_announced = self._take_announced
            self._tasks += [
                asyncio.create_task(announcer.keep_announcing()),
                asyncio.create_task(announcer.keep_fetching()),
            ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BUS_START_S):
                await self._tried.wait()

    def send(self, dispatch: AnyBusMessage, to: Receivers = None) -> None:
        self._outgoing.put(dispatch, to)
        if self._announcer is not None:
            for node_id in to or ():
                self._announcer.learn(node_id)

    def announce(self, batch: CommittedBatch, hashes: Sequence[int]) -> None:
        if self._announcer is None or self.is_disconnected:
            self.send(batch)
        else:
            self._announcer.announce(batch, hashes)

    async def close(self) -> None:
        self.is_disconnected = True
        if not self._tasks:
            return
        ending = set(self._tasks)
        while ending:
            for task in ending:
                task.cancel()
            # Before Python 3.12, `asyncio.wait_for`, which the Redis client uses, could lose a cancellation.
            _, ending = await asyncio.wait(ending, timeout=CANCEL_AGAIN_S)
        await self._carrier.close()

    # --- sending ----------------------------------------------------------------------------------------------------

    async def _keep_publishing(self) -> None:
        now = asyncio.get_running_loop().time
        beat_at = now()
        while True:
            await asyncio.sleep(0)  # a bus in the same process publishes without suspending
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(beat_at):
                    await self._outgoing.waiting.wait()
            parcels = self._outgoing.take() if now() < beat_at else []
            parcels = parcels or [Parcel(0, pack(()), (self._node_id,))]
            messages = sum(parcel.messages for parcel in parcels)
            try:
                await self._carrier.publish([(self._sealed(parcel.body), parcel.to) for parcel in parcels])
            except self._carrier.failures as error:
                self._mark_away(error)
                self.counts.dropped += messages
                self._outgoing.drop()
                await asyncio.sleep(PUBLISH_PAUSE_S)
                self._outgoing.waiting.set()  # retries at once, to find out whether the bus works again
            else:
                self.counts.sent += messages
                if any(parcel.to is None or self._node_id in parcel.to for parcel in parcels):
                    beat_at = now() + BEAT_S

    def _sealed(self, body: bytes) -> bytes:
        return self._seal.seal(compress(body) if self._may_compress() else body)

    # --- listening --------------------------------------------------------------------------------------------------

    async def _keep_listening(self) -> None:
        tries = 0
        while True:
            try:
                async with (
                    self._carrier.listening(self._node_id) as parcels,
                    _running_time(BEAT_S + BUS_ANSWER_S) as patience,
                ):
                    self._outgoing.waiting.set()  # sends a parcel at once; its return shows that both directions work
                    now = asyncio.get_running_loop().time
                    turn = _Turn()
                    async for parcel in parcels:
                        if self._take(parcel):
                            patience.reschedule(now() + BEAT_S + BUS_ANSWER_S)
                            self._mark_connected()
                            tries = 0
                        # Lets other tasks run while one node sends much.
                        if turn.lasts_s() >= HANDLING_TURN_S:
                            await asyncio.sleep(0)
            except self._carrier.failures as error:
                self._mark_away(error)
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1

    def _take(self, parcel: bytes) -> bool:
        """Handles one received parcel (a sealed batch of messages): passes the messages of another node to the
        receiver, and drops a parcel that is too large or whose seal is invalid. Returns True if the parcel is this
        node's own, which shows that the network works in both directions.
        """
        opened = None if len(parcel) > self._parcel_max else self._seal.open(parcel)
        if opened is None:
            self._refuse(parcel)
        elif opened.own:
            return True
        else:
            self._receive_all(opened.body)
        return False

    def _take_announced(self, data: bytes) -> None:
        """Handles a received block of announcements."""
        assert self._announcer is not None, "only then they are received"
        try:
            refused = self._announcer.receive(data)
        except Exception:
            # The node goes on listening.
            _logger.exception("announcements_not_handled")
        else:
            if refused:
                self._refuse(data, refused)

    def _refuse(self, parcel: bytes, times: int = 1) -> None:
        self.counts.refused += times
        now = asyncio.get_running_loop().time()
        if now - self._warned_at >= REFUSED_WARN_EVERY_S:
            self._warned_at = now
            _logger.warning("bus_parcel_refused", bytes=len(parcel), refused=self.counts.refused)

    def _receive_all(self, body: memoryview) -> None:
        before = self._unpacker.not_understood
        dispatches = self._unpacker.unpack(body)
        self.counts.dropped += self._unpacker.not_understood - before
        for dispatch in dispatches:
            self.counts.received += 1
            if self._announcer is not None:
                self._announcer.learn(dispatch.node_id)
            try:
                self._receive(dispatch)
            except Exception:
                # The next messages are handled even if one fails.
                _logger.exception("bus_message_not_handled", kind=type(dispatch).__name__)

    # --- availability -----------------------------------------------------------------------------------------------

    def _mark_away(self, error: Exception) -> None:
        if not self._tried.is_set() or not self.is_disconnected:
            reason = " ".join(str(error).split()) or "no answer"
            _logger.warning("bus_disconnected", error=reason)
        self.is_disconnected = True
        self._tried.set()

    def _mark_connected(self) -> None:
        if self.is_disconnected:
            self.counts.connections += 1
            _logger.info("bus_connected")
        self.is_disconnected = False
        self._tried.set()


@asynccontextmanager
async def _running_time(seconds: float) -> AsyncIterator[asyncio.Timeout]:
    """Like `asyncio.timeout`, but leaves out the time for which the event loop stands still: meanwhile the node neither
    sends nor receives. On a slow machine, a starting node builds its routes for seconds on the event loop."""
    loop = asyncio.get_running_loop()
    ticking: asyncio.Handle
    async with asyncio.timeout(seconds) as timeout:

        def tick(due: float) -> None:
            nonlocal ticking
            now, end = loop.time(), timeout.when()
            if end is not None and not timeout.expired():
                timeout.reschedule(end + now - due)
            ticking = loop.call_at(now + LATENESS_CHECK_EVERY_S, tick, now + LATENESS_CHECK_EVERY_S)

        ticking = loop.call_soon(tick, loop.time())
        try:
            yield timeout
        finally:
            ticking.cancel()


class _Turn:
    """A stopwatch for the current turn of the event loop: a task asks it for how long it has kept other tasks from
    running."""

    __slots__ = ("_began", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None

    def lasts_s(self) -> float:
        """Returns the seconds since the first call in the event loop's current turn; 0 at the first call."""
        now = self._loop.time()
        if self._began is None:
            self._began = now
            self._loop.call_soon(self._end)
        return now - self._began

    def _end(self) -> None:
        self._began = None
