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
    """The typing users of this node's sockets and routes, one entry per conversation and user; or those of other nodes,
    whose end is waited for a little longer."""

    def __init__(self, lasts_s: float = TYPING_LASTS_S) -> None:
        self._lasts_s = lasts_s
        # In the order of their deadlines, since all last equally long.
        self._typing: dict[tuple[str, str], _Typing] = {}
        self._by_source: dict[str | None, set[tuple[str, str]]] = {}

    def start(
        self, conversation_id: str, user_id: str, user_name: str, source: str | None, now: float
    ) -> TypingChanged:
        """Always an event: whoever joined since has not heard of it yet."""
        key = (conversation_id, user_id)
        self._forget(key)
        self._typing[key] = _Typing(user_name, source, now + self._lasts_s)
        self._by_source.setdefault(source, set()).add(key)
        return TypingChanged(conversation_id, user_id, user_name, is_typing=True)

    def stop(self, conversation_id: str, user_id: str, user_name: str) -> TypingChanged:
        self._forget((conversation_id, user_id))
        return TypingChanged(conversation_id, user_id, user_name, is_typing=False)

    def source_gone(self, source: str) -> list[TypingChanged]:
        """A socket disconnected: what it typed has ended."""
        return self._end(sorted(self._by_source.get(source, ())))

    def user_left(self, conversation_id: str, user_id: str) -> list[TypingChanged]:
        """A user is a member no more."""
        key = (conversation_id, user_id)
        return self._end([key]) if key in self._typing else []

    def conversation_gone(self, conversation_id: str) -> None:
        """Nobody is in it any more, to type or to be told."""
        for key in [key for key in self._typing if key[0] == conversation_id]:
            self._forget(key)

    def expire(self, now: float) -> list[TypingChanged]:
        """Ends what nobody has said for too long."""
        ended = []
        for key, typing in self._typing.items():
            if typing.deadline > now:
                break
            ended.append(key)
        return self._end(ended)

    def __len__(self) -> int:
        return len(self._typing)

    def is_typing(self, conversation_id: str, user_id: str) -> bool:
        return (conversation_id, user_id) in self._typing

    def next_deadline(self) -> float | None:
        """When `expire` has something to do; None: nobody types."""
        return next((typing.deadline for typing in self._typing.values()), None)

    def _end(self, keys: list[tuple[str, str]]) -> list[TypingChanged]:
        return [self.stop(*key, self._typing[key].user_name) for key in keys]

    def _forget(self, key: tuple[str, str]) -> None:
        typing = self._typing.pop(key, None)
        if typing is not None:
            keys = self._by_source[typing.source]
            keys.discard(key)
            if not keys:
                del self._by_source[typing.source]
