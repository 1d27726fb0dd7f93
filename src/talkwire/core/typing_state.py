"""Who is typing where. Nothing is stored; what was said ends by itself `TYPING_LASTS_S` after it was said last.

Time is an argument: the caller asks `next_deadline` and calls `expire` then.
"""

from __future__ import annotations

from dataclasses import dataclass

from talkwire.core.events import TypingChanged

TYPING_LASTS_S = 5.0


@dataclass(slots=True)
class _Typing:
    user_name: str
    source: str | None
    deadline: float


class TypingState:
    """The typing users of this node's sockets and routes, one entry per conversation and user."""

    def __init__(self) -> None:
        self._typing: dict[tuple[str, str], _Typing] = {}

    def start(
        self, conversation_id: str, user_id: str, user_name: str, source: str | None, now: float
    ) -> TypingChanged:
        """Always an event: whoever joined since has not heard of it yet."""
        self._typing[conversation_id, user_id] = _Typing(user_name, source, now + TYPING_LASTS_S)
        return TypingChanged(conversation_id, user_id, user_name, is_typing=True)

    def stop(self, conversation_id: str, user_id: str, user_name: str) -> TypingChanged:
        self._typing.pop((conversation_id, user_id), None)
        return TypingChanged(conversation_id, user_id, user_name, is_typing=False)

    def source_gone(self, source: str) -> list[TypingChanged]:
        """A socket disconnected: what it typed has ended."""
        return self._end([key for key, typing in self._typing.items() if typing.source == source])

    def user_left(self, conversation_id: str, user_id: str) -> list[TypingChanged]:
        """A user is a member no more."""
        key = (conversation_id, user_id)
        return self._end([key]) if key in self._typing else []

    def expire(self, now: float) -> list[TypingChanged]:
        """Ends what nobody has said for too long."""
        return self._end([key for key, typing in self._typing.items() if typing.deadline <= now])

    def next_deadline(self) -> float | None:
        """When `expire` has something to do; None: nobody types."""
        return min((typing.deadline for typing in self._typing.values()), default=None)

    def _end(self, keys: list[tuple[str, str]]) -> list[TypingChanged]:
        return [self.stop(*key, self._typing[key].user_name) for key in keys]
