"""Claims of turns that wait until there is one, and what members see of agents that work.

The log says when a turn can be claimed, so a claim waits on any node for turns of all nodes. Waiting costs nothing
until then. A process that has gone must not be given a turn, since nobody else could have it until its lease has ended:
a claim is cancelled with its request or its socket, and what it was given meanwhile is given back.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from types import MappingProxyType

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.commands.agents.turns import (
    CLAIM_WAIT_MAX_S,
    ClaimedTurn,
    ClaimTurns,
    ReleaseTurn,
    RenewedTurn,
    RenewTurn,
    TakeTurns,
    UpdateTurn,
)
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.agents.turns import TURN_LEASE_BY_SOCKET_MS, TURN_LEASE_MS
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import Durable, TurnReady, TurnWorking
from talkwire.core.domain.model import Actor
from talkwire.core.ports.chat import Publisher, SignalHandlers
from talkwire.core.signals.presence_tracker import PresenceTracker
from talkwire.core.signals.streams.watches import DRAINING_WAIT_S

WAITING_CLAIMS_MAX = 100
"""Most claims of an agent that wait on a node at once; others are answered at once."""

ASKED_S = 60.0
"""Seconds for which an agent counts as connected after it has asked for turns."""

_SOCKET = "turns"
"""Stand-in for the socket id of an agent that asks for turns without a socket."""


class _Waiting:
    """A claim that is carried out: it is woken when there may be a turn."""

    def __init__(self, source: str | None) -> None:
        self.source = source
        self.task = asyncio.current_task()
        self.news = asyncio.Event()


class TurnClaims:
    """The claims on this node."""

    def __init__(self, chat: ChatAccess, publisher: Publisher, presence: PresenceTracker) -> None:
        self._chat = chat
        self._publisher = publisher
        self._presence = presence
        self._tasks = BackgroundTasks()
        self._waiting: defaultdict[str, set[_Waiting]] = defaultdict(set)
        """The claims that wait, by agent."""
        self._asked: dict[str, asyncio.TimerHandle] = {}
        """The timers at whose end an agent counts as connected no longer, by agent."""
        self._is_draining = False
        self.handlers: SignalHandlers = MappingProxyType({ClaimTurns: self._claim, UpdateTurn: self._update})

    @property
    def count(self) -> int:
        """How many claims wait."""
        return sum(map(len, self._waiting.values()))

    @property
    def users_without_socket(self) -> int:
        """How many agents count as connected to this node only because they have asked for turns."""
        entries = [self._chat.directory.connected(agent_id) for agent_id in self._asked]
        return sum(entry is not None and entry.holds == 1 for entry in entries)

    def follow(self, event: Durable) -> None:
        """Wakes the claims of an agent that has a turn."""
        if isinstance(event, TurnReady):
            for waiting in self._waiting.get(event.agent_id, ()):
                waiting.news.set()

    def socket_closed(self, socket_id: str) -> None:
        """Cancels the claims of a socket that has disconnected."""
        for waiting in [each for alike in self._waiting.values() for each in alike if each.source == socket_id]:
            if waiting.task is not None:
                waiting.task.cancel()

    def drain(self) -> None:
        """Answers the claims that wait, because the node is about to stop."""
        self._is_draining = True
        for alike in self._waiting.values():
            for waiting in alike:
                waiting.news.set()

    def close(self) -> None:
        for timer in self._asked.values():
            timer.cancel()

    # --- commands -----------------------------------------------------------------------------------------------------

    async def _claim(self, actor: Actor, command: ClaimTurns) -> Sequence[ClaimedTurn]:
        if not 0 <= command.wait <= CLAIM_WAIT_MAX_S:
            raise invalid("wait", f"must be between 0 and {CLAIM_WAIT_MAX_S}")
        agent_id = command.sender_id or actor.user_id
        default_ms = TURN_LEASE_MS if command.source is None else TURN_LEASE_BY_SOCKET_MS
        lease_ms = default_ms if command.lease_s is None else command.lease_s * 1000
        take = TakeTurns(command.max, lease_ms, command.conversation_id, command.sender_id)
        waiting = _Waiting(command.source)
        may_wait = len(self._waiting.get(agent_id, ())) < WAITING_CLAIMS_MAX
        self._waiting[agent_id].add(waiting)
        try:
            taken = await self._take_or_wait(actor, take, waiting, command.wait if may_wait else 0)
        finally:
            self._forget(agent_id, waiting)
        self._publish(taken)
        return taken

    def _forget(self, agent_id: str, waiting: _Waiting) -> None:
        alike = self._waiting[agent_id]
        alike.discard(waiting)
        if not alike:
            del self._waiting[agent_id]

    async def _take_or_wait(
        self, actor: Actor, take: TakeTurns, waiting: _Waiting, wait_s: float
    ) -> Sequence[ClaimedTurn]:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_s
        was_asked = False
        while True:  # Suspends: each round waits for the writer, and then for news.
            waiting.news.clear()
            taken = await self._take(actor, take)
            if not was_asked:
                try:
                    await self._asks(take.sender_id or actor.user_id)
                except asyncio.CancelledError:
                    self._release_all(actor, take.sender_id, taken)
                    raise
                was_asked = True
            if taken or loop.time() >= until_s:
                return taken
            if self._is_draining:
                await asyncio.sleep(min(DRAINING_WAIT_S, until_s - loop.time()))
                return ()
            try:
                async with asyncio.timeout_at(until_s):
                    await waiting.news.wait()
            except TimeoutError:
                return ()

    async def _take(self, actor: Actor, take: TakeTurns) -> Sequence[ClaimedTurn]:
        """Claims what can be claimed now. If the claim is cancelled meanwhile, it gives the turns back."""
        taking = asyncio.ensure_future(self._chat.execute(actor, take))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(partial(self._give_back, actor, take.sender_id))
            raise

    def _give_back(self, actor: Actor, sender_id: str | None, taking: asyncio.Future[Sequence[ClaimedTurn]]) -> None:
        if taking.cancelled() or taking.exception() is not None:
            return
        self._release_all(actor, sender_id, taking.result())

    def _release_all(self, actor: Actor, sender_id: str | None, taken: Sequence[ClaimedTurn]) -> None:
        for claimed in taken:
            self._tasks.start(self._release(actor, ReleaseTurn(turn=claimed.turn.token, sender_id=sender_id)))

    async def _release(self, actor: Actor, release: ReleaseTurn) -> None:
        try:
            await self._chat.execute(actor, release)
        except ChatError:
            return  # its lease ends by itself

    async def _update(self, actor: Actor, command: UpdateTurn) -> RenewedTurn:
        lease_ms = None if command.lease_s is None else command.lease_s * 1000
        renew = RenewTurn(command.turn, command.label, lease_ms, command.turn_id, command.sender_id)
        renewed = await self._chat.execute(actor, renew)
        agent_id = command.sender_id or actor.user_id
        self._publisher.publish([TurnWorking(renewed.conversation_id, agent_id, renewed.label)])
        return renewed

    def _publish(self, taken: Sequence[ClaimedTurn]) -> None:
        if taken:
            self._publisher.publish([TurnWorking(turn.conversation_id, turn.agent_id) for turn, _, _ in taken])

    # --- presence -----------------------------------------------------------------------------------------------------

    async def _asks(self, agent_id: str) -> None:
        """Makes an agent that asks for turns count as connected for a while."""
        timer = self._asked.get(agent_id)
        if timer is None:
            entry = await self._chat.directory.find(agent_id)
            timer = self._asked.get(agent_id)
            if timer is None:
                self._chat.directory.hold(agent_id, entry)
                self._presence.connected(agent_id, _SOCKET)
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._asked[agent_id] = loop.call_later(ASKED_S, self._asks_no_more, agent_id)

    def _asks_no_more(self, agent_id: str) -> None:
        if self._waiting.get(agent_id):
            loop = asyncio.get_running_loop()
            self._asked[agent_id] = loop.call_later(ASKED_S, self._asks_no_more, agent_id)
            return
        del self._asked[agent_id]
        self._presence.disconnected(agent_id, _SOCKET)
        self._chat.directory.release(agent_id)
