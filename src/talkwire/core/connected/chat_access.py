"""An interface to the part of the chat that leases, presence and calls use: executing commands, and the directory of
connected users."""

from __future__ import annotations

from typing import Protocol

from talkwire.core.connected.directory import Directory
from talkwire.core.ports.chat import CommandExecutor


class ChatAccess(CommandExecutor, Protocol):
    """An interface that executes commands and has the directory of connected users. `core.engine.chat.Chat` implements
    it."""

    directory: Directory
