"""A bus between nodes in one process, for tests: messages are passed in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from talkwire.core.domain.events import Durable
from talkwire.core.ports.bus import (
    Announcement,
    AnyBusMessage,
    BusCounts,
    Choose,
    CommittedBatch,
    Receive,
    Receivers,
    choose_all,
    never,
)


class Exchange:
    """Connects the in-memory buses of one process: a message sent on one bus reaches the other started buses of the
    same log.
    """

    def __init__(self) -> None:
        self.joined: dict[MemoryBus, str] = {}
        """The joined buses, each with the name of its log."""


class MemoryBus:
    """A bus between nodes in one process, for tests. Messages are passed in memory, but arrive in a later turn of the
    event loop, as over a network. Implements `core.ports.bus.Bus`.
    """

    includes_events = True

    def __init__(self, exchange: Exchange) -> None:
        self.counts = BusCounts()
        self._exchange = exchange

    @property
    def is_disconnected(self) -> bool:
        return self not in self._exchange.joined

    async def start(
        self,
        log: str,
        node_id: str,
        receive: Receive,
        choose: Choose = choose_all,
        may_compress: Callable[[], bool] = never,  # noqa: ARG002 (nothing is encoded)
    ) -> None:
        self._node_id = node_id
        self._receive = receive
        self._choose = choose
        self._exchange.joined[self] = log
        self.counts.connections += 1

    def send(self, dispatch: AnyBusMessage, to: Receivers = None) -> None:
        log = self._exchange.joined.get(self)
        if log is None:
            self.counts.dropped += 1
            return
        self.counts.sent += 1
        for bus, its_log in self._exchange.joined.items():
            if bus is not self and its_log == log and (to is None or bus._node_id in to):
                asyncio.get_running_loop().call_soon(bus.receive, dispatch)

    def announce(self, batch: CommittedBatch, hashes: Sequence[int]) -> None:
        log = self._exchange.joined.get(self)
        if log is None:
            self.counts.dropped += 1
            return
        self.counts.sent += 1
        events = {event.pos: event for event in batch.events or ()}
        announced = [Announcement(batch.node_id, *each) for each in zip(events, hashes, strict=True)]
        for bus, its_log in self._exchange.joined.items():
            if bus is not self and its_log == log:
                asyncio.get_running_loop().call_soon(bus.receive_announced, announced, events)

    def receive_announced(self, announced: Sequence[Announcement], events: Mapping[int, Durable]) -> None:
        """Passes those of another bus's announced events to this node that it chooses."""
        if not self.is_disconnected:
            for node_id, pos, _ in self._choose(announced):
                self.receive(CommittedBatch(node_id, pos - 1, pos, (events[pos],)))

    def receive(self, dispatch: AnyBusMessage) -> None:
        """Passes a message from another bus of the process to this node. Ignores the message once this bus is
        closed."""
        if not self.is_disconnected:
            self.counts.received += 1
            self._receive(dispatch)

    async def close(self) -> None:
        self._exchange.joined.pop(self, None)
