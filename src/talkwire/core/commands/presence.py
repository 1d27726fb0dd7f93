"""Commands about presence: who is online, and with which status."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.calls import CallRecord
from talkwire.core.commands.command import Change, NodeCommand, Page, Query, Signal, SocketSignal
from talkwire.core.domain.model import NO_ENDS, ChosenStatus, Presence, PresenceEnds, PresenceRecord
from talkwire.core.domain.peer import Peer


class SetPresence(SocketSignal[None], frozen=True, tag="SetPresence"):
    """Sets the actor's status on the device whose socket is `source`, or on all devices if it is None.

    If `text` is not set, the status text stays the same, with its end; None or an empty text removes it. `ends` says
    when the status `dnd` and the given text end.
    """

    status: ChosenStatus
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    ends: PresenceEnds = NO_ENDS


# Not queries, because presence is held in memory; the database is only asked for users of other nodes.


class GetPresence(Signal[tuple[Presence, ...]], frozen=True, tag="GetPresence"):
    """Returns the presence of the users in `user_ids` that the actor may see, in the same order."""

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
    """Stores the status that the actor has chosen, for later connections and after restarts.

    `hidden_ms` is the time since when the actor has been invisible, which is when others last saw them; None if the
    actor is not. `ends` says when the status `dnd` and the given text end.
    """

    status: ChosenStatus
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    hidden_ms: int | None = None
    ends: PresenceEnds = NO_ENDS


class UserLeft(msgspec.Struct, frozen=True):
    """A node's report that a user's last socket on the node closed. `last_seen_ms` is None if others could not see the
    user.

    Each departure is reported twice: at once, because the node delivers nothing to the user from then on, and after the
    grace period if the user has not reconnected. `returned` says in the first report whether the user has already
    reconnected; it is None in the second.
    """

    user_id: str
    last_seen_ms: int | None
    returned: bool | None = None


class PresenceTransition(msgspec.Struct, frozen=True):
    """A change of a user's presence on one node: the user connected, disconnected, became active or away.

    `before` and `after` say whether all of the user's devices on the node are away, before and after the change; None
    if the user is not connected to the node. `others` lists the same for each other node with the user, as (node id,
    away). `record` is the stored presence.
    """

    record: PresenceRecord
    before: bool | None
    after: bool | None
    others: tuple[tuple[str, bool], ...] = ()


class LeaseReport(msgspec.Struct, frozen=True):
    """The result of renewing a lease, the record that a node is alive.

    `known`: the node had a lease before; otherwise other nodes may have removed its users. `peers`: the other living
    nodes. `transitions`: the changes of presence of users who connected and disconnected, unless the node is alone;
    each shows what other nodes have recorded before. `ended_calls`: the calls of dead nodes. `left_behind`: users of
    dead nodes are still recorded, and have to be removed (`ForgetUsers`).
    """

    known: bool
    peers: tuple[Peer, ...] = ()
    transitions: tuple[PresenceTransition, ...] = ()
    ended_calls: tuple[CallRecord, ...] = ()
    left_behind: bool = False


class RenewLease(NodeCommand[LeaseReport], frozen=True, tag="RenewLease"):
    """Renews a node's lease (the record that it is alive) for `lease_ms`, and records which users have connected
    (`arrived`) and disconnected (`departed`) since the last renewal.

    `away` are the users, newly or already connected, whose devices are all away.

    Other nodes whose lease has ended are declared dead; with `alone`, as on SQLite, all other nodes are. `address` is
    where other nodes can reach this node, `folder_ids` are its file folders. `pos` is the position in the log of events
    up to which the node has delivered events, also to the users in `arrived`.
    """

    node_id: str
    lease_ms: int
    arrived: tuple[str, ...] = ()
    departed: tuple[UserLeft, ...] = ()
    away: tuple[str, ...] = ()
    alone: bool = False
    address: str | None = None
    folder_ids: tuple[str, ...] = ()
    pos: int = 0


class EndLease(NodeCommand[None], frozen=True, tag="EndLease"):
    """Ends the lease (the record that a node is alive) of a node that shuts down.

    The users recorded as connected to the node become offline now, or after `grace_ms` if they can reconnect to other
    nodes.
    """

    node_id: str
    grace_ms: int = 0


class RemovedUsers(msgspec.Struct, frozen=True):
    """One page of the users whose connections to a dead node were removed from the records.

    `transitions` are the resulting changes of their presence, and `more` says whether there are further users.
    `node_id` is the dead node, None when there was none left.
    """

    node_id: str | None
    transitions: tuple[PresenceTransition, ...] = ()
    more: bool = False


class ForgetUsers(NodeCommand[RemovedUsers], frozen=True, tag="ForgetUsers"):
    """Removes the records of at most `limit` users that dead nodes have left as connected, and returns these users.

    Several nodes may do this at once; each receives different users.
    """

    limit: int


class VisiblePresence(msgspec.Struct, frozen=True):
    """The presence of a user whom the actor may see.

    `record` is the stored status, `elsewhere` whether the user is online on another node, `away` whether all devices on
    other nodes are away.
    """

    record: PresenceRecord
    elsewhere: bool = False
    away: bool = False


class FindVisiblePresence(Query[tuple[VisiblePresence, ...]], frozen=True, tag="FindAcquaintances"):
    """Returns the presence of those of `user_ids` whom the actor may see: users who share a conversation with the
    actor, and neither has blocked the other. `node_id` is the asking node."""

    user_ids: tuple[str, ...]
    node_id: str


class FindContacts(Query[tuple[VisiblePresence, ...]], frozen=True, tag="FindContacts"):
    """Returns the presence of the actor's contacts: users who share a direct conversation or a group of at most
    `members_max` members. `node_id` is the asking node."""

    members_max: int
    node_id: str


class FindOnlineElsewhere(Query[tuple[VisiblePresence, ...]], frozen=True, tag="FindOnlineElsewhere"):
    """Lists the presence of users who are online on nodes other than `node_id`, in the order of their ids."""

    node_id: str
    after: str | None
    limit: int


class FindConnectedElsewhere(Query[tuple[str, ...]], frozen=True, tag="FindConnectedElsewhere"):
    """Returns which of `user_ids` are connected to living nodes other than `node_id`."""

    user_ids: tuple[str, ...]
    node_id: str


class ListConnectedElsewhere(Query[tuple[str, ...]], frozen=True, tag="ListConnectedElsewhere"):
    """Lists the ids of the users who are connected to living nodes other than `node_id`, in order."""

    node_id: str
    after: str | None
    limit: int
