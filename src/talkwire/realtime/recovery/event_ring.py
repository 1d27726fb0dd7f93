"""The newest events in memory, so that many sockets that come back at once ask nothing of the database.

Of what was pushed out only positions are remembered: for each conversation and each user, that of the last event. So it
can be told at once that somebody who was in quiet conversations for long has missed nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

import msgspec
from msgspec.structs import replace

from talkwire.core.domain.audience import audience_of, event_as_seen
from talkwire.core.domain.events import (
    Durable,
    DurableEvent,
    MessageDeleted,
    MessageEvent,
    MessageSent,
    News,
    UserUpdated,
)
from talkwire.core.domain.model import WHOLE, HistoryStart, Message
from talkwire.realtime.engine.hub import EncodingGroup

EVENTS_MAX = 50_000
TEXT_MAX = 32 * 1024 * 1024
"""Characters of all events together."""

MISSED_MAX = 10_000
"""Events that a socket has missed beyond which a fresh session is the shorter way."""

PLACES_MAX = 500_000
"""Conversations, and users, of which it is remembered what was pushed out."""


_encode = msgspec.json.Encoder().encode


class RingEntry:
    """An event, its neighbours among those of its conversation or user, and the frames that were made of it for sockets
    that came back."""

    __slots__ = ("earlier", "event", "frames", "later", "length")

    def __init__(self, event: Durable, length: int) -> None:
        self.event = event
        self.length = length
        self.earlier: RingEntry | None = None
        self.later: RingEntry | None = None
        self.frames: dict[tuple[EncodingGroup, object], bytes] | None = None

    def as_seen(self, user_id: str, histories: Mapping[str, HistoryStart]) -> RingEntry | None:
        """Returns it as a user may see it whose histories are these, by conversation; None where it is not for them."""
        event = self.event
        seen = event_as_seen(event, user_id, histories.get(audience_of(event).conversation_id or "", WHOLE))
        if seen is None or seen is event:
            return None if seen is None else self
        return RingEntry(seen, 0)

    def frame(self, channel: EncodingGroup, which: object, encode: Callable[[], bytes]) -> bytes:
        """What `encode` makes of the event for a channel's sockets, made once for all of them."""
        if self.frames is None:
            self.frames = {}
        frame = self.frames.get((channel, which))
        if frame is None:
            frame = self.frames[channel, which] = encode()
        return frame


class _Places:
    """The events of conversations, or those of users: each with its newest one, and with the position of the last one
    that was pushed out."""

    __slots__ = ("newest", "pushed_out")

    def __init__(self) -> None:
        self.newest: dict[str, RingEntry] = {}
        self.pushed_out: dict[str, int] = {}

    def add(self, id_: str, kept: RingEntry) -> None:
        earlier = self.newest.get(id_)
        if earlier is not None:
            kept.earlier = earlier
            earlier.later = kept
        self.newest[id_] = kept

    def push_out(self, id_: str, kept: RingEntry) -> None:
        if kept.later is None:
            del self.newest[id_]
        else:
            kept.later.earlier = None
        self.pushed_out[id_] = kept.event.pos

    def have_all(self, ids: Iterable[str], after: int) -> bool:
        pushed_out = self.pushed_out
        return all(pushed_out.get(id_, 0) <= after for id_ in ids)

    def since(self, id_: str, after: int) -> Iterator[RingEntry]:
        """The newest first."""
        kept = self.newest.get(id_)
        while kept is not None and kept.event.pos > after:
            yield kept
            kept = kept.earlier


class EventRing:
    """Listens to the bus, from log position `pos` on. `oldest_ms` says from when on the log still has its events: older
    ones are not told from memory either."""

    def __init__(  # noqa: PLR0913 (its limits)
        self,
        pos: int,
        oldest_ms: Callable[[], int] = lambda: 0,
        *,
        events_max: int = EVENTS_MAX,
        text_max: int = TEXT_MAX,
        missed_max: int = MISSED_MAX,
        places_max: int = PLACES_MAX,
    ) -> None:
        self._start_pos = pos
        self._oldest_ms = oldest_ms
        self._events_max = events_max
        self._text_max = text_max
        self._missed_max = missed_max
        self._places_max = places_max
        self._kept: deque[tuple[_Places, str, RingEntry]] = deque()
        self._length = 0
        self._conversations = _Places()
        self._users = _Places()
        self._looks: deque[RingEntry] = deque()
        self._pushed_out_look = 0
        self._tombstones: dict[int, Message] = {}

    def follow(self, events: Sequence[News]) -> None:
        """A batch from the bus."""
        for event in events:
            if type(event) is MessageSent:  # nearly every event is one
                message = event.message
                self._keep(self._conversations, message.conversation_id, RingEntry(event, _length_of(message)))
            elif isinstance(event, DurableEvent):
                self._follow(event)
        while len(self._kept) > self._events_max or self._length > self._text_max:
            self._push_out()

    def missed(
        self,
        user_id: str,
        conversation_ids: Collection[str],
        contact_ids: Callable[[], Collection[str]],
        after: int,
        is_known: Callable[[str], bool] = lambda _: True,
    ) -> list[RingEntry] | None:
        """What happened after a position in these conversations and to the user, and how contacts look since, in log
        order. `contact_ids` are those of whom it `is_known` who their contacts are. None: not all of that is here, or
        it is more than `missed_max`."""
        self._push_out_old()
        has_all = (
            after >= self._start_pos
            and self._conversations.have_all(conversation_ids, after)
            and self._users.have_all((user_id,), after)
            and (after >= self._pushed_out_look or self._users.have_all(contact_ids(), after))
        )
        if not has_all:
            return None
        of_all = chain.from_iterable(self._conversations.since(id_, after) for id_ in conversation_ids)
        found = list(islice(chain(of_all, self._users.since(user_id, after)), self._missed_max + 1))
        if len(found) > self._missed_max:
            return None
        if self._looks and self._looks[-1].event.pos > after:
            looks = [kept for kept in self._looks if kept.event.pos > after]
            if not all(is_known(_user_of(kept) or "") for kept in looks):
                return None
            known = contact_ids()
            found.extend(kept for kept in looks if _user_of(kept) in known)
        found.sort(key=lambda kept: kept.event.pos)
        for kept in found:
            self._bury(kept)
        return found

    def _follow(self, event: Durable) -> None:
        audience = audience_of(event)
        # Any other event of a message holds all of it too, and a new conversation its members.
        kept = RingEntry(event, len(_encode(event)))
        if audience.conversation_id is not None:
            self._keep(self._conversations, audience.conversation_id, kept)
        elif audience.user_id is not None:
            self._keep(self._users, audience.user_id, kept)
        match event:
            case UserUpdated():
                self._looks.append(kept)
            case MessageDeleted(message=message):
                self._tombstones[message.id] = message

    def _keep(self, places: _Places, id_: str, kept: RingEntry) -> None:
        places.add(id_, kept)
        self._kept.append((places, id_, kept))
        self._length += kept.length

    def _bury(self, kept: RingEntry) -> None:
        """Replaces a message that was deleted since by its tombstone, and empties a quote of one, as the log does."""
        event = kept.event
        if not isinstance(event, MessageEvent):
            return
        message, quote = event.message, event.message.reply_to
        if message.id in self._tombstones and message.deleted_ms is None:
            message = self._tombstones[message.id]
        elif quote is not None and quote.content and quote.id in self._tombstones:
            message = replace(message, reply_to=replace(quote, content=""))
        if message is not event.message:
            kept.event = replace(event, message=message)
            kept.frames = None

    def _push_out_old(self) -> None:
        oldest_ms = self._oldest_ms()
        while self._kept and self._kept[0][2].event.at_ms < oldest_ms:
            self._push_out()

    def _push_out(self) -> None:
        places, id_, kept = self._kept.popleft()
        places.push_out(id_, kept)
        self._length -= kept.length
        match kept.event:
            case UserUpdated():
                self._pushed_out_look = kept.event.pos
                self._looks.popleft()
            case MessageDeleted(message=message):
                self._tombstones.pop(message.id, None)
        if len(places.pushed_out) > self._places_max:
            self._forget_pushed_out(kept.event.pos)

    def _forget_pushed_out(self, pos: int) -> None:
        """Whoever was last told something from before is told what the log says."""
        self._start_pos = pos
        self._conversations.pushed_out.clear()
        self._users.pushed_out.clear()


def _length_of(message: Message) -> int:
    """Nearly all messages are a text and nothing else."""
    length = len(message.content)
    if message.attachments or message.metadata:
        length += len(_encode((message.attachments, message.metadata)))
    return length


def _user_of(kept: RingEntry) -> str | None:
    return audience_of(kept.event).user_id
