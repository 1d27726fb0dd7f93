"""What this node knows of messages that are written through other nodes, for the readers who are connected here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from talkwire.core.domain.events import StreamAdvanced
from talkwire.core.domain.parts.growing_parts import GapError, GrowingParts, PartChange
from talkwire.core.domain.parts.streams import Stream


class _Mirror:
    """A copy of the parts of a message, as readers here have them. `number` is that of the last event that it includes;
    `home_id` is the home that has sent it, None if the copy lacks something."""

    __slots__ = ("attempt", "conversation_id", "home_id", "number", "parts")

    def __init__(self, conversation_id: str, attempt: int, parts: GrowingParts) -> None:
        self.conversation_id = conversation_id
        self.parts = parts
        self.attempt = attempt
        self.home_id: str | None = None
        self.number = 0

    def has(self, event: StreamAdvanced) -> bool:
        """Returns whether an event is older than what the copy includes."""
        if event.attempt != self.attempt or event.home_id != self.home_id:
            return event.attempt < self.attempt
        return event.number < self.number or (event.number == self.number and not event.is_whole)

    def is_followed_by(self, event: StreamAdvanced) -> bool:
        same = (event.attempt, event.home_id) == (self.attempt, self.home_id)
        return event.is_whole or (same and event.number == self.number + 1)

    def apply(self, event: StreamAdvanced) -> None:
        """Does what the home has done. Raises `GapError` if something is missing in between."""
        self.home_id = None
        for change in event.changes:
            self.parts.apply(change)
        self.attempt, self.home_id, self.number = event.attempt, event.home_id, event.number


class StreamMirrors:
    """Copies of the parts of messages that are written through other nodes. `ask` is called with a message's id and its
    home if something of it was lost: the home then sends everything."""

    def __init__(self, ask: Callable[[int, str], None]) -> None:
        self._ask = ask
        self._mirrors: dict[int, _Mirror] = {}

    def receive(self, event: StreamAdvanced) -> StreamAdvanced | None:
        """Applies what another node has sent. Returns what readers here receive, None for nothing."""
        mirror = self._mirrors.get(event.message_id)
        if mirror is None:
            return self._begin(event)
        if mirror.has(event):
            return None
        if not mirror.is_followed_by(event):
            self._lose(mirror, event)
            return None
        is_other_attempt = event.attempt != mirror.attempt
        try:
            mirror.apply(event)
        except GapError:
            self._lose(mirror, event)
            return None
        changes = tuple(mirror.parts.take_changes())
        return replace(event, changes=changes) if changes or is_other_attempt else None

    def _begin(self, event: StreamAdvanced) -> StreamAdvanced | None:
        """Begins a copy. What readers have of the message is not known, so they receive everything."""
        if not event.is_whole:
            self._ask(event.message_id, event.home_id)
            return None
        mirror = self._mirrors[event.message_id] = _Mirror(event.conversation_id, event.attempt, GrowingParts())
        mirror.apply(event)
        mirror.parts.take_changes()
        return event if mirror.parts or event.attempt > 1 else None

    def whole(self, message_id: int) -> Sequence[PartChange]:
        """Returns changes that give a reader everything of a message; none if there is no copy of it."""
        mirror = self._mirrors.get(message_id)
        return [] if mirror is None else mirror.parts.whole()

    def parts_of(self, message_id: int) -> GrowingParts | None:
        mirror = self._mirrors.get(message_id)
        return None if mirror is None else mirror.parts

    def keep(self, stream: Stream, parts: GrowingParts) -> None:
        """Begins a copy with what readers here have. It lacks whatever another home has."""
        self._mirrors[stream.message_id] = _Mirror(stream.conversation_id, stream.attempt, parts)

    def drop(self, message_id: int) -> None:
        self._mirrors.pop(message_id, None)

    def drop_of(self, conversation_id: str) -> None:
        """Forgets all messages of a conversation."""
        self._mirrors = {id_: each for id_, each in self._mirrors.items() if each.conversation_id != conversation_id}

    def _lose(self, mirror: _Mirror, event: StreamAdvanced) -> None:
        """Asks for everything, and keeps what readers have until it comes: so they learn what is gone of it."""
        mirror.home_id = None
        self._ask(event.message_id, event.home_id)
