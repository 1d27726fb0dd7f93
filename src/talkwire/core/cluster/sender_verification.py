"""Verifies the senders of messages on the bus between nodes: only nodes with a lease in this node's own database are
accepted.

A copy of the database has the same signing secret, and old messages can be replayed by others. But a node that runs on
the copy has no lease in the original database, and a lease ends with its node.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog

from talkwire.core.cluster.peers import Peers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.ports.bus import AnyBusMessage, BusCounts

LEASES_READ_S = 0.5
"""Seconds between two reads of the leases, regardless of how much is received."""

NODES_MAX = 64
"""Most unknown nodes whose messages wait until the leases are read. Messages of further ones are dropped."""

HELD_MESSAGES_MAX = 1000
"""Most messages of one unknown node that wait until the leases are read. Further ones are dropped."""

SENDER_WARN_EVERY_S = 10.0
"""Shortest time between two log entries of the same kind, in seconds, because anyone on the bus can cause them."""

_logger = structlog.get_logger(__name__)


class SenderVerifier:
    """Verifies messages from nodes that this node does not know: keeps them until `list_living` has read which nodes
    have a lease.

    Then it adds the living senders to `peers` and calls `receive` with their messages, in order. Other messages are
    dropped and counted as refused in `counts`.
    """

    def __init__(
        self,
        peers: Peers,
        list_living: Callable[[], Awaitable[Iterable[Peer]]],
        receive: Callable[[AnyBusMessage], None],
        counts: BusCounts,
    ) -> None:
        self._peers = peers
        self._list_living = list_living
        self._receive = receive
        self._counts = counts
        self._held: dict[str, list[AnyBusMessage]] = {}
        self._read_at = -LEASES_READ_S
        self._reading: asyncio.Task[None] | None = None
        self._failed_at = self._warned_at = -SENDER_WARN_EVERY_S

    def hold(self, dispatch: AnyBusMessage) -> None:
        """Keeps a message from an unknown node and starts reading the leases, which show whether the node is alive.
        Drops and counts a message beyond `HELD_MESSAGES_MAX` of one node or of more than `NODES_MAX` unknown nodes."""
        held = self._held.get(dispatch.node_id)
        if held is None and len(self._held) < NODES_MAX:
            held = self._held[dispatch.node_id] = []
        if held is None or len(held) == HELD_MESSAGES_MAX:
            self._counts.refused += 1
        else:
            held.append(dispatch)
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read_leases())

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    async def _read_leases(self) -> None:
        try:
            while self._held:
                await asyncio.sleep(max(0.0, self._read_at + LEASES_READ_S - time.monotonic()))
                self._read_at = time.monotonic()
                # Messages from now on may be of a node that started after this read of the leases.
                held, self._held = self._held, {}
                self._receive_or_refuse(held, await self._living_ids())
        finally:
            self._reading = None

    async def _living_ids(self) -> set[str]:
        try:
            return {peer.node_id for peer in await self._list_living()}
        except ChatError:
            pass  # without the database no new node is accepted
        except Exception:
            now = time.monotonic()
            if now - self._failed_at >= SENDER_WARN_EVERY_S:
                self._failed_at = now
                _logger.exception("leases_not_read")
        return set()

    def _receive_or_refuse(self, held: Mapping[str, list[AnyBusMessage]], living_ids: set[str]) -> None:
        for node_id, dispatches in held.items():
            if node_id in living_ids:
                self._peers.add(node_id)
                for dispatch in (*dispatches, *self._held.pop(node_id, ())):
                    self._deliver(dispatch)
            else:
                self._refuse(node_id, dispatches)

    def _refuse(self, node_id: str, dispatches: Sequence[AnyBusMessage]) -> None:
        self._counts.refused += len(dispatches)
        now = time.monotonic()
        if now - self._warned_at >= SENDER_WARN_EVERY_S:
            self._warned_at = now
            _logger.info("bus_sender_refused", node=node_id, refused=self._counts.refused)

    def _deliver(self, dispatch: AnyBusMessage) -> None:
        try:
            self._receive(dispatch)
        except Exception:
            _logger.exception("bus_message_not_handled", kind=type(dispatch).__name__)
