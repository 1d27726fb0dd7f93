"""The event ring: the newest events of the log in memory, so that many sockets that return at once need no database
query.

For evicted events, only the position of the last one of each conversation and each user is kept. It shows that a user
whose conversations have been quiet for long has missed nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice

import msgspec
from msgspec.structs import replace

from talkwire.core.domain.audience import Reader, audience_of, event_for_reader
from talkwire.core.domain.events import (
    Durable,
    DurableEvent,
    MessageDeleted,
    MessageEvent,
    MessageSent,
    News,
    OfferCreated,
    OfferUpdated,
    UserErased,
    UserUpdated,
)
from talkwire.core.domain.model import Message, User
from talkwire.realtime.engine.hub import EncodingGroup

EVENTS_MAX = 50_000
"""Most events in memory."""

TEXT_MAX = 32 * 1024 * 1024
"""The most characters of all events in memory together."""

MISSED_MAX = 10_000
"""Most events that a socket may have missed to resume; with more it gets a new session."""

PLACES_MAX = 500_000
"""The most conversations, and users, for which the position of the last evicted event is kept."""


_encode = msgspec.json.Encoder().encode


class RingEntry(msgspec.Struct, eq=False):
    """An event in the event ring (the log's newest events in memory), with links to the previous and next event of its
    chain (conversation or user), and a cache of its encoded frames for replays.

    `chain_id` is the id of the conversation whose members may see the event, or of the only user that may; `chains`
    has the chain, None for an entry that is not in the ring. `length` is the event's size in characters.
    """

    event: Durable
    chain_id: str = ""
    length: int = 0
    chains: _EventChains | None = None
    earlier: RingEntry | None = None
    later: RingEntry | None = None
    frames: dict[tuple[EncodingGroup, object], bytes] | None = None

    def for_reader(self, reader: Reader) -> RingEntry | None:
        """Returns this entry if a reader may see its whole event, else a new entry with the event as the reader may see
        it; None if the reader may not see the event at all.
        """
        if type(self.event) is MessageSent and self.event.message.conversation_id not in reader.histories:
            return self  # nearly every entry: saves most of the general path's time
        seen = event_for_reader(self.event, reader)
        if seen is None or seen is self.event:
            return None if seen is None else self
        return RingEntry(seen)

    def frame(self, group: EncodingGroup, which: object, encode: Callable[[], bytes]) -> bytes:
        """Returns the event's frames for an encoding group (sockets that receive the same bytes) and the destination
        `which`, a `To`. Calls `encode` to make them the first time, and caches them in this entry.
        """
        if self.frames is None:
            self.frames = {}
        frame = self.frames.get((group, which))
        if frame is None:
            frame = self.frames[group, which] = encode()
        return frame


class _EventChains:
    """The events in memory by conversation, or by user: for each id, a list that is linked from the newest event to the
    oldest.
    """

    __slots__ = ("evicted", "newest")

    def __init__(self) -> None:
        self.newest: dict[str, RingEntry] = {}
        self.evicted: dict[str, int] = {}
        """The position of the last evicted event, by id."""

    def add(self, entry: RingEntry) -> None:
        earlier = self.newest.get(entry.chain_id)
        if earlier is not None:
            entry.earlier = earlier
            earlier.later = entry
        self.newest[entry.chain_id] = entry

    def evict(self, entry: RingEntry) -> None:
        if entry.later is None:
            del self.newest[entry.chain_id]
        else:
            entry.later.earlier = None
        self.evicted[entry.chain_id] = entry.event.pos

    def have_all(self, ids: Iterable[str], after: int) -> bool:
        evicted = self.evicted
        return all(evicted.get(id_, 0) <= after for id_ in ids)

    def since(self, id_: str, after: int) -> Iterator[RingEntry]:
        """Yields the entries of a conversation or user after the log position `after`, the newest first."""
        entry = self.newest.get(id_)
        while entry is not None and entry.event.pos > after:
            yield entry
            entry = entry.earlier


class EventRing:
    """The newest events of the log in memory, starting after the log position `pos`. `oldest_ms()` returns a time in
    milliseconds since 1970: older events have been removed from the log, so the ring evicts them too.
    """

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
        self._entries: deque[RingEntry] = deque()
        self._length = 0
        self._conversations = _EventChains()
        self._users = _EventChains()
        self._looks: deque[RingEntry] = deque()
        self._last_evicted_look = 0
        self._tombstones: dict[int, Message] = {}
        self._deleted_offers = set[int]()
        self._erased: dict[str, User] = {}
        """The users that were erased since the ring started."""

    def follow(self, events: Sequence[News]) -> None:
        """Adds the durable events of a batch that was committed to the log, in log order, and evicts the oldest events
        beyond the limits.
        """
        for event in events:
            if type(event) is MessageSent:  # nearly every event is one
                message = event.message
                entry = RingEntry(event, message.conversation_id, _length_of(message))
                self._keep(self._conversations, entry)
            elif isinstance(event, DurableEvent):
                self._follow(event)
        while len(self._entries) > self._events_max or self._length > self._text_max:
            self._evict()

    def missed(
        self,
        user_id: str,
        conversation_ids: Collection[str],
        contact_ids: Callable[[], Collection[str]],
        after: int,
        is_known: Callable[[str], bool] = lambda _: True,
    ) -> list[RingEntry] | None:
        """Returns the events that a user missed after the log position `after`, in log order: those of their
        conversations, those for the user alone, and changes of contacts' names and pictures. `contact_ids` returns the
        ids of the user's contacts. The events still have to be checked with `for_reader`.

        Returns None if some of the events are not in memory, if there are more than `missed_max`, or if `is_known`,
        called with the id of a user whose name or picture changed, returns False: then it is unknown whose contact that
        user is.
        """
        self._evict_old()
        has_all = (
            after >= self._start_pos
            and self._conversations.have_all(conversation_ids, after)
            and self._users.have_all((user_id,), after)
            and (after >= self._last_evicted_look or self._users.have_all(contact_ids(), after))
        )
        if not has_all:
            return None
        of_all = chain.from_iterable(self._conversations.since(id_, after) for id_ in conversation_ids)
        found = list(islice(chain(of_all, self._users.since(user_id, after)), self._missed_max + 1))
        if len(found) > self._missed_max:
            return None
        if self._looks and self._looks[-1].event.pos > after:
            looks = [entry for entry in self._looks if entry.event.pos > after]
            if not all(is_known(entry.chain_id) for entry in looks):
                return None
            contacts = contact_ids()
            found.extend(entry for entry in looks if entry.chain_id in contacts)
        found.sort(key=lambda entry: entry.event.pos)
        for entry in found:
            self._apply_deletions(entry)
            if self._erased:
                self._apply_erasures(entry)
        return found

    def _follow(self, event: Durable) -> None:
        audience = audience_of(event)
        # Other events of a message hold all of the message, and a new conversation holds its members.
        entry = RingEntry(event, audience.conversation_id or audience.user_id or "", len(_encode(event)))
        if audience.conversation_id is not None:
            self._keep(self._conversations, entry)
        elif audience.user_id is not None:
            self._keep(self._users, entry)
        match event:
            case UserUpdated():
                self._looks.append(entry)
            case UserErased(user=user):
                self._erased[user.id] = user
                self._looks.append(entry)
            case MessageDeleted(message=message):
                self._tombstones[message.id] = message
            case OfferUpdated(offer=offer) if offer.deleted_ms is not None:
                self._deleted_offers.add(offer.id)

    def _keep(self, chains: _EventChains, entry: RingEntry) -> None:
        entry.chains = chains
        chains.add(entry)
        self._entries.append(entry)
        self._length += entry.length

    def _apply_deletions(self, entry: RingEntry) -> None:
        """Updates the message or offer in an entry's event to later deletions, as the log does: replaces a deleted
        message by its tombstone, empties the quote of a deleted message, and removes the texts of a deleted offer. Does
        nothing for other events.
        """
        event = entry.event
        if isinstance(event, OfferCreated | OfferUpdated) and event.offer.id in self._deleted_offers:
            entry.event, entry.frames = replace(event, offer=event.offer.without_texts()), None
        if not isinstance(event, MessageEvent):
            return
        message, quote = event.message, event.message.reply_to
        if message.id in self._tombstones and message.deleted_ms is None:
            message = self._tombstones[message.id]
        elif quote is not None and quote.content and quote.id in self._tombstones:
            message = replace(message, reply_to=replace(quote, content=""))
        if message is not event.message:
            entry.event = replace(event, message=message)
            entry.frames = None

    def _apply_erasures(self, entry: RingEntry) -> None:
        """Gives the user in an entry's event (the changed user, or a message's sender) the name and picture of an
        erased user, if that user was erased after the event. The log does the same.
        """
        event = entry.event
        if isinstance(event, UserUpdated) and event.user.id in self._erased:
            entry.event, entry.frames = replace(event, user=self._erased[event.user.id]), None
        elif isinstance(event, MessageEvent) and event.message.sender_id in self._erased:
            user = self._erased[event.message.sender_id]
            message = replace(event.message, sender_name=user.name, sender_avatar=None)
            if message != event.message:
                entry.event, entry.frames = replace(event, message=message), None

    def _evict_old(self) -> None:
        oldest_ms = self._oldest_ms()
        while self._entries and self._entries[0].event.at_ms < oldest_ms:
            self._evict()

    def _evict(self) -> None:
        entry = self._entries.popleft()
        chains = entry.chains
        assert chains is not None, "`_keep` has set it"
        chains.evict(entry)
        self._length -= entry.length
        match entry.event:
            case UserUpdated() | UserErased():
                self._last_evicted_look = entry.event.pos
                self._looks.popleft()
            case MessageDeleted(message=message):
                self._tombstones.pop(message.id, None)
            case OfferUpdated(offer=offer) if offer.deleted_ms is not None:
                self._deleted_offers.discard(offer.id)
        if len(chains.evicted) > self._places_max:
            self._forget_evicted(entry.event.pos)

    def _forget_evicted(self, pos: int) -> None:
        """Moves the start of the ring to the log position `pos`: sockets that return with an earlier position receive
        their missed events from the log. To free memory, clears the records of which conversations and users had events
        evicted.
        """
        self._start_pos = pos
        self._conversations.evicted.clear()
        self._users.evicted.clear()


def _length_of(message: Message) -> int:
    """Returns the approximate size of a message in characters: its text, attachments and metadata."""
    length = len(message.content)
    if message.attachments or message.metadata:
        length += len(_encode((message.attachments, message.metadata)))
    return length
