"""Reads the events that a user missed after a log position, from the newest events in memory (the event ring) or else
from the log in the database.
"""

from __future__ import annotations

from typing import NamedTuple

from talkwire.core.commands.server.recovery import CountMissed, ListMissed, MissedEvents
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.engine.chat import Chat
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.recovery.event_ring import MISSED_MAX, EventRing, RingEntry


class _Lookup(NamedTuple):
    """The cached result of a search in the event ring (the log's newest events in memory): the events that a user
    missed after one log position, up to another. `found` is None if some were not in memory.
    """

    entry: DirectoryEntry
    after: int
    until: int
    found: list[RingEntry] | None


class MissedEventReader:
    """Reads the events that the users of returning sockets have missed, for `Recovery` and `Replay`.

    `contacts_max` is the size of the largest group whose members are contacts (`core.connected.memberships`).
    """

    def __init__(self, chat: Chat, ring: EventRing, metrics: RealtimeMetrics, contacts_max: int = CONTACTS_MAX) -> None:
        self._chat = chat
        self._ring = ring
        self._metrics = metrics
        self._contacts_max = contacts_max
        self._last: _Lookup | None = None

    @property
    def pos(self) -> int:
        """The log position up to which this node has delivered all events."""
        return self._chat.pos

    def in_memory(self, client: ChatClient, pos: int) -> list[RingEntry] | None:
        """Returns the events that a client's user missed after the log position `pos`, up to the present, in log order.
        Returns None if they must be read from the log: some are not in memory, or the user has joined or left a
        conversation since.

        The caller applies `RingEntry.for_reader` to each event.
        """
        entry, last = client.entry, self._last
        if entry.moved_pos > pos:
            return None
        if last is not None and last.entry is entry and last.after == pos and last.until == self._chat.pos:
            return last.found  # a returning socket asks twice: whether it can resume, and for the replay
        found = self._look_up(client.actor.user_id, entry, pos)
        self._last = _Lookup(entry, pos, self._chat.pos, found)
        return found

    def _look_up(self, user_id: str, entry: DirectoryEntry, pos: int) -> list[RingEntry] | None:
        directory = self._chat.directory
        return self._ring.missed(
            user_id,
            entry.conversation_ids,
            lambda: directory.contacts(user_id),
            pos,
            lambda other_id: directory.peek(other_id) is not None,
        )

    async def read_log(self, client: ChatClient, pos: int) -> MissedEvents:
        """Reads from the log the next page of events that a client's user missed after the position `pos`, up to the
        position that this node has delivered. Raises ChatError.
        """
        self._metrics.recovery_log_reads += 1
        return await self._chat.execute(client.actor, ListMissed(pos, self._chat.pos, self._contacts_max))

    async def is_complete(self, client: ChatClient, page: MissedEvents) -> bool:
        """Returns whether the events after a page can all be replayed: the log still has them, and the client missed at
        most MISSED_MAX of them. Raises ChatError.
        """
        return page.pos >= self._chat.pos or await self._chat.execute(client.actor, CountMissed(page.pos, MISSED_MAX))
