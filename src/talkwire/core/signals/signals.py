"""The signals of this node: typing, presence, calls, room occupants and custom events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.presence import LeaseReport, RenewLease, UserLeft
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.domain.events import (
    CallEnded,
    Durable,
    MessageSent,
    PresenceChanged,
    PresenceChosen,
    RoomEntered,
    RoomLeft,
    RoomNews,
    TypingChanged,
    UnstoredEvent,
    UserErased,
    UsersMoved,
)
from talkwire.core.ports.chat import Publisher, SignalHandlers
from talkwire.core.signals.call_exchange import CallExchange
from talkwire.core.signals.call_state import RING_S
from talkwire.core.signals.custom_events import CustomEvents
from talkwire.core.signals.missed_calls import MissedCalls
from talkwire.core.signals.presence_state import GRACE_S
from talkwire.core.signals.presence_tracker import PresenceTracker
from talkwire.core.signals.room_occupants import RoomOccupants, at_node
from talkwire.core.signals.sync_state import SyncStates
from talkwire.core.signals.typing_signals import TypingSignals

MISSING_MAX = 12
"""After this many lease renewals without a node, its room occupants are removed."""


@dataclass(frozen=True, slots=True)
class SignalOptions:
    """The options of signals.

    `contacts_max`: up to this many members, a group's members are contacts and can call each other. `grace_s`: seconds
    without a socket after which a user counts as offline. `ring_s`: seconds for which a call rings.
    """

    contacts_max: int = CONTACTS_MAX
    grace_s: float = GRACE_S
    ring_s: float = RING_S


class Signals:
    """All signals for the sockets of this node. Implements `lease.Users`."""

    def __init__(self, chat: ChatAccess, publisher: Publisher, peers: Peers, options: SignalOptions) -> None:
        self._chat = chat
        self._publisher = publisher
        self._node_id = peers.node_id
        self._shared = False
        self._missing: dict[str, int] = {}
        self._typing = TypingSignals(chat, publisher)
        missed = MissedCalls(chat, publisher.publish)
        self._calls = CallExchange(chat, missed.publish, peers, members_max=options.contacts_max, ring_s=options.ring_s)
        self._occupants = RoomOccupants(
            lambda conversation_id: chat.directory.memberships.get(conversation_id) is not None
        )
        self.presence = PresenceTracker(
            chat, publisher, peers, contacts_max=options.contacts_max, grace_s=options.grace_s
        )
        self.presence.on_recorded = self._users_moved
        self.grace_s = options.grace_s
        self.handlers: SignalHandlers = MappingProxyType(
            {
                **self._typing.handlers,
                **self._calls.handlers,
                **self.presence.handlers,
                **SyncStates(chat, self.presence).handlers,
                **CustomEvents(chat, publisher, peers).handlers,
            }
        )

    def enable_peers(self) -> None:
        """Called when there can be other nodes."""
        self._shared = True
        self.presence.enable_peers()
        self._calls.enable_peers()

    # --- sockets ----------------------------------------------------------------------------------------------------

    def connected(self, user_id: str, socket_id: str) -> None:
        """Handles a new socket. The directory already holds the user for it."""
        self.presence.connected(user_id, socket_id)
        entry = self._chat.directory.peek(user_id)
        if entry is not None and entry.holds == 1 and not self._shared:
            self._calls.user_connected(user_id)

    def disconnected(self, user_id: str, socket_id: str) -> None:
        """Handles a closed socket. The directory has already released the user for it."""
        self._typing.socket_closed(socket_id)
        self.presence.disconnected(user_id, socket_id)
        entry = self._chat.directory.peek(user_id)
        if (entry is None or not entry.holds) and not self.presence.is_elsewhere(user_id):
            self._calls.user_disconnected(user_id)

    def publish_room_change(self, event: RoomNews) -> None:
        """Publishes that a user's first socket on this node entered a room, or the last one left it.

        Local listeners are notified only if the user has no socket in the room on other nodes.
        """
        if not self._shared:
            self._publisher.publish([event])
            return
        here = at_node(event, self._node_id)
        self._publisher.publish_to_peers([here])
        if self._occupants.receive(here):
            self._publisher.publish_here([event])

    # --- events -------------------------------------------------------------------------------------------------------

    def follow(self, event: Durable) -> None:
        """Updates typing and calls with an event of the log."""
        if type(event) is MessageSent:
            self._typing.sent(event)
        else:
            self._typing.follow(event)
            self._calls.follow(event)
            if isinstance(event, UserErased):
                self.presence.forget(event.user.id)

    def receive(self, events: Sequence[UnstoredEvent]) -> Sequence[UnstoredEvent]:
        """Handles ephemeral events of another node. Returns those that listeners on this node have to receive."""
        return [event for event in events if self._receive(event)]

    def _receive(self, event: UnstoredEvent) -> bool:
        match event:
            case TypingChanged():
                self._typing.receive(event)
            case PresenceChanged():
                self.presence.receive(event)
            case PresenceChosen():
                self.presence.chosen_elsewhere(event)
                return False
            case UsersMoved():
                self.presence.moved_elsewhere(event)
                return False
            case RoomEntered() | RoomLeft():
                return self._occupants.receive(event)
            case CallEnded():
                self._calls.ended_elsewhere(event.conversation_id)
        return True

    def _users_moved(self, event: UsersMoved) -> None:
        """Handles recorded connects and disconnects of users, on this node or on another one."""
        left = self._occupants.remove_users((*event.left, *event.gone), event.node_id)
        if left:
            self._publisher.publish_here(left)
        for user_id in event.first:
            self._calls.user_connected(user_id)
        for user_id in event.gone:
            self._calls.user_disconnected(user_id)

    def close(self) -> None:
        self._typing.close()
        self._calls.close()
        self.presence.close()

    # --- the lease --------------------------------------------------------------------------------------------------

    @property
    def has_user_changes(self) -> bool:
        return self.presence.has_user_changes

    def take_user_changes(self) -> tuple[tuple[str, ...], tuple[UserLeft, ...], tuple[str, ...]]:
        return self.presence.take_user_changes()

    def not_recorded(self, lease: RenewLease) -> None:
        self.presence.not_recorded(lease)

    def recorded(self, lease: RenewLease, report: LeaseReport) -> None:
        if not report.known:
            self._calls.drop_all()
        self.presence.recorded(lease, report)
        self._calls.announce_ended(report.ended_calls)
        if self._shared:
            self._remove_missing({self._node_id, *(peer.node_id for peer in report.peers)})

    def _remove_missing(self, living: set[str]) -> None:
        """Removes the room occupants of nodes that have been missing for long: the announcement of their end may be
        lost.

        A living node may be missing for a while too, as all nodes are after an outage of the database.
        """
        missing = self._occupants.node_ids - living
        self._missing = {node_id: self._missing.get(node_id, 0) + 1 for node_id in missing}
        for node_id, times in self._missing.items():
            if times > MISSING_MAX:
                self._occupants.remove_node(node_id)
