"""The initial state of a client: stored state with the presence of contacts."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.sync import GetStoredState, GetSyncState, SyncState
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.model import Actor
from talkwire.core.ports.chat import SignalHandlers
from talkwire.core.signals.presence_tracker import PresenceTracker


class SyncStates:
    """Returns the initial state of a client: the handler of `GetSyncState`."""

    def __init__(self, chat: ChatAccess, presence: PresenceTracker) -> None:
        self._chat = chat
        self._presence = presence
        self.handlers: SignalHandlers = MappingProxyType({GetSyncState: self._get})

    async def _get(self, actor: Actor, command: GetSyncState) -> SyncState:
        # The state comes first: a user who connects while it is read is then included in the presence, and later
        # changes are sent live.
        state = await self._chat.execute(actor, GetStoredState(command.limit))
        return replace(state, presence=await self._presence.contacts_presence(actor))
