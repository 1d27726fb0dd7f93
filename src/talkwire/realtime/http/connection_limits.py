"""Counts the HTTP connections of one listening socket, and decides which to refuse or close: by address, idleness and
free file descriptors.

Counts by TCP address. The number of connections is not limited for loopback addresses and trusted proxies, behind which
there are many clients.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from ipaddress import ip_address
from typing import Protocol

from talkwire.core.engine.limits import address_key
from talkwire.identity.address import is_trusted
from talkwire.realtime.http.descriptors import descriptor_limit, reserve
from talkwire.realtime.http.http_limits import HttpLimits
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.scheduling.timing_wheel import TimingWheel


class CappedAddress:
    """A client address whose number of connections is limited, with the number of its open connections and its idle
    ones.
    """

    __slots__ = ("idle", "key", "open")

    def __init__(self, key: str) -> None:
        self.key = key
        self.open = 0
        self.idle: OrderedDict[LimitedConnection, None] = OrderedDict()
        """The idle connections, the oldest first."""


class LimitedConnection(Protocol):
    """The interface that `ConnectionLimits` uses of a connection. Only `ConnectionLimits` sets `capped`, which is None
    if the address has no limit.
    """

    capped: CappedAddress | None

    def drop(self, reason: str) -> None:
        """Closes an idle connection, and counts it in the metrics under `reason`."""


class Verdict:
    """The possible decisions of `ConnectionLimits` about a new connection: serve it, serve it health checks only, or
    refuse it because its address has too many connections or no file descriptors are left.
    """

    SERVED = ""
    """Verdict on a connection that is served."""
    SPARED = "spared"
    """Verdict on a connection while file descriptors are scarce and none is idle: it is served health checks only."""
    ADDRESS_FULL = "address_limit"
    """Verdict on a connection that is refused because its address has too many."""
    DESCRIPTORS_GONE = "descriptors"
    """Verdict on a connection that is refused because there are no file descriptors for it."""


class ConnectionLimits:
    """Counts open and idle connections, and enforces their limits. A connection is idle unless a request on it is being
    served.

    Closes the oldest idle connection when an address has too many of them, or when file descriptors are scarce.
    """

    def __init__(
        self,
        wheel: TimingWheel,
        limits: HttpLimits,
        metrics: RealtimeMetrics,
        trusted_proxies: frozenset[str] = frozenset(),
    ) -> None:
        self.wheel = wheel
        self.limits = limits
        self.metrics = metrics
        self._trusted_proxies = trusted_proxies
        self._clients: dict[str, CappedAddress] = {}
        self._new: OrderedDict[LimitedConnection, None] = OrderedDict()
        """The idle connections that have sent no request yet, the oldest first."""
        self._used: OrderedDict[LimitedConnection, None] = OrderedDict()
        """The idle connections whose requests were answered, the oldest first."""
        descriptors = descriptor_limit()
        self._reserve = int(reserve(descriptors))
        self._short_from = descriptors - self._reserve
        self._full_from = descriptors - self._reserve / 4

    def opened(self, connection: LimitedConnection, address: str | None, descriptor: int) -> str:
        """Counts a new connection, and returns a decision of `Verdict` about it. Unless it is refused, the connection
        counts as idle. If it is refused, the caller closes it. In each case, the caller later calls `closed`.

        `address` is the TCP peer's, None if unknown; `descriptor` is the socket's file descriptor, whose number shows
        how many are in use.
        """
        connection.capped = self._client(address)
        metrics = self.metrics
        metrics.http_connections += 1
        client = connection.capped
        if client is not None:
            client.open += 1
            if _exceeds(client.open, self.limits.per_address):
                return Verdict.ADDRESS_FULL
        # The kernel assigns the lowest free descriptor, so a high one shows that those below are in use.
        spared = descriptor >= self._short_from and not self._make_room()
        if descriptor >= self._full_from:
            return Verdict.DESCRIPTORS_GONE
        self._wait(self._new, connection)
        return Verdict.SPARED if spared else Verdict.SERVED

    def closed(self, connection: LimitedConnection) -> None:
        """Stops counting a connection. Call it once for each opened connection, when it has ended or become a
        WebSocket.
        """
        self.mark_busy(connection)
        self.metrics.http_connections -= 1
        client, connection.capped = connection.capped, None
        if client is not None:
            client.open -= 1
            if not client.open:
                del self._clients[client.key]

    def mark_idle(self, connection: LimitedConnection) -> None:
        """Counts a connection as idle, after its request was answered. Closes the oldest idle connection of the address
        if the address has too many of them.
        """
        self._wait(self._used, connection)

    def _wait(self, idle: OrderedDict[LimitedConnection, None], connection: LimitedConnection) -> None:
        idle[connection] = None
        client = connection.capped
        if client is not None:
            client.idle[connection] = None
            if _exceeds(len(client.idle), self.limits.idle_per_address):
                _oldest(client.idle).drop("idle_limit")

    def mark_busy(self, connection: LimitedConnection) -> None:
        """Counts a connection as not idle any more: a request on it is being served, or it is about to end. It will not
        be closed to free descriptors.
        """
        self._new.pop(connection, None)
        self._used.pop(connection, None)
        if connection.capped is not None:
            connection.capped.idle.pop(connection, None)

    def count(self, reason: str) -> None:
        """Counts a connection that the server closes or refuses in the metrics, under `reason`."""
        self.metrics.http_closed[reason] += 1

    def _make_room(self) -> bool:
        """Closes idle connections to free file descriptors: used ones before new ones, the oldest first. Returns
        whether it closed any.

        Closes several at once, since their descriptors become free only in the next turn of the loop, and more
        connections may arrive before that. Keeps some of the newest, because the request of a health check may be on
        its way.
        """
        new, used = self._new, self._used
        drops = min(self._reserve, len(used) + max(0, len(new) - self._reserve // 2))
        for _ in range(drops):
            _oldest(used or new).drop("descriptors")
        return drops > 0

    def _client(self, address: str | None) -> CappedAddress | None:
        limits = self.limits
        if address is None or (limits.per_address is None and limits.idle_per_address is None):
            return None
        key = _capped_key(address, self._trusted_proxies)
        if key is None:
            return None
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = CappedAddress(key)
        return client


def _exceeds(count: int, most: int | None) -> bool:
    return most is not None and count > most


def _oldest(idle: OrderedDict[LimitedConnection, None]) -> LimitedConnection:
    return next(iter(idle))


@lru_cache(4096)
def _capped_key(address: str, trusted_proxies: frozenset[str]) -> str | None:
    """Returns the key under which an address's connections are counted; None if many clients share the address, so that
    it has no limit.
    """
    return None if is_shared(address, trusted_proxies) else address_key(address)


def is_shared(address: str, trusted_proxies: frozenset[str]) -> bool:
    """Returns whether many clients may share an address: it is a trusted proxy's, or a loopback address, as of a proxy
    on this machine.
    """
    try:
        key = ip_address(address_key(address))
    except ValueError:
        return True
    # An IPv6 loopback address would be counted by its network, `::`.
    return key.is_loopback or ip_address(address).is_loopback or is_trusted(address, trusted_proxies)
