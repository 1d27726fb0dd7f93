"""Combines the parts that handle ephemeral features for this node's sockets: typing, presence, calls, room occupants
(users who have a conversation open), custom events, custom signals and streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.presence import LeaseReport, RenewLease, UserMoves
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.domain.events import (
    CallEnded,
    CallEvent,
    Durable,
    MessageSent,
    RoomEntered,
    RoomLeft,
    RoomNews,
    SignalSent,
    StreamAdvanced,
    StreamsOpen,
    StreamsRead,
    StreamStopped,
    TurnWorking,
    TypingChanged,
    UnstoredEvent,
    UserErased,
    UsersMoved,
    UsersMovedCompactly,
)
from talkwire.core.ports.bus import Receivers
from talkwire.core.ports.chat import Publisher, SignalHandlers
from talkwire.core.signals.agents.turn_claims import TurnClaims
from talkwire.core.signals.call_exchange import CallExchange
from talkwire.core.signals.call_recorder import CallRecorder
from talkwire.core.signals.call_state import RING_S
from talkwire.core.signals.custom_events import CustomEvents
from talkwire.core.signals.custom_signals import CustomSignals
from talkwire.core.signals.presence_exchange import NodeMove
from talkwire.core.signals.presence_state import GRACE_S
from talkwire.core.signals.presence_tracker import PresenceTracker
from talkwire.core.signals.room_occupants import RoomOccupants, at_node
from talkwire.core.signals.streams.homes import StreamHomes
from talkwire.core.signals.sync_state import SyncStates
from talkwire.core.signals.typing_signals import TypingSignals

OF_A_CONVERSATION = TypingChanged, TurnWorking, SignalSent, RoomEntered
"""Kinds of signals that are sent only to the nodes to which members of the conversation are connected now. `RoomLeft`
is not among them: nodes that know of `RoomEntered` need it, also without connected members."""

MISSING_MAX = 12
"""Most renewals of this node's lease from which another node may be missing. After more, its room occupants are
dropped."""


@dataclass(frozen=True, slots=True)
class SignalOptions:
    """Settings for presence and calls.

    `contacts_max`: up to this many members, a group's members are contacts and can call each other. `grace_s`: seconds
    without a socket after which a user counts as offline. `ring_s`: seconds for which a call rings.
    """

    contacts_max: int = CONTACTS_MAX
    grace_s: float = GRACE_S
    ring_s: float = RING_S


class Signals:
    """The entry point to a node's ephemeral features: typing, presence, calls, room occupants, custom events, custom
    signals and streams. Passes sockets' connects and disconnects, the log's events and other nodes' ephemeral events on
    to these features. `handlers` maps the types of their commands and queries to handlers.

    It also gives the node's lease the connects and disconnects of users to record; implements `lease.Users`.
    """

    def __init__(self, chat: ChatAccess, publisher: Publisher, peers: Peers, options: SignalOptions) -> None:
        self._chat = chat
        self._publisher = publisher
        self._peers = peers
        self._node_id = peers.node_id
        self._shared = False
        self._missing: dict[str, int] = {}
        self._typing = TypingSignals(chat, publisher)
        recorder = CallRecorder(chat, publisher.publish)
        self._calls = CallExchange(
            chat, recorder.publish, peers, members_max=options.contacts_max, ring_s=options.ring_s
        )
        self._occupants = RoomOccupants(
            lambda conversation_id: chat.directory.memberships.get(conversation_id) is not None
        )
        self.presence = PresenceTracker(
            chat, publisher, peers, contacts_max=options.contacts_max, grace_s=options.grace_s
        )
        self.presence.on_arrival = self._calls.user_connected
        self.presence.on_departure = self._calls.user_disconnected
        self.presence.exchange.on_move = self._moved_elsewhere
        self.presence.exchange.users_seen_on = self._occupants.users_on
        self.presence.exchange.places.is_called = self._calls.concerns
        self._calls.on_called = partial(self.presence.exchange.places.look_up, contacts=False)
        self.streams = StreamHomes(chat, publisher, peers)
        self.turns = TurnClaims(chat, publisher, self.presence)
        self.grace_s = options.grace_s
        self.handlers: SignalHandlers = MappingProxyType(
            {
                **self._typing.handlers,
                **self._calls.handlers,
                **self.presence.handlers,
                **SyncStates(chat, self.presence, options.contacts_max).handlers,
                **CustomEvents(chat, publisher, peers).handlers,
                **CustomSignals(chat, publisher).handlers,
                **self.streams.handlers,
                **self.turns.handlers,
            }
        )

    def enable_peers(self) -> None:
        """Prepares presence and calls for users on other nodes. Called once if the server can have several nodes."""
        self._shared = True
        self.presence.enable_peers()
        self._calls.enable_peers()

    # --- sockets ----------------------------------------------------------------------------------------------------

    def connected(self, user_id: str, socket_id: str) -> None:
        """Adds a new socket of a user to presence, and sends it the invitations of calls that ring for the user. The
        directory (the cache of connected users) must already hold the user."""
        self.presence.connected(user_id, socket_id)
        invitations = self._calls.invitations_for(user_id, socket_id)
        if invitations:
            self._publisher.publish_here(invitations)

    def disconnected(self, user_id: str, socket_id: str) -> None:
        """Ends the typing that started from a closed socket, and removes the socket from presence. A user who has no
        other socket on any node stays in calls for `presence_grace_s`, to take them up again."""
        self._typing.socket_closed(socket_id)
        self.turns.socket_closed(socket_id)
        self.presence.disconnected(user_id, socket_id)

    def publish_room_change(self, event: RoomNews) -> None:
        """Publishes that a user's first socket on this node has entered a room (opened a conversation), or that the
        last one has left it. Notifies the other nodes, and this node's sockets if the user has no socket in the room on
        another node."""
        if not self._shared:
            self._publisher.publish([event])
            return
        here = at_node(event, self._node_id)
        self._publisher.publish_to_peers([here])
        if self._occupants.receive(here):
            self._publisher.publish_here([event])

    # --- events -------------------------------------------------------------------------------------------------------

    def follow(self, event: Durable) -> None:
        """Updates typing, calls and presence after an event of the log (the ordered record of events), for example a
        sent message or a removed member."""
        if type(event) is MessageSent:
            self._typing.sent(event)
        else:
            self._typing.follow(event)
            self._calls.follow(event)
            self.streams.follow(event)
            self.turns.follow(event)
            self.presence.follow(event)
            if isinstance(event, UserErased):
                self.presence.forget(event.user.id)

    def receive(self, events: Sequence[UnstoredEvent]) -> Sequence[UnstoredEvent]:
        """Applies ephemeral events of another node to typing, presence, calls and room occupants. Returns those events
        that must be sent on to this node's sockets."""
        return [seen for event in events if (seen := self._receive(event)) is not None]

    def by_receivers(self, events: Sequence[UnstoredEvent]) -> Mapping[Receivers, Sequence[UnstoredEvent]]:
        """Returns ephemeral events by the other nodes that need them, without those that no node needs."""
        found: dict[Receivers, list[UnstoredEvent]] = {}
        for event in events:
            found.setdefault(self._receivers(event), []).append(event)
        found.pop((), None)
        return found

    def _receivers(self, event: UnstoredEvent) -> Receivers:
        """Returns the other nodes that need an event: all of them, unless it is a signal of a user of this node to the
        members of a conversation, and it is known where these are connected."""
        if isinstance(event, OF_A_CONVERSATION) and self._peers.address_signals:
            return self.presence.exchange.places.nodes_of(event.conversation_id, event.user_id)
        return None

    def _receive(self, event: UnstoredEvent) -> UnstoredEvent | None:
        match event:
            case StreamAdvanced() | StreamsOpen() | StreamsRead():
                return self.streams.receive(event)
            case StreamStopped():
                self.streams.receive_stop(event)
            case TypingChanged():
                self._typing.receive(event)
            case UsersMoved() | UsersMovedCompactly():
                self.presence.exchange.receive(event)
                return None
            case RoomEntered() | RoomLeft():
                return event if self._occupants.receive(event) else None
            case CallEnded():
                self._calls.hear(event)
                self._calls.ended_elsewhere(event.conversation_id)
            case CallEvent():
                self._calls.hear(event)
        return event

    def _moved_elsewhere(self, move: NodeMove) -> None:
        """Updates room occupants and calls after a user has connected to another node or disconnected from it."""
        if move.left:
            left = self._occupants.remove_users((move.user_id,), move.node_id)
            if left:
                self._publisher.publish_here(left)
        if move.came:
            self._calls.user_connected(move.user_id)
        elif move.gone:
            self._calls.user_disconnected(move.user_id)

    def close(self) -> None:
        self._typing.close()
        self._calls.close()
        self.streams.close()
        self.turns.close()
        self.presence.close()

    # --- the lease --------------------------------------------------------------------------------------------------

    @property
    def has_user_changes(self) -> bool:
        return self.presence.has_user_changes

    def take_user_changes(self) -> UserMoves:
        return self.presence.take_user_changes()

    def not_recorded(self, lease: RenewLease) -> None:
        self.presence.not_recorded(lease)

    def recorded(self, lease: RenewLease, report: LeaseReport) -> None:
        if not report.known:
            self._calls.drop_all()
            self.streams.give_up_all()
        self.presence.recorded(lease, report)
        self._calls.announce_ended(report.ended_calls)
        if self._shared:
            self._remove_missing({self._node_id, *(peer.node_id for peer in report.peers)})

    def _remove_missing(self, living: set[str]) -> None:
        """Removes the room occupants of nodes that were absent from more than `MISSING_MAX` lease renewals, because the
        announcement of their end may be lost.

        One absence is not enough: after an outage of the database, all living nodes are absent for a while.
        """
        missing = self._occupants.node_ids - living
        self._missing = {node_id: self._missing.get(node_id, 0) + 1 for node_id in missing}
        for node_id, times in self._missing.items():
            if times > MISSING_MAX:
                self._occupants.remove_node(node_id)
