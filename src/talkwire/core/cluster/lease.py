"""This node's lease: a record in the database that the node is alive. Renewing it also returns which other nodes are
alive.

A node that was stopped for longer than its lease (SIGSTOP, a suspended machine) has been declared dead: its users count
as offline and its calls as ended. The node has to detect that before it handles any waiting input. So every input is
checked against a deadline (`EngineServer.lease_deadline`) that is only extended while the node runs.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from math import inf
from typing import Protocol

import structlog

from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.presence import EndLease, LeaseReport, RenewLease, UserMoves
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError

NODE_LEASE_S = 15.0
"""Default duration of a lease, in seconds."""

LEASE_RENEWALS = 3
"""Number of renewals of a lease within its duration."""

ONLINE_GATHER_S = 0.1
"""Seconds within which connects and disconnects of users are recorded together."""

LEASE_CHECKS = 15
"""Number of checks within a lease's duration by which a node notices that it runs. While only the database is
unavailable, the checks continue."""

STALL_CHECKS = 3
"""Number of missing checks after which a node whose lease has expired was stopped."""

_logger = structlog.get_logger(__name__)


class Users(Protocol):
    """The interface from which the lease takes the changes of this node's list of connected users, to record them in
    the database. Presence implements it."""

    @property
    def grace_s(self) -> float:
        """The number of seconds that a user may be without a socket before they count as offline."""
        ...

    def take_user_changes(self) -> UserMoves:
        """Returns what has changed in the list of connected users since the last call, for a limited number of users.
        `has_user_changes` says whether more changes are left."""
        ...

    def recorded(self, lease: RenewLease, report: LeaseReport) -> None: ...

    def not_recorded(self, lease: RenewLease) -> None:
        """Takes back the changes in `lease.moves`, because this renewal has failed, so that the next
        `take_user_changes` returns them again."""
        ...

    @property
    def has_user_changes(self) -> bool: ...


class Lease:
    """Takes and renews this node's lease, the record in the database that the node is alive.

    `on_lost` is called when other nodes may have declared this node dead: its clients then have to reconnect.
    `on_deadline_moved` receives the deadline, on the event loop's clock, until which input may be handled without a
    check. `on_regained` is called when the lease is held again.
    """

    def __init__(
        self, chat: ChatAccess, node_id: str, users: Users, peers: Peers, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.node_id = node_id
        self.on_lost: Callable[[], None] = _nothing
        self.on_deadline_moved: Callable[[float], None] = lambda _: None
        self.on_regained: Callable[[], None] = _nothing
        self.needs_signals: Callable[[], bool] = lambda: False
        """Function that returns whether this node needs the signals of all conversations."""
        self.held = False
        """Whether the lease is valid in the database, as far as this node knows."""
        self._chat = chat
        self._users = users
        self._peers = peers
        self._now = now
        self._alone = True
        self._address: str | None = None
        self._host = socket.gethostname()
        self._folder_ids: tuple[str, ...] = ()
        self._lease_s = NODE_LEASE_S
        self._started = False
        self._until = 0.0
        self._deadline = inf
        self._lost = False
        self._serves = True
        self._taken = asyncio.Event()
        self._renewing = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def start(
        self,
        *,
        alone: bool,
        address: str | None = None,
        lease_s: float = NODE_LEASE_S,
        folder_ids: tuple[str, ...] = (),
        serves: bool = True,
    ) -> None:
        """Takes the lease, the record that this node is alive, and starts renewing it. Returns once it is stored.
        Raises ChatError.

        `alone`: no other node can be running, so the records of all others are removed. `address`: where other nodes
        can reach this one. `folder_ids`: the ids of the file folders that this node has. `serves`: whether clients may
        connect already; otherwise `begin_serving` follows. `lease_s` is the lease's duration in seconds.
        """
        self._serves = serves
        self._alone, self._address, self._lease_s, self._folder_ids = alone, address, lease_s, folder_ids
        began = self._now()
        self._peers.start_reading()
        lease = RenewLease(
            self.node_id,
            _ms(lease_s),
            alone=alone,
            address=address,
            folder_ids=folder_ids,
            host=self._host,
            needs_signals=self.needs_signals(),
        )
        report = await self._chat.execute(NODE, lease)
        self._started = True
        self._apply(lease, report, began)
        self._later("renew", lease_s / LEASE_RENEWALS, self._renew)
        if not alone:
            self._beat()

    async def begin_serving(self) -> None:
        """Waits until the lease is held. When it returns, clients may connect, and losing the lease from then on ends
        their connections (`on_lost`)."""
        self.check_stop()
        while not self.held:  # Suspends: the event was cleared.
            self._taken.clear()
            await self._taken.wait()
        self._serves = True

    def close(self) -> None:
        """Stops renewing the lease and submits its end, without waiting for the database. This node's users become
        offline: at once, or after the grace period if they can reconnect to other nodes."""
        for timer in self._timers.values():
            timer.cancel()
        if self._started:
            self._started = False
            # Most users of this node reconnect to the other nodes.
            grace_ms = _ms(self._users.grace_s) if self._peers.has_peers else 0
            self._chat.submit(NODE, EndLease(self.node_id, grace_ms), _ignore)

    def record_soon(self) -> None:
        """Schedules a renewal of the lease within `ONLINE_GATHER_S` seconds that records which users have connected or
        disconnected. Does nothing if there are no such changes or if a renewal is running, after which the changes are
        recorded anyway."""
        if self._started and not self._renewing and "record" not in self._timers and self._users.has_user_changes:
            self._later("record", ONLINE_GATHER_S, self._record)

    def handle_stop(self) -> None:
        """Gives up the lease and takes a new one, because the process was stopped for longer than the lease (on a
        suspended machine, say). Calls `on_lost` if clients may be connected. Does nothing for a node that is alone."""
        if not self._started or self._alone or not self.held:
            return
        if self._serves:
            _logger.error("lease_expired", serving=True)
            self._lose()
        else:
            # It has no clients yet, so nothing that other nodes have declared dead.
            _logger.warning("lease_expired", serving=False)
            self.held = False
        if not self._renewing:
            self._record()

    def check_stop(self) -> None:
        """Calls `handle_stop` if the process was stopped for longer than the lease.

        Called before any input is handled, because the input may have been waiting since before the stop.
        """
        if self._now() > self._deadline:
            self.handle_stop()

    def check(self) -> None:
        """Raises `unavailable` while the lease is lost.

        Called before any command is executed, because the command may have been waiting since before a stop.
        """
        self.check_stop()
        if self._lost:
            raise ChatError("unavailable", "This node has lost its lease for a moment. Try again.")

    # --- renewing ---------------------------------------------------------------------------------------------------

    def _later(self, name: str, delay_s: float, function: Callable[[], None]) -> None:
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, function)

    def _beat(self) -> None:
        self.check_stop()
        self._extend_deadline(self._now())
        self._later("beat", self._lease_s / LEASE_CHECKS, self._beat)

    def _extend_deadline(self, now: float) -> None:
        self._deadline = max(now + self._lease_s / LEASE_CHECKS * STALL_CHECKS, self._until)
        self.on_deadline_moved(self._deadline)

    def _renew(self) -> None:
        if not self._renewing:
            self._record()
        self._later("renew", self._lease_s / LEASE_RENEWALS, self._renew)

    def _record(self) -> None:
        timer = self._timers.pop("record", None)
        if timer is not None:
            timer.cancel()
        self._renewing = True
        lease = RenewLease(
            self.node_id,
            _ms(self._lease_s),
            self._users.take_user_changes(),
            address=self._address,
            folder_ids=self._folder_ids,
            pos=self._chat.directory.pos,
            host=self._host,
            needs_signals=self.needs_signals(),
        )
        began = self._now()
        self._peers.start_reading()
        self._chat.submit(NODE, lease, lambda report, error: self._renewed(lease, report, error, began))

    def _renewed(self, lease: RenewLease, report: LeaseReport | None, error: Exception | None, began: float) -> None:
        self._renewing = False
        if report is None:
            # The next regular renewal tries again.
            if isinstance(error, ChatError):
                _logger.warning("lease_not_renewed", error=str(error))
            else:
                _logger.error("lease_not_renewed", exc_info=error)
            self._users.not_recorded(lease)
            return
        if not self._started:
            return
        if not report.known and self.held and self._serves and not self._alone:
            _logger.error("node_declared_dead")
            self._lose()
        self._apply(lease, report, began)
        if self.held:
            self.record_soon()
        else:
            self._record()

    def _lose(self) -> None:
        self.held, self._lost = False, True
        self.on_lost()

    def _apply(self, lease: RenewLease, report: LeaseReport, began: float) -> None:
        was_held, self._until = self.held, began + self._lease_s
        # After a loss, only a lease requested since then counts, not one requested just before the stop.
        self.held = was_held or self._alone or self._now() < self._until
        self._peers.set_peers(report.peers)
        self._users.recorded(lease, report)
        self._lost = self._lost and not self.held
        if self.held:
            self._taken.set()
        if self.held and not was_held and not self._alone:
            self._extend_deadline(self._now())
            self.on_regained()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _nothing() -> None:
    """Does nothing: the default of the callbacks `on_lost` and `on_regained`."""


def _ignore(result: object, error: Exception | None) -> None:
    """Ignores the result of ending the lease: the node is stopping, and the lease expires by itself."""
