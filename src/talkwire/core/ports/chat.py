"""What the parts of the chat that work on sockets and signals ask of the rest of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from talkwire.core.commands.command import Command
from talkwire.core.domain.events import UnstoredEvent
from talkwire.core.domain.model import Actor

R = TypeVar("R")

SignalHandlers = Mapping[type[Command[Any]], Callable[[Actor, Any], Awaitable[Any]]]
"""Who carries out what is not for the database alone. Raises ChatError, at once or from the awaitable."""


class Publisher(Protocol):
    """Tells what is not stored. See `core.engine.chat.Chat`."""

    def publish(self, events: Sequence[UnstoredEvent]) -> None:
        """To everybody, on all nodes."""
        ...

    def tell_here(self, events: Sequence[UnstoredEvent]) -> None:
        """To who is on this node."""
        ...

    def tell_others(self, events: Sequence[UnstoredEvent]) -> None:
        """To the other nodes."""
        ...


class CommandExecutor(Protocol):
    """Carries out commands. `core.engine.chat.Chat` implements it."""

    def execute(self, actor: Actor, command: Command[R]) -> Awaitable[R]: ...
    def submit(self, actor: Actor, command: Command[Any], done: Callable[[Any, Exception | None], None]) -> None: ...
