"""Commands about presence: who is online, and with which status."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from talkwire.core.commands.calls import CallRecord
from talkwire.core.commands.command import Change, NodeCommand, Page, Query, Signal, SocketSignal
from talkwire.core.domain.model import NO_ENDS, ChosenStatus, Presence, PresenceEnds, PresenceRecord
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.domain.nodes.user_moves import Choice

NO_MOVES: Mapping[str, Any] = MappingProxyType({})


class SetPresence(SocketSignal[None], frozen=True, tag="SetPresence"):
    """Sets the actor's status on the device whose socket is `source`, or on all devices if it is None. `ends` says when
    the status `dnd` and the given text end.

    If `text` is not set, the status text stays the same, with its end; None or an empty text removes it.
    """

    status: ChosenStatus
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    ends: PresenceEnds = NO_ENDS


# Not queries, because presence is held in memory; the database is only asked for users of other nodes.


class GetPresence(Signal[tuple[Presence, ...]], frozen=True, tag="GetPresence"):
    """Returns the presence of those of `user_ids` that the actor may see, in the same order. Other users are left out.
    Raises `invalid_request` for more than `ASKED_MAX` ids."""

    user_ids: tuple[str, ...]


class GetPresenceOf(Signal[Presence], frozen=True, tag="GetPresenceOf"):
    """Returns one user's presence. Raises `forbidden` if the actor may not see it."""

    user_id: str


class ListOnline(Signal[Page[Presence]], frozen=True, tag="ListOnline"):
    """Lists the online users in the order of their ids. Only for the application's backend and operators."""

    cursor: str | None = None
    limit: int = 100


# --- the stored part of presence --------------------------------------------------------------------------------------


class StorePresence(Change[PresenceRecord], frozen=True, tag="StorePresence"):
    """Stores the status that the actor has chosen, for later connections and after restarts, and returns the stored
    record.

    `hidden_ms` is the time since when the actor has been invisible, which is when others last saw them; None if the
    actor is not. `ends` says when the status `dnd` and the given text end. A text that is not set stays the same.
    """

    status: ChosenStatus
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    hidden_ms: int | None = None
    ends: PresenceEnds = NO_ENDS


class UserMoves(msgspec.Struct, frozen=True):
    """What changed in a node's list of connected users since it was last recorded. A user counts as connected until the
    grace period after their last socket has ended.

    `arrived`: users who connected, or became away or active; `away`: those of them whose devices on the node are all
    away. `departed` maps users who are not connected any more to the time when others last saw them, in milliseconds
    since 1970; None if others could not see them. `chosen`: users who have chosen a status or a text.

    `interrupted`: users who had no socket on the node for a while. The node delivered nothing to them meanwhile, so
    the offline queue has to know it. It maps them to whether they have a socket again.

    `version` is the number of changes until now: a node counts the changes of its list.
    """

    version: int = 0
    arrived: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    departed: Mapping[str, int | None] = NO_MOVES
    chosen: Mapping[str, Choice] = NO_MOVES
    interrupted: Mapping[str, bool] = NO_MOVES

    @property
    def places(self) -> Mapping[str, bool | None]:
        """Returns the users in `arrived`, `departed` and `chosen`: user id -> whether the user is away on the node,
        None for a user who is not connected to the node."""
        away = set(self.away)
        elsewhere = dict.fromkeys((*self.departed, *self.chosen))
        return elsewhere | {user_id: user_id in away for user_id in self.arrived}


class LeaseReport(msgspec.Struct, frozen=True):
    """The result of renewing a node's lease, the record that it is alive.

    `known`: the node had a lease before; otherwise other nodes may have removed its users. `peers`: the other living
    nodes. `records`: the stored presence of the users in the renewal's `moves`. `versions`: the newest recorded version
    of the list of connected users of each other node whose users count as online; None for a node of an older version
    of Talkwire, which does not count its changes. `ended_calls`: the calls of dead nodes, whose end has to be
    published. `left_behind`: users of dead nodes are still recorded, and have to be removed (`ForgetUsers`).

    With `RenewLease.alone`, only `known` is set.
    """

    known: bool
    peers: tuple[Peer, ...] = ()
    records: Mapping[str, PresenceRecord] = MappingProxyType({})
    versions: Mapping[str, int | None] = MappingProxyType({})
    ended_calls: tuple[CallRecord, ...] = ()
    left_behind: bool = False


class RenewLease(NodeCommand[LeaseReport], frozen=True, tag="RenewLease"):
    """Renews a node's lease (the record that it is alive) for `lease_ms`, and records the changes of its list of
    connected users.

    Other nodes whose leases have ended are declared dead, once this node's own lease has lasted for some seconds; with
    `alone`, as on SQLite, all other nodes are. `address` is where other nodes can reach this node, `folder_ids` are its
    file folders, `host` is the name of its machine. `pos` is the position in the log of events up to which the node has
    delivered events, also to the users who have arrived. `needs_signals`: the node needs the signals of all
    conversations, not only of those of its users.
    """

    node_id: str
    lease_ms: int
    moves: UserMoves = UserMoves()
    alone: bool = False
    address: str | None = None
    folder_ids: tuple[str, ...] = ()
    pos: int = 0
    host: str | None = None
    needs_signals: bool = False


class EndLease(NodeCommand[None], frozen=True, tag="EndLease"):
    """Ends the lease (the record that a node is alive) of a node that shuts down.

    The users recorded as connected to the node become offline now, or `grace_ms` milliseconds later so that they can
    reconnect to other nodes meanwhile.
    """

    node_id: str
    grace_ms: int = 0


class ForgetUsers(NodeCommand[bool], frozen=True, tag="ForgetUsers"):
    """Removes at most `limit` users whom a dead node has left recorded as connected. Returns whether there are more, of
    this or another dead node.

    Several nodes may do this at once.
    """

    limit: int


class ConnectedUsers(msgspec.Struct, frozen=True):
    """A node's recorded list of connected users: user id -> (whether the user is away there, the version of the list
    with which that was recorded). `version` is that of the whole list; None for a node of an older version of
    Talkwire."""

    version: int | None
    users: Mapping[str, tuple[bool, int]]


class ListUsersOfNode(Query[ConnectedUsers | None], frozen=True, tag="ListUsersOfNode"):
    """Returns the recorded list of users who are connected to the node `node_id`; None if the node has ended."""

    node_id: str


class FindVisiblePresence(Query[tuple[PresenceRecord, ...]], frozen=True, tag="FindAcquaintances"):
    """Returns the stored presence of those of `user_ids` whom the actor may see, each once: the actor, and users who
    share a conversation with the actor if neither has blocked the other. The backend and operators may see all
    users."""

    user_ids: tuple[str, ...]


class FindContacts(Query[tuple[PresenceRecord, ...]], frozen=True, tag="FindContacts"):
    """Returns the stored presence of the actor, followed by that of the actor's contacts in the order of their ids, at
    most `CONTACTS_LISTED_MAX` of them. Contacts share a direct conversation or a group of at most `members_max`
    members."""

    members_max: int


class FindConnectedElsewhere(Query[Mapping[str, bool]], frozen=True, tag="FindConnectedElsewhere"):
    """Returns which of `user_ids` are recorded as connected to living nodes other than `node_id`: user id -> whether
    the user is away on all of them."""

    user_ids: tuple[str, ...]
    node_id: str


class FoundPlace(NamedTuple):
    """A node that a user is recorded as connected to. `version` is that of the node's list when this was recorded.
    `circle_ids` are the conversations by which it was found, `blocked_ids` the users whom the user has blocked."""

    node_id: str
    user_id: str
    away: bool
    version: int
    circle_ids: tuple[str, ...] = ()
    blocked_ids: tuple[str, ...] = ()


class FoundPlaces(NamedTuple):
    """The nodes that users are recorded as connected to. `are_all` is False if the users have so many contacts that the
    places of some were not looked up."""

    places: tuple[FoundPlace, ...]
    are_all: bool = True


class FindPlaces(Query[FoundPlaces], frozen=True, tag="FindPlaces"):
    """Returns to which nodes other than `node_id` users are recorded as connected: the users `user_ids`, and the
    contacts of `contacts_of`, who share a direct conversation or a group of at most `members_max` members with one of
    them."""

    node_id: str
    user_ids: tuple[str, ...]
    contacts_of: tuple[str, ...]
    members_max: int


class ListConnectedElsewhere(Query[tuple[str, ...]], frozen=True, tag="ListConnectedElsewhere"):
    """Lists the ids of at most `limit` users who are connected to living nodes other than `node_id`, in ascending
    order, after the id `after` (None: from the first)."""

    node_id: str
    after: str | None
    limit: int
