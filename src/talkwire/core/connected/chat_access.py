"""An interface to the part of the chat that leases, presence and calls use: executing commands, and the directory of
connected users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from talkwire.core.commands.command import Command
from talkwire.core.connected.directory import Directory
from talkwire.core.domain.model import Actor
from talkwire.core.ports.chat import CommandExecutor

C = TypeVar("C", bound=Command[Any])


class ChatAccess(CommandExecutor, Protocol):
    """Executes commands, asks the application's hooks about them, and has the directory of connected users.
    `core.engine.chat.Chat` implements it."""

    directory: Directory

    def is_hooked(self, command: Command[Any]) -> bool:
        """Returns whether the application has hooks for a command."""
        ...

    async def approve(self, actor: Actor, command: C) -> C:
        """Returns what the application's hooks make of a command. Raises ChatError if one refuses it."""
        ...

    def submit(self, actor: Actor, command: Command[Any], done: Callable[[Any, Exception | None], None]) -> None: ...
