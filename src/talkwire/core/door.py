"""What the parts of the chat that work on sockets and signals ask of the rest of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from talkwire.core.commands.command import Command
from talkwire.core.directory import Directory
from talkwire.core.model import Actor

R = TypeVar("R")

SignalHandlers = Mapping[type[Command[Any]], Callable[[Actor, Any], Awaitable[Any]]]
"""Who carries out what is not for the database alone. Raises ChatError, at once or from the awaitable."""


class Door(Protocol):
    """See `core.chat.Chat`."""

    directory: Directory

    def execute(self, actor: Actor, command: Command[R]) -> Awaitable[R]: ...
    def submit(self, actor: Actor, command: Command[Any], done: Callable[[Any, Exception | None], None]) -> None: ...
