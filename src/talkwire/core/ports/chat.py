"""Interfaces through which presence, typing and calls use the chat: to publish ephemeral events and to execute
commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from talkwire.core.commands.command import Command
from talkwire.core.domain.events import UnstoredEvent
from talkwire.core.domain.model import Actor
from talkwire.core.ports.bus import Receivers

R = TypeVar("R")

SignalHandlers = Mapping[type[Command[Any]], Callable[[Actor, Any], Awaitable[Any]]]
"""Functions that execute the commands that are no plain database transactions, by the command's type. They raise
ChatError, directly or when awaited."""


class Publisher(Protocol):
    """Publishes ephemeral events, which are sent to connected users and not stored. `core.engine.chat.Chat` implements
    it."""

    def publish(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends the events to the event listeners of this node and of all other nodes."""
        ...

    def publish_here(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends the events to the event listeners of this node only."""
        ...

    def publish_to_peers(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends the events to the other nodes only."""
        ...

    def publish_to(self, events: Sequence[UnstoredEvent], to: Receivers) -> None:
        """Sends the events to the other nodes `to`."""
        ...


class CommandExecutor(Protocol):
    """Executes commands (requests to change or read the chat). `core.engine.chat.Chat` implements it."""

    def execute(self, actor: Actor, command: Command[R]) -> Awaitable[R]: ...
