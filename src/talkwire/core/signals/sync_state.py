"""Adds the presence of a user's contacts to the two queries with which a client synchronizes: for its initial state,
and for the events after a cursor."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.sync import (
    GetStoredState,
    GetSyncState,
    ListEvents,
    ListStoredEvents,
    SyncPage,
    SyncState,
)
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.model import Actor
from talkwire.core.ports.chat import SignalHandlers
from talkwire.core.signals.presence_tracker import PresenceTracker


class SyncStates:
    """Handles the queries `GetSyncState` and `ListEvents`: reads the stored state or events from the database, and adds
    the presence of the actor's contacts. `contacts_max` is the size of the largest group whose members are contacts."""

    def __init__(self, chat: ChatAccess, presence: PresenceTracker, contacts_max: int) -> None:
        self._chat = chat
        self._presence = presence
        self._contacts_max = contacts_max
        self.handlers: SignalHandlers = MappingProxyType({GetSyncState: self._get, ListEvents: self._list})

    async def _get(self, actor: Actor, command: GetSyncState) -> SyncState:
        # The state is read before the presence, so that the presence includes users who connect meanwhile. Later
        # changes are sent live.
        state = await self._chat.execute(actor, GetStoredState(command.limit))
        return replace(state, presence=await self._presence.contacts_presence(actor))

    async def _list(self, actor: Actor, command: ListEvents) -> SyncPage:
        query = ListStoredEvents(command.after, command.limit, self._contacts_max)
        page = await self._chat.execute(actor, query)
        if not command.presence:
            return page
        return replace(page, presence=await self._presence.contacts_presence(actor))
