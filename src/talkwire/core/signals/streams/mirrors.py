"""What this node knows of messages that are written through other nodes, for the readers who are connected here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from talkwire.core.domain.events import StreamAdvanced
from talkwire.core.domain.parts.growing_parts import GapError, GrowingParts, PartChange


class _Mirror:
    __slots__ = ("attempt", "home_id", "number", "parts")

    def __init__(self, event: StreamAdvanced) -> None:
        self.parts = GrowingParts()
        self.attempt = event.attempt
        self.home_id = event.home_id
        self.number = event.number

    def is_followed_by(self, event: StreamAdvanced) -> bool:
        same = (event.attempt, event.home_id) == (self.attempt, self.home_id)
        return event.is_whole or (same and event.number == self.number + 1)


class StreamMirrors:
    """Copies of the parts of messages that are written through other nodes. `ask` is called with a message's id and its
    home if something of it was lost: the home then sends everything."""

    def __init__(self, ask: Callable[[int, str], None]) -> None:
        self._ask = ask
        self._mirrors: dict[int, _Mirror] = {}

    def receive(self, event: StreamAdvanced) -> StreamAdvanced | None:
        """Applies what another node has sent. Returns what readers here receive, None for nothing."""
        mirror = self._mirrors.get(event.message_id)
        if mirror is not None and event.attempt < mirror.attempt:
            return None
        if mirror is None and event.is_whole:
            mirror = self._mirrors[event.message_id] = _Mirror(event)
        if mirror is None or not mirror.is_followed_by(event):
            self._lost(event)
            return None
        mirror.attempt, mirror.home_id, mirror.number = event.attempt, event.home_id, event.number
        try:
            for change in event.changes:
                mirror.parts.apply(change)
        except GapError:
            self._lost(event)
            return None
        changes = tuple(mirror.parts.take_changes())
        return replace(event, changes=changes) if changes else None

    def whole(self, message_id: int) -> Sequence[PartChange]:
        mirror = self._mirrors.get(message_id)
        return [] if mirror is None else mirror.parts.whole()

    def parts_of(self, message_id: int) -> GrowingParts | None:
        mirror = self._mirrors.get(message_id)
        return None if mirror is None else mirror.parts

    def drop(self, message_id: int) -> None:
        self._mirrors.pop(message_id, None)

    def _lost(self, event: StreamAdvanced) -> None:
        self.drop(event.message_id)
        self._ask(event.message_id, event.home_id)
