"""Ports through which presence, typing and calls use the chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from talkwire.core.commands.command import Command
from talkwire.core.domain.events import UnstoredEvent
from talkwire.core.domain.model import Actor

R = TypeVar("R")

SignalHandlers = Mapping[type[Command[Any]], Callable[[Actor, Any], Awaitable[Any]]]
"""The function that executes each command that is not a plain database transaction. It raises ChatError, directly or
when awaited."""


class Publisher(Protocol):
    """Publishes events that are not stored. `core.engine.chat.Chat` implements it."""

    def publish(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends the events to listeners on all nodes."""
        ...

    def publish_here(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends the events to listeners on this node."""
        ...

    def publish_to_peers(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends the events to the other nodes only."""
        ...


class CommandExecutor(Protocol):
    """Executes commands. `core.engine.chat.Chat` implements it."""

    def execute(self, actor: Actor, command: Command[R]) -> Awaitable[R]: ...
    def submit(self, actor: Actor, command: Command[Any], done: Callable[[Any, Exception | None], None]) -> None: ...
