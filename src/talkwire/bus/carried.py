"""A bus over a network that may fail at any time: what is sent is gathered, carried, and lost while nobody takes it.

    send → Outgoing → one parcel at a time, sealed → Carrier.publish ~~~ Carrier.listening → opened → unpacked → receive

All that is sent while a parcel is on its way goes into the next one. A parcel that no node of this database has sealed,
or that was received before, is dropped before anything in it is decoded. A node hears its own parcels too. When none
comes back, though one leaves at least every `BEAT_S`, then one of both ways does not work, whichever: the bus is away,
until a new connection brings one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from talkwire.bus.outgoing import PARCEL_MAX, Outgoing
from talkwire.bus.parcels import Unpacker
from talkwire.bus.seal import Realm, Seal
from talkwire.core.ports.bus import AnyBusMessage, BusCounts, Receive

BEAT_S = 1.0
"""At least so often a parcel leaves, even an empty one."""

ANSWER_S = 1.5
"""How long a connection, a parcel or its way back may take."""

START_S = 2.0
"""How long the start waits for the bus."""

TURN_S = 0.002
"""For how long parcels are taken before everybody else has a turn. What is told of those in one turn goes to a client
at once, and to write to all members of a large room takes longer than this."""

PAUSES_S = (0.05, 0.1, 0.2, 0.5)
"""Between the tries to listen again: the first is soon, and each later one as the last here."""

PUBLISH_PAUSE_S = 0.2
"""After a parcel that could not leave."""

CANCEL_AGAIN_S = 0.5

WARN_EVERY_S = 60.0
"""Parcels that are refused are logged this often at most: anybody may be sending them, without end."""

_AROUND = 64 << 10
"""Bytes of a parcel beside its dispatches, at most."""

_logger = structlog.get_logger(__name__)


class BusTransport(Protocol):
    """A way for parcels to all who listen, the sender too, of any number of bytes up to `dispatch_max` and a few more.
    All of it raises one of `failures`, and within some seconds, when the way does not work."""

    brings_events: bool
    dispatch_max: int
    failures: tuple[type[Exception], ...]

    async def publish(self, parcel: bytes) -> None: ...

    def listening(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The parcels that are published from when this is entered."""
        ...

    async def close(self) -> None: ...


class TransportBus:
    """Implements `core.ports.bus.Bus`. `carry` makes the carrier for the log of a name, which the `realm` gives it."""

    def __init__(self, carry: Callable[[str], BusTransport], realm: Realm) -> None:
        self.away = True
        self.brings_events = True
        self.counts = BusCounts()
        self._carry = carry
        self._realm = realm
        self._unpacker = Unpacker()
        self._warned_at = -WARN_EVERY_S
        self._tried = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, log: str, receive: Receive) -> None:
        self._receive = receive
        self._seal = Seal(self._realm.key(log))
        carrier = self._carrier = self._carry(self._realm.name(log))
        self._parcel_max = max(PARCEL_MAX, carrier.dispatch_max) + _AROUND
        self.brings_events = carrier.brings_events
        self._outgoing = Outgoing(self.counts, dispatch_max=carrier.dispatch_max, with_events=carrier.brings_events)
        self._tasks = [asyncio.create_task(self._keep_publishing()), asyncio.create_task(self._keep_listening())]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                await self._tried.wait()

    def send(self, dispatch: AnyBusMessage) -> None:
        self._outgoing.put(dispatch)

    async def close(self) -> None:
        self.away = True
        if not self._tasks:
            return
        ending = set(self._tasks)
        while ending:
            for task in ending:
                task.cancel()
            # Until Python 3.12 `asyncio.wait_for`, which the client of Redis uses, could lose a cancellation.
            _, ending = await asyncio.wait(ending, timeout=CANCEL_AGAIN_S)
        await self._carrier.close()

    # --- sending ----------------------------------------------------------------------------------------------------

    async def _keep_publishing(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._outgoing.waiting.wait()
            count, parcel = self._outgoing.take()
            try:
                await self._carrier.publish(self._seal.seal(parcel))
            except self._carrier.failures as error:
                self._leave(error)
                self.counts.dropped += count
                self._outgoing.drop()
                await asyncio.sleep(PUBLISH_PAUSE_S)
                self._outgoing.waiting.set()  # to try at once whether it works again
            else:
                self.counts.sent += count

    # --- listening --------------------------------------------------------------------------------------------------

    async def _keep_listening(self) -> None:
        tries = 0
        while True:
            try:
                async with self._carrier.listening() as parcels, asyncio.timeout(BEAT_S + ANSWER_S) as patience:
                    self._outgoing.waiting.set()  # our own parcel is to show that both ways work
                    now = asyncio.get_running_loop().time
                    turn = _Turn()
                    async for parcel in parcels:
                        if self._take(parcel):
                            patience.reschedule(now() + BEAT_S + ANSWER_S)
                            self._return()
                            tries = 0
                        # Somebody who has much to say must not keep the loop from everybody else.
                        if turn.lasts_s() >= TURN_S:
                            await asyncio.sleep(0)
            except self._carrier.failures as error:
                self._leave(error)
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1

    def _take(self, parcel: bytes) -> bool:
        """Hands on what another node has sealed. Returns whether the parcel is this node's own, come back."""
        opened = None if len(parcel) > self._parcel_max else self._seal.open(parcel)
        if opened is None:
            self._refuse(parcel)
        elif opened.own:
            return True
        else:
            self._receive_all(opened.body)
        return False

    def _refuse(self, parcel: bytes) -> None:
        self.counts.refused += 1
        now = asyncio.get_running_loop().time()
        if now - self._warned_at >= WARN_EVERY_S:
            self._warned_at = now
            _logger.warning(
                "something on the bus is of no node of this database, or old",
                bytes=len(parcel),
                refused=self.counts.refused,
            )

    def _receive_all(self, body: memoryview) -> None:
        before = self._unpacker.not_understood
        dispatches = self._unpacker.unpack(body)
        self.counts.dropped += self._unpacker.not_understood - before
        for dispatch in dispatches:
            self.counts.received += 1
            try:
                self._receive(dispatch)
            except Exception:
                # What was said has been heard; the next is not to suffer from what came of it.
                _logger.exception("something from another node could not be handled", kind=type(dispatch).__name__)

    # --- whether it is there ----------------------------------------------------------------------------------------

    def _leave(self, error: Exception) -> None:
        if not self._tried.is_set() or not self.away:
            reason = " ".join(str(error).split()) or "no answer"
            _logger.warning("the bus is away: news of other nodes comes from the log", error=reason)
        self.away = True
        self._tried.set()

    def _return(self) -> None:
        if self.away:
            _logger.info("the bus is there")
        self.away = False
        self._tried.set()


class _Turn:
    """The event loop's turn that this task is in, which ends when the task waits."""

    __slots__ = ("_began", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None

    def lasts_s(self) -> float:
        """Since this was asked first in this turn."""
        now = self._loop.time()
        if self._began is None:
            self._began = now
            self._loop.call_soon(self._end)
        return now - self._began

    def _end(self) -> None:
        self._began = None
