"""The connections of one listening socket: how many each address has, which ones are idle, and when one must go.

Addresses are those of TCP. Loopback addresses and trusted proxies stand for many clients and are not capped.
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
    """An address and its connections."""

    __slots__ = ("idle", "key", "open")

    def __init__(self, key: str) -> None:
        self.key = key
        self.open = 0
        self.idle: OrderedDict[LimitedConnection, None] = OrderedDict()
        """Oldest first."""


class LimitedConnection(Protocol):
    """What the edge asks of a connection. `capped` belongs to the edge; None: its address is not capped."""

    capped: CappedAddress | None

    def drop(self, reason: str) -> None:
        """Closes the connection, which waits for a request."""


class Verdict:
    """What becomes of a new connection."""

    SERVED = ""
    """It is served."""
    SPARED = "spared"
    """Descriptors are short and no connection is idle: only health checks are served on it."""
    ADDRESS_FULL = "address_limit"
    DESCRIPTORS_GONE = "descriptors"


class ConnectionLimits:
    """Keeps count of connections. One is idle unless it waits for an answer.

    Where an address has too many idle ones, or descriptors are short, the oldest idle one is closed.
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
        """Idle connections that have sent no request yet, the oldest first."""
        self._used: OrderedDict[LimitedConnection, None] = OrderedDict()
        """Idle connections whose requests were answered, the oldest first."""
        descriptors = descriptor_limit()
        self._reserve = int(reserve(descriptors))
        self._short_from = descriptors - self._reserve
        self._full_from = descriptors - self._reserve / 4

    def opened(self, connection: LimitedConnection, address: str | None, descriptor: int) -> str:
        """Counts a new connection as idle. Returns one of `Verdict`; a refused connection is to be closed."""
        connection.capped = self._client(address)
        metrics = self.metrics
        metrics.http_connections += 1
        client = connection.capped
        if client is not None:
            client.open += 1
            if _exceeds(client.open, self.limits.per_address):
                return Verdict.ADDRESS_FULL
        # The kernel gives out the lowest descriptor that is free, so a high one says that those below are in use.
        spared = descriptor >= self._short_from and not self._make_room()
        if descriptor >= self._full_from:
            return Verdict.DESCRIPTORS_GONE
        self._wait(self._new, connection)
        return Verdict.SPARED if spared else Verdict.SERVED

    def closed(self, connection: LimitedConnection) -> None:
        """Forgets a connection that has ended, or that has become a WebSocket."""
        self.busy(connection)
        self.metrics.http_connections -= 1
        client, connection.capped = connection.capped, None
        if client is not None:
            client.open -= 1
            if not client.open:
                del self._clients[client.key]

    def idles(self, connection: LimitedConnection) -> None:
        """A connection waits for its next request."""
        self._wait(self._used, connection)

    def _wait(self, idle: OrderedDict[LimitedConnection, None], connection: LimitedConnection) -> None:
        idle[connection] = None
        client = connection.capped
        if client is not None:
            client.idle[connection] = None
            if _exceeds(len(client.idle), self.limits.idle_per_address):
                _oldest(client.idle).drop("idle_limit")

    def busy(self, connection: LimitedConnection) -> None:
        """A connection waits for an answer, or is about to end."""
        self._new.pop(connection, None)
        self._used.pop(connection, None)
        if connection.capped is not None:
            connection.capped.idle.pop(connection, None)

    def count(self, reason: str) -> None:
        """Counts a connection that the server closes."""
        self.metrics.http_closed[reason] += 1

    def _make_room(self) -> bool:
        """Drops idle connections: used ones before new ones, and the oldest first. Returns whether there were any.
        Several at once, since their descriptors are free only in the next turn of the loop, and more connections may
        come until then. Some of the newest are kept, as the request of a health check may be on its way."""
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
    """What an address is counted by; None: it stands for many clients."""
    return None if is_shared(address, trusted_proxies) else address_key(address)


def is_shared(address: str, trusted_proxies: frozenset[str]) -> bool:
    """Whether many clients may come from an address: a proxy that is trusted, or one on this machine that is not."""
    try:
        key = ip_address(address_key(address))
    except ValueError:
        return True
    # An IPv6 loopback address would count as its network, `::`.
    return key.is_loopback or ip_address(address).is_loopback or is_trusted(address, trusted_proxies)
