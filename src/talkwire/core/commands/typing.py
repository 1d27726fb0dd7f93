"""What is said about who is typing."""

from __future__ import annotations

from talkwire.core.commands.command import SocketSignal


class SetTyping(SocketSignal[None], frozen=True, tag="SetTyping"):
    """What the socket `source` said ends with it."""

    conversation_id: str
    is_typing: bool
