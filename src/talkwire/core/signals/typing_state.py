"""The state of typing indicators in memory. Typing ends `TYPING_LASTS_S` seconds after the client's last typing
command.

At most one start is announced to others for a user and conversation within `TYPING_EVERY_S` seconds, however often a
client sends it. A start that comes too early after a stop is announced at the end of that time.

Times are arguments in seconds of the event loop's clock: the caller reads `next_deadline` and calls `expire` at that
time.
"""

from __future__ import annotations

from dataclasses import dataclass

from talkwire.core.domain.events import TypingChanged

TYPING_LASTS_S = 5.0
"""Seconds for which a user counts as typing after the client's last command."""

TYPING_EVERY_S = 2.0
"""Shortest time between two announcements that a user types in a conversation, in seconds."""

_Key = tuple[str, str]
"""Pair of a conversation's id and a user's id."""


@dataclass(slots=True)
class _Typing:
    """A user who is typing in a conversation, from the socket with the id `source` (None for REST).

    `deadline` is when the typing ends, `announced_s` when its last start was announced, both in seconds of the event
    loop's clock; `is_announced` says whether others see the user as typing.
    """

    user_name: str
    source: str | None
    deadline: float
    announced_s: float
    is_announced: bool


class TypingState:
    """The users who are typing on this node's sockets and over REST, one entry for each conversation and user. Methods
    return events for the caller to publish.

    Typing ends `lasts_s` seconds after the last `start`. A start is announced at most every `every_s` seconds. A second
    instance holds the users who are typing on other nodes, with a larger `lasts_s`.
    """

    def __init__(self, lasts_s: float = TYPING_LASTS_S, every_s: float = TYPING_EVERY_S) -> None:
        self._lasts_s = lasts_s
        self._every_s = every_s
        # In the order of their deadlines, because all last equally long.
        self._typing: dict[_Key, _Typing] = {}
        self._by_source: dict[str | None, set[_Key]] = {}
        # When the last start of a stopped user was announced; the first to stop first.
        self._stopped: dict[_Key, float] = {}
        # When to announce the starts that came too early, unordered, because each waits for its own last start. There
        # are few.
        self._early: dict[_Key, float] = {}

    def start(  # noqa: PLR0913, PLR0917 (what a client says, and when)
        self,
        conversation_id: str,
        user_id: str,
        user_name: str,
        source: str | None,
        now: float,
        announced_elsewhere_s: float | None = None,
    ) -> TypingChanged | None:
        """Starts or continues a user's typing. Returns the event to announce, or None within `every_s` seconds of the
        last announced start; `expire` then returns the event later, unless others see the user as typing already.

        `source` is the socket's id, None for REST. Times are in seconds of the event loop's clock:
        `announced_elsewhere_s` is when another node last announced a start, None if the user is not typing on another
        node.
        """
        key = (conversation_id, user_id)
        before = self._forget(key)
        is_announced = announced_elsewhere_s is not None if before is None else before.is_announced
        announced_s = self._stopped.pop(key, announced_elsewhere_s) if before is None else before.announced_s
        is_early = announced_s is not None and now - announced_s < self._every_s
        if announced_s is None or not is_early:
            announced_s = now
        self._typing[key] = _Typing(user_name, source, now + self._lasts_s, announced_s, is_announced or not is_early)
        self._by_source.setdefault(source, set()).add(key)
        if not is_early:
            return TypingChanged(conversation_id, user_id, user_name, is_typing=True)
        if not is_announced:
            self._early[key] = announced_s + self._every_s
        return None

    def stop(self, conversation_id: str, user_id: str, now: float) -> TypingChanged | None:
        """Ends a user's typing. Returns the event to announce, or None if others do not see the user as typing.
        `now` is in seconds of the event loop's clock."""
        key = (conversation_id, user_id)
        typing = self._forget(key)
        if typing is None:
            return None
        self._forget_stopped(now)
        self._stopped[key] = typing.announced_s
        return (
            TypingChanged(conversation_id, user_id, typing.user_name, is_typing=False) if typing.is_announced else None
        )

    def stopped_elsewhere(self, conversation_id: str, user_id: str) -> None:
        """Removes a typing user without returning an event, after another node has announced that the user stopped."""
        self._forget((conversation_id, user_id))

    def socket_closed(self, source: str, now: float) -> list[TypingChanged]:
        """Ends all typing that started from the socket with the id `source`, which has disconnected. Returns the events
        to announce. `now` is in seconds of the event loop's clock."""
        return self._end(sorted(self._by_source.get(source, ())), now)

    def conversation_gone(self, conversation_id: str) -> None:
        """Removes all typing users of a deleted conversation, without events."""
        for key in [key for key in self._typing if key[0] == conversation_id]:
            self._forget(key)

    def expire(self, now: float) -> list[TypingChanged]:
        """Ends the typing of users who sent no typing command for `lasts_s` seconds, and announces starts that `start`
        had to delay. Returns the events to announce. `now` is in seconds of the event loop's clock."""
        ended = []
        for key, typing in self._typing.items():
            if typing.deadline > now:
                break
            ended.append(key)
        return [*self._end(ended, now), *self._announce_early(now)]

    def __len__(self) -> int:
        return len(self._typing)

    def is_typing(self, conversation_id: str, user_id: str) -> bool:
        return (conversation_id, user_id) in self._typing

    def announced_s(self, conversation_id: str, user_id: str) -> float | None:
        """Returns when the last start of a typing user was announced, in seconds of the caller's clock; None if the
        user is not typing."""
        typing = self._typing.get((conversation_id, user_id))
        return None if typing is None else typing.announced_s

    def next_deadline(self) -> float | None:
        """Returns the time at which to call `expire`, in seconds of the caller's clock; None if nobody is typing."""
        ends = next((typing.deadline for typing in self._typing.values()), None)
        due = min(self._early.values(), default=None)
        return due if ends is None or (due is not None and due < ends) else ends

    def _announce_early(self, now: float) -> list[TypingChanged]:
        due = sorted((due_s, key) for key, due_s in self._early.items() if due_s <= now)
        events = []
        for _, key in due:
            del self._early[key]
            typing = self._typing[key]
            typing.announced_s, typing.is_announced = now, True
            events.append(TypingChanged(*key, typing.user_name, is_typing=True))
        return events

    def _end(self, keys: list[_Key], now: float) -> list[TypingChanged]:
        return [event for key in keys if (event := self.stop(*key, now)) is not None]

    def _forget(self, key: _Key) -> _Typing | None:
        typing = self._typing.pop(key, None)
        if typing is not None:
            self._early.pop(key, None)
            keys = self._by_source[typing.source]
            keys.discard(key)
            if not keys:
                del self._by_source[typing.source]
        return typing

    def _forget_stopped(self, now: float) -> None:
        """Removes entries of users who stopped typing and whose last announced start is at least `every_s` seconds
        ago."""
        while self._stopped:
            key, announced_s = next(iter(self._stopped.items()))
            if now - announced_s < self._every_s:
                return
            del self._stopped[key]
