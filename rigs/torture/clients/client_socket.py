"""What the campaign uses of a client's socket, for all client libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]
Transports = tuple[str, ...]


class Unanswered(Exception):
    """No answer arrived, so it is unknown whether the command was executed."""


@dataclass(frozen=True)
class Listener:
    """Callbacks of a socket. `connected` receives the socket's id and whether it was recovered."""

    connected: Callable[[str, bool], None]
    disconnected: Callable[[str], None]
    received: Callable[[str, list[Any]], None]


class Socket(Protocol):
    """One client's socket, which reconnects by itself until it is closed."""

    @property
    def connected(self) -> bool: ...

    async def open(self, listener: Listener) -> None: ...

    async def call(self, event: str, payload: Json, timeout_s: float) -> Json:
        """Returns the ack's payload. Raises Unanswered."""
        ...

    def drop(self) -> None:
        """Its connection breaks."""
        ...

    async def close(self) -> None:
        """It leaves of its own accord, for good."""
        ...
