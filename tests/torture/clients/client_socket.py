"""What the campaign needs of a client's socket, whatever library it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]
Transports = tuple[str, ...]


class Unanswered(Exception):
    """No answer came: nobody can say whether the command was carried out."""


@dataclass(frozen=True)
class Listener:
    """What a socket tells of. `connected` is called with the socket's id and whether it goes on."""

    connected: Callable[[str, bool], None]
    disconnected: Callable[[str], None]
    told: Callable[[str, list[Any]], None]


class Socket(Protocol):
    """One client's socket, which comes back by itself until it is closed."""

    @property
    def connected(self) -> bool: ...

    async def open(self, listener: Listener) -> None: ...

    async def call(self, event: str, payload: Json, timeout_s: float) -> Json:
        """The answer. Raises Unanswered."""
        ...

    def drop(self) -> None:
        """Its connection breaks."""
        ...

    async def close(self) -> None:
        """It leaves of its own accord, for good."""
        ...
