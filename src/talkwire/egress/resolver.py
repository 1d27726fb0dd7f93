"""Resolves host names on separate threads, so that a slow name server delays nothing else in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from talkwire.egress.address_rules import Address, RefusedUrl, literal_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> the addresses of the host, in the order to try them. Raises OSError for an unknown host."""

THREADS = 8


class Resolver:
    """Resolves host names with the operating system's resolver (`getaddrinfo`), on a pool of threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "resolver")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Returns the IP addresses of a host name as texts. Raises OSError if the name cannot be resolved."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)

    def close(self) -> None:
        """Ends the resolver's threads without waiting for lookups in progress."""
        self._threads.shutdown(wait=False, cancel_futures=True)


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


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host} is not a host name") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
