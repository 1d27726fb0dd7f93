"""What is asked and said about who is there."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.calls import CallRecord
from talkwire.core.commands.command import Change, NodeCommand, Page, Query, Signal, SocketSignal
from talkwire.core.domain.model import ChosenStatus, Presence, PresenceRecord
from talkwire.core.domain.peer import Peer


class SetPresence(SocketSignal[None], frozen=True, tag="SetPresence"):
    """The actor's status, as the device `source` says it; without a source it holds for all devices. A `text` that is
    not given stays as it was; None or an empty one takes it away."""

    status: ChosenStatus
    text: str | msgspec.UnsetType | None = msgspec.UNSET


# These are no queries: presence is asked of this server, and only then of the database.


class GetPresence(Signal[tuple[Presence, ...]], frozen=True, tag="GetPresence"):
    """Those of `user_ids` whose presence the actor may see, in the order in which they were named."""

    user_ids: tuple[str, ...]


class GetPresenceOf(Signal[Presence], frozen=True, tag="GetPresenceOf"):
    """One user's presence; `forbidden` when the actor may not see it."""

    user_id: str


class ListOnline(Signal[Page[Presence]], frozen=True, tag="ListOnline"):
    """Who is online, in the order of their ids; for the application's backend and operators."""

    cursor: str | None = None
    limit: int = 100


# --- what a node stores of it ---------------------------------------------------------------------------------------


class StorePresence(Change[PresenceRecord], frozen=True, tag="StorePresence"):
    """Keeps what the actor chose, for later connections and lives of the server. `hidden_ms`: since when they have
    been invisible, which is when others saw them last."""

    status: ChosenStatus
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    hidden_ms: int | None = None


class UserLeft(msgspec.Struct, frozen=True):
    """The last device of a user has gone; `last_seen_ms` is None when others did not see them. It is noted twice: at
    once, since nobody is told anything from then on, and when the grace is over, if none has come back. At first
    `returned` says whether one is back already, then it is None."""

    user_id: str
    last_seen_ms: int | None
    returned: bool | None = None


class PresenceTransition(msgspec.Struct, frozen=True):
    """A user who came to a node, left it or is in use or not there otherwise than before. `before` and `after` say
    whether all of their devices there are away; None: they are not there. `others` says the same of the other nodes
    where they are. `record` is what is stored of them."""

    record: PresenceRecord
    before: bool | None
    after: bool | None
    others: tuple[tuple[str, bool], ...] = ()


class LeaseReport(msgspec.Struct, frozen=True):
    """`known`: the node had a lease before; if not, others may have taken its users for gone. `peers` are the other
    nodes that live. `sightings` are those who came and left, for a node that is not alone: of all nodes that record
    something of a user, each is told what others have recorded before. `ended_calls` are those of nodes that are no
    more. `left_behind`: there are users of such nodes, which somebody has to forget (`ForgetUsers`)."""

    known: bool
    peers: tuple[Peer, ...] = ()
    sightings: tuple[PresenceTransition, ...] = ()
    ended_calls: tuple[CallRecord, ...] = ()
    left_behind: bool = False


class RenewLease(NodeCommand[LeaseReport], frozen=True, tag="RenewLease"):
    """A node says that it is alive for `lease_ms` more, and who came to it and who left since it said so last. Those of
    who came (or of who were there) whose devices are all away are in `away`.

    Other nodes whose lease has ended are taken for dead; when this node is `alone`, as on SQLite, all others are.
    `address`: where other nodes reach it. `folder_ids`: the folders of files that it has. `pos`: up to where it has
    handed the log out; who came was there by then.
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
    """A node stops in good order. Who is still recorded there is offline by now, or `grace_ms` later, when they can
    come back to other nodes."""

    node_id: str
    grace_ms: int = 0


class RemovedUsers(msgspec.Struct, frozen=True):
    """Users of a node that is no more, as they are without it. `more`: there are others. `node_id` None: there was
    nobody."""

    node_id: str | None
    sightings: tuple[PresenceTransition, ...] = ()
    more: bool = False


class ForgetUsers(NodeCommand[RemovedUsers], frozen=True, tag="ForgetUsers"):
    """Forgets at most `limit` of the users whom a dead node has left behind. Of several nodes that do it, each is
    answered other users."""

    limit: int


class VisiblePresence(msgspec.Struct, frozen=True):
    """A user whose presence somebody may see: what is stored, whether they are online on another node, and whether all
    of their devices there are away."""

    record: PresenceRecord
    elsewhere: bool = False
    away: bool = False


class FindVisiblePresence(Query[tuple[VisiblePresence, ...]], frozen=True, tag="FindAcquaintances"):
    """Those of `user_ids` whose presence the actor may see: who share a conversation, without a block between them."""

    user_ids: tuple[str, ...]
    node_id: str


class FindContacts(Query[tuple[VisiblePresence, ...]], frozen=True, tag="FindContacts"):
    """The actor's contacts: who share a direct conversation or a group of at most `members_max`."""

    members_max: int
    node_id: str


class FindOnlineElsewhere(Query[tuple[VisiblePresence, ...]], frozen=True, tag="FindOnlineElsewhere"):
    """Users who are online on other nodes, in the order of their ids."""

    node_id: str
    after: str | None
    limit: int


class FindConnectedElsewhere(Query[tuple[str, ...]], frozen=True, tag="FindConnectedElsewhere"):
    """Those of `user_ids` who are on other nodes that live."""

    user_ids: tuple[str, ...]
    node_id: str


class ListConnectedElsewhere(Query[tuple[str, ...]], frozen=True, tag="ListConnectedElsewhere"):
    """Users who are on other nodes that live, in the order of their ids."""

    node_id: str
    after: str | None
    limit: int
