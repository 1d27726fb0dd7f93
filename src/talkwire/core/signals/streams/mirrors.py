"""What this node knows of messages that are written through other nodes, for the readers who are connected here."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from talkwire.core.domain.events import OpenStreamAt, StreamAdvanced
from talkwire.core.domain.parts.growing_parts import GapError, GrowingParts, PartChange
from talkwire.core.domain.parts.streams import Stream

LISTED_S = 5.0
"""Seconds for which a stream counts as open after it was listed."""


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
        """Returns whether a change is included already, or is of an earlier attempt."""
        if event.is_whole or event.attempt != self.attempt:
            return event.attempt < self.attempt
        return event.home_id == self.home_id and event.number == self.number

    def is_followed_by(self, event: StreamAdvanced) -> bool:
        same = (event.attempt, event.home_id) == (self.attempt, self.home_id)
        return event.is_whole or (same and event.number == self.number + 1)

    def apply(self, event: StreamAdvanced) -> None:
        """Does what the home has done. Raises `GapError` if something is missing in between."""
        self.home_id = None
        for change in event.changes:
            self.parts.apply(change)
        self.attempt, self.home_id, self.number = event.attempt, event.home_id, event.number


class _Listed(NamedTuple):
    """What a home has listed last of an open stream, and when, by the event loop's clock."""

    home_id: str
    stream: OpenStreamAt
    at: float


class StreamMirrors:
    """Copies of the parts of messages that are written through other nodes.

    `ask` is called with a message's id and its home if something of it was lost: the home then sends everything. Among
    many nodes this is called only if `has_readers(message_id, conversation_id)`, i.e. somebody here reads the message.
    """

    def __init__(self, ask: Callable[[int, str], None], has_readers: Callable[[int, str], bool]) -> None:
        self._ask = ask
        self._has_readers = has_readers
        self._mirrors: dict[int, _Mirror] = {}
        self._listed: dict[int, _Listed] = {}
        """The open streams that other nodes send to nodes with readers, by message id."""
        self._purged_at = 0.0
        self._waiting: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        """The events to set once there is a copy of a stream, by message id."""

    def receive_list(self, home_id: str, streams: Sequence[OpenStreamAt]) -> tuple[list[int], list[int]]:
        """Returns which of the streams that another node has listed have readers here, and of which of these this node
        lacks something. Forgets the copies of others."""
        now = asyncio.get_running_loop().time()
        read: list[int] = []
        lacking: list[int] = []
        for stream in streams:
            before = self._listed.get(stream.message_id)
            self._listed[stream.message_id] = _Listed(home_id, stream, now)
            mirror = self._mirrors.get(stream.message_id)
            if not self._has_readers(stream.message_id, stream.conversation_id):
                self.drop(stream.message_id)
            elif mirror is None or stream.attempt >= mirror.attempt:
                read.append(stream.message_id)
                if mirror is None or _lacks(mirror, home_id, stream, before):
                    lacking.append(stream.message_id)
        self._purge(now)
        return read, lacking

    def _is_listed(self, message_id: int) -> bool:
        """Returns whether the home of a stream sends it only to nodes with readers."""
        listed = self._listed.get(message_id)
        return listed is not None and asyncio.get_running_loop().time() - listed.at < LISTED_S

    def _purge(self, now: float) -> None:
        """Forgets once in a while what was not listed lately, and copies that nobody reads."""
        if now - self._purged_at >= LISTED_S:
            self._purged_at = now
            self._listed = {id_: each for id_, each in self._listed.items() if now - each.at < LISTED_S}
            for message_id, mirror in tuple(self._mirrors.items()):
                if message_id not in self._listed and not self._has_readers(message_id, mirror.conversation_id):
                    del self._mirrors[message_id]

    async def wait_for(self, message_id: int, home_id: str, wait_s: float) -> None:
        """Asks for everything of a message for which there is a reader now, and returns when there is a copy of it, or
        after `wait_s` seconds."""
        begun = asyncio.Event()
        self._waiting[message_id].add(begun)
        self._ask(message_id, home_id)
        try:
            async with asyncio.timeout(wait_s):
                await begun.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting[message_id].discard(begun)
            if not self._waiting[message_id]:
                del self._waiting[message_id]

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
            if not self._is_listed(event.message_id) or self._has_readers(event.message_id, event.conversation_id):
                self._ask(event.message_id, event.home_id)
            return None
        mirror = self._mirrors[event.message_id] = _Mirror(event.conversation_id, event.attempt, GrowingParts())
        mirror.apply(event)
        mirror.parts.take_changes()
        for begun in self._waiting.get(event.message_id, ()):
            begun.set()
        return event if event.changes else None

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

    def forget(self, message_id: int) -> None:
        """Forgets a stream that has ended, or whose home this node is."""
        self.drop(message_id)
        self._listed.pop(message_id, None)

    def drop_of(self, conversation_id: str) -> None:
        """Forgets all messages of a conversation."""
        self._mirrors = {id_: each for id_, each in self._mirrors.items() if each.conversation_id != conversation_id}

    def _lose(self, mirror: _Mirror, event: StreamAdvanced) -> None:
        """Asks for everything, and keeps what readers have until it comes: so they learn what is gone of it."""
        mirror.home_id = None
        self._ask(event.message_id, event.home_id)


def _lacks(mirror: _Mirror, home_id: str, stream: OpenStreamAt, before: _Listed | None) -> bool:
    """Returns whether a copy lacks what its home has sent before the last list. What it has sent since may still be on
    its way."""
    if (mirror.attempt, mirror.home_id) != (stream.attempt, home_id):
        return True
    if before is None or (before.home_id, before.stream.attempt) != (home_id, stream.attempt):
        return False
    return mirror.number < before.stream.number
