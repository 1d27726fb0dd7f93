"""Resolves host names on separate threads, so that a slow name server delays nothing else in this process."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address

from talkwire.egress.address_rules import Address, RefusedUrl, literal_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Function from (host, port) to the addresses of the host, in the order to try them. Raises OSError for an unknown
host."""

RESOLVER_THREADS = 8
"""Number of threads that look up names, and so the most lookups at once."""

LOOKUP_LATE_S = 0.5
"""Seconds after which the addresses of the last successful lookup of a name are used instead."""

ADDRESSES_KEPT_S = 3600.0
"""Seconds for which the addresses of the last successful lookup of a name are kept."""

NAMES_KEPT_MAX = 1000
"""Most names for which the addresses of the last successful lookup are kept."""


@dataclass(slots=True)
class _Lookup:
    """A lookup in progress, and the number of callers that wait for it."""

    found: Future[list[str]]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    addresses: Sequence[str]
    until_s: float


class Resolver:
    """Resolves host names with the operating system's resolver (`getaddrinfo`), on a pool of threads.

    Each call looks up the name, since its addresses may change. If the lookup takes longer than `LOOKUP_LATE_S` seconds
    or the name server fails, the call returns the addresses of the last successful lookup, if that was less than
    `ADDRESSES_KEPT_S` seconds ago. Simultaneous calls for a name share a lookup. Several event loops may use one
    resolver.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "resolver")
        self._lock = threading.RLock()
        self._running: dict[str, _Lookup] = {}
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def __call__(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002 (as `Resolve` has it)
        """Returns the IP addresses of a host name as texts. Raises OSError if the name cannot be resolved."""
        lookup = self._joined(host)
        kept = self._kept_of(host)
        try:
            async with asyncio.timeout(None if kept is None else LOOKUP_LATE_S):
                # Without the shield, one caller that is cancelled would end the lookup of all.
                return await asyncio.shield(asyncio.wrap_future(lookup.found))
        except (TimeoutError, socket.gaierror) as error:
            late = not isinstance(error, socket.gaierror) or error.errno == socket.EAI_AGAIN
            if kept is None or not late:
                raise
            return kept.addresses
        finally:
            self._left(lookup)

    def close(self) -> None:
        """Ends the resolver's threads without waiting for lookups in progress."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _joined(self, host: str) -> _Lookup:
        with self._lock:
            lookup = self._running.get(host)
            if lookup is None:
                lookup = self._running[host] = _Lookup(self._threads.submit(_look_up, host))
                lookup.found.add_done_callback(lambda found: self._end(host, found))
            lookup.waiting += 1
            return lookup

    def _left(self, lookup: _Lookup) -> None:
        """Counts one caller less as waiting for a lookup. If no caller is left, cancels the lookup unless it has
        started, so that it does not delay later ones.
        """
        with self._lock:
            lookup.waiting -= 1
            if lookup.waiting == 0:
                lookup.found.cancel()

    def _end(self, host: str, found: Future[list[str]]) -> None:
        with self._lock:
            del self._running[host]
            if not found.cancelled() and found.exception() is None:
                self._kept[host] = _Kept(found.result(), time.monotonic() + ADDRESSES_KEPT_S)
                self._kept.move_to_end(host)
                if len(self._kept) > NAMES_KEPT_MAX:
                    self._kept.popitem(last=False)

    def _kept_of(self, host: str) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(host)
            return kept if kept is not None and kept.until_s > time.monotonic() else None


async def addresses_of(resolve: Resolve, host: str, port: int) -> list[Address]:
    """Returns the IP addresses of a URL's host; if the host is itself an address, only that one.

    Raises OSError if the host cannot be resolved.
    """
    try:
        address = literal_address(host)
    except RefusedUrl as refused:
        raise OSError(f"the host {refused}") from None
    if address is not None:
        return [address]
    return [ip_address(text) for text in await resolve(host, port)]


def _look_up(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host} is not a host name") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
