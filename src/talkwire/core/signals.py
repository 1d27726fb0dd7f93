"""What goes on and is not kept in the log: who types, who is there, who calls whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from talkwire.core.call_exchange import CallExchange
from talkwire.core.call_state import RING_S
from talkwire.core.circles import CONTACTS_MAX
from talkwire.core.custom_events import CustomEvents
from talkwire.core.door import Door, SignalHandlers
from talkwire.core.events import Durable, MessageSent, News
from talkwire.core.missed_calls import MissedCalls
from talkwire.core.presence_state import GRACE_S
from talkwire.core.presence_tracker import PresenceTracker
from talkwire.core.sync_state import SyncStates
from talkwire.core.typing_signals import TypingSignals


@dataclass(frozen=True, slots=True)
class SignalOptions:
    """`contacts_max`: up to this many members, those of a group are contacts and may call each other. `grace_s`: how
    long a user may be without a socket before they are offline. `ring_s`: how long a call rings."""

    contacts_max: int = CONTACTS_MAX
    grace_s: float = GRACE_S
    ring_s: float = RING_S


class Signals:
    """All of it, for the sockets of this node."""

    def __init__(self, door: Door, publish: Callable[[Sequence[News]], None], options: SignalOptions) -> None:
        self._door = door
        self._typing = TypingSignals(door, publish)
        missed = MissedCalls(door, publish)
        self._calls = CallExchange(door, missed.publish, members_max=options.contacts_max, ring_s=options.ring_s)
        self.presence = PresenceTracker(door, publish, contacts_max=options.contacts_max, grace_s=options.grace_s)
        self.handlers: SignalHandlers = MappingProxyType(
            {
                **self._typing.handlers,
                **self._calls.handlers,
                **self.presence.handlers,
                **SyncStates(door, self.presence).handlers,
                **CustomEvents(door, publish, self.presence.node_id).handlers,
            }
        )

    def connected(self, user_id: str, socket_id: str) -> None:
        """A socket of a user whom the directory holds for it already."""
        self.presence.connected(user_id, socket_id)
        entry = self._door.directory.peek(user_id)
        if entry is not None and entry.holds == 1:
            self._calls.user_came(user_id)

    def disconnected(self, user_id: str, socket_id: str) -> None:
        """The socket is gone, and the directory does not hold the user for it any more."""
        self._typing.source_gone(socket_id)
        self.presence.disconnected(user_id, socket_id)
        entry = self._door.directory.peek(user_id)
        if entry is None or not entry.holds:
            self._calls.user_gone(user_id)

    def follow(self, event: Durable) -> None:
        """Follows the log."""
        if type(event) is not MessageSent:
            self._typing.follow(event)
            self._calls.follow(event)

    def close(self) -> None:
        self._typing.close()
        self._calls.close()
        self.presence.close()
