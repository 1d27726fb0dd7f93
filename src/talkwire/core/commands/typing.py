"""The command about typing."""

from __future__ import annotations

from talkwire.core.commands.command import SocketSignal


class SetTyping(SocketSignal[None], frozen=True, tag="SetTyping"):
    """Starts or stops the actor's typing in a conversation. It also stops when the socket `source` closes."""

    conversation_id: str
    is_typing: bool
