"""What leases and signals use of the chat: its commands, and the directory of connected users."""

from __future__ import annotations

from typing import Protocol

from talkwire.core.connected.directory import Directory
from talkwire.core.ports.chat import CommandExecutor


class ChatAccess(CommandExecutor, Protocol):
    """Carries out commands and knows who is connected. `core.engine.chat.Chat` implements it."""

    directory: Directory
