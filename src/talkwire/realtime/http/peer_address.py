"""Finds the address at the other end of a TCP connection."""

from __future__ import annotations

from socket import AddressFamily, SocketKind, SocketType
from typing import Protocol


class TransportSocket(Protocol):
    """The interface of a transport's socket that asyncio and uvloop both provide."""

    @property
    def family(self) -> AddressFamily | int: ...
    @property
    def type(self) -> SocketKind | int: ...
    @property
    def proto(self) -> int: ...
    def fileno(self) -> int: ...


def peer_address(made: TransportSocket) -> tuple[str, int] | None:
    """Returns the host and port at the other end of a connection; None for a Unix socket, or if the connection has
    ended already.

    uvloop's `get_extra_info("peername")` would keep its result, 130 bytes, until the connection ends.
    """
    borrowed = SocketType(made.family, made.type, made.proto, made.fileno())
    try:
        found = borrowed.getpeername()
    except OSError:
        return None
    finally:
        borrowed.detach()
    return (found[0], found[1]) if isinstance(found, tuple) else None
