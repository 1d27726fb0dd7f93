"""The command with which a client says that its user is typing."""

from __future__ import annotations

from talkwire.core.commands.command import SocketSignal


class SetTyping(SocketSignal[None], frozen=True, tag="SetTyping"):
    """Starts or stops showing others that the actor is typing in a conversation. Typing also stops when the socket
    `source` closes."""

    conversation_id: str
    is_typing: bool
