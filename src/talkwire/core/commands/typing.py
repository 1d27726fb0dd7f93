"""What is said about who is typing."""

from __future__ import annotations

from talkwire.core.commands.command import Signal


class SetTyping(Signal[None], frozen=True, tag="SetTyping"):
    """`source` is the socket that types; what it said ends with it."""

    conversation_id: str
    is_typing: bool
    source: str | None = None
