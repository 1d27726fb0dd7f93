"""`Turns`: claims an agent's turns, and yields them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self

from talkwire_client.agents.turn import Holder, Turn
from talkwire_client.api import FOR_EVER_S, Request, path, without_none
from talkwire_client.payloads import ClaimedTurns

WAIT_S = 30
"""Seconds for which the server holds a claim while there is no turn. They could be 60, at which many proxies give
up."""

ROUND_S = 1.0
"""Shortest time between two claims while there is no turn, in seconds, for answers that come early, as from a server
that stops."""

_logger = logging.getLogger(__name__)


class Turns:
    """The turns of an agent, for `async with` and then `async for`. `Talkwire.turns` returns it.

    The iteration claims a turn when it is asked for the next one, and waits while there is none, also while the server
    cannot be reached. While the program has `at_once` turns, it waits until one of them has ended. All processes of an
    agent may claim at the same time: each turn is with one of them.

    Leaving the block releases the turns that the program still has.
    """

    def __init__(self, holder: Holder, conversation_id: str | None, at_once: int) -> None:
        if at_once < 1:
            raise ValueError("at_once must be at least 1")
        self._holder = holder
        self._at_once = at_once
        self._body = without_none(
            {
                "wait": WAIT_S,
                "leaseS": holder.lease_s,
                "conversationId": conversation_id,
                "senderId": holder.sender_id,
            }
        )
        self._held: set[Turn] = set()
        self._ready: deque[Turn] = deque()
        """Turns that were claimed for a call that was cancelled then."""
        self._lock = asyncio.Lock()
        self._change = asyncio.Event()
        """Event that is set when a turn has ended, or the block."""
        self._claiming: asyncio.Task[None] | None = None
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the iteration, and releases the turns that the program still has."""
        self._is_open = False
        self._change.set()
        if self._claiming is not None:
            self._claiming.cancel()
            await asyncio.wait([self._claiming])
        await asyncio.gather(*[turn.close() for turn in self._held])

    def __aiter__(self) -> AsyncIterator[Turn]:
        if not self._is_open:
            raise RuntimeError("turns are claimed in a block: use `async with chat.turns() as turns`")
        return self

    async def __anext__(self) -> Turn:
        async with self._lock:
            while self._is_open and len(self._held) >= self._at_once and not self._ready:  # Suspends: it waits.
                self._change.clear()
                await self._change.wait()
            if self._is_open and not self._ready:
                await self._claim()
            if not self._is_open:
                raise StopAsyncIteration
            return self._ready.popleft()

    async def run(self, answer: Callable[[Turn], Awaitable[None]]) -> None:
        """Calls `answer` with each turn, for up to `at_once` turns at the same time, without an end.

        Each call is in a task of its own and in the turn's block, so an exception fails its turn. The exception is
        logged, and the other turns are not affected.
        """
        answering: set[asyncio.Task[None]] = set()
        try:
            async for turn in self:
                task = asyncio.create_task(_answered(turn, answer))
                answering.add(task)
                task.add_done_callback(answering.discard)
            await asyncio.gather(*answering)
        finally:
            for task in answering:
                task.cancel()
            await asyncio.gather(*answering, return_exceptions=True)

    async def _claim(self) -> None:
        """Claims a turn. Returns without one if the block is left meanwhile."""
        self._claiming = asyncio.create_task(self._claim_one())
        try:
            await self._claiming
        except asyncio.CancelledError:
            if self._is_open:  # The caller's task is cancelled.
                raise

    async def _claim_one(self) -> None:
        request = Request("POST", path("turns", "claim"), json=self._body, read_s=WAIT_S + 30.0)
        while True:  # Suspends: each round sends a request.
            asked_at = time.monotonic()
            found: ClaimedTurns = (await self._holder.api.send(request, FOR_EVER_S)).json()
            for claimed in found["turns"]:
                turn = Turn(self._holder, claimed, self._forget)
                self._held.add(turn)
                self._ready.append(turn)
            if found["turns"]:
                return
            await asyncio.sleep(asked_at + ROUND_S - time.monotonic())

    def _forget(self, turn: Turn) -> None:
        self._held.discard(turn)
        self._change.set()


async def _answered(turn: Turn, answer: Callable[[Turn], Awaitable[None]]) -> None:
    try:
        async with turn:
            await answer(turn)
    except Exception:
        _logger.exception("an attempt to answer turn %s in %s has failed", turn.id, turn.conversation_id)
