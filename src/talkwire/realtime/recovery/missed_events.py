"""Reads the events that a user missed since a position, from memory or else from the log."""

from __future__ import annotations

from talkwire.core.commands.server.recovery import CountMissed, ListMissed, MissedEvents
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.engine.chat import Chat
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.recovery.event_ring import MISSED_MAX, EventRing, RingEntry


class MissedEventReader:
    """Reads for the sockets of this node.

    `contacts_max` is the size of the largest group whose members are contacts (`core.connected.memberships`).
    """

    def __init__(self, chat: Chat, ring: EventRing, metrics: RealtimeMetrics, contacts_max: int = CONTACTS_MAX) -> None:
        self._chat = chat
        self._ring = ring
        self._metrics = metrics
        self._contacts_max = contacts_max

    @property
    def pos(self) -> int:
        """The position up to which this node has delivered all events."""
        return self._chat.pos

    def in_memory(self, client: ChatClient, pos: int) -> list[RingEntry] | None:
        """Returns the events since a position, or None if they have to be read from the log.

        That is so if some of them are not in memory, or the user has joined or left a conversation since.
        """
        entry, directory = client.entry, self._chat.directory
        if entry.moved_pos > pos:
            return None
        user_id = client.actor.user_id
        return self._ring.missed(
            user_id,
            entry.conversation_ids,
            lambda: directory.contacts(user_id),
            pos,
            lambda other_id: directory.peek(other_id) is not None,
        )

    async def read_log(self, client: ChatClient, pos: int) -> MissedEvents:
        """Returns the next page of events since a position, up to where this node has delivered. Raises ChatError."""
        self._metrics.recovery_log_reads += 1
        return await self._chat.execute(client.actor, ListMissed(pos, self._chat.pos, self._contacts_max))

    async def is_complete(self, client: ChatClient, page: MissedEvents) -> bool:
        """Whether the log still has the events behind a page, and few enough of them. Raises ChatError."""
        return page.pos >= self._chat.pos or await self._chat.execute(client.actor, CountMissed(page.pos, MISSED_MAX))
