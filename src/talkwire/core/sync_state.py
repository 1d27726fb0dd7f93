"""The state that a client begins with: what is stored, and who of the contacts is there."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.sync import GetStoredState, GetSyncState, SyncState
from talkwire.core.door import Door, SignalHandlers
from talkwire.core.model import Actor
from talkwire.core.presence_tracker import PresenceTracker


class SyncStates:
    """Answers `GetSyncState`."""

    def __init__(self, door: Door, presence: PresenceTracker) -> None:
        self._door = door
        self._presence = presence
        self.handlers: SignalHandlers = MappingProxyType({GetSyncState: self._get})

    async def _get(self, actor: Actor, command: GetSyncState) -> SyncState:
        # The state first: whoever comes while it is read is in the presence, and a later change is told live.
        state = await self._door.execute(actor, GetStoredState(command.limit))
        return replace(state, presence=await self._presence.contacts_presence(actor))
