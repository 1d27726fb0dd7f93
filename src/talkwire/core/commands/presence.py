"""What is asked and said about who is there (contract, section 4: `presence:*`)."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query, Signal, SocketSignal
from talkwire.core.model import ChosenStatus, Presence, PresenceRecord


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


class Departure(msgspec.Struct, frozen=True):
    """The last device of a user has gone; `last_seen_ms` is None when others did not see them."""

    user_id: str
    last_seen_ms: int | None


class LeaseReport(msgspec.Struct, frozen=True):
    """`known`: the node had a lease before; if not, others may have taken its users for gone. `ended` are users of
    other nodes whose lease has ended: they are offline since then."""

    known: bool
    ended: tuple[PresenceRecord, ...]


class RenewLease(Change[LeaseReport], frozen=True, tag="RenewLease"):
    """A node says that it is alive for `lease_ms` more, and who came to it and who left since it said so last.

    Other nodes whose lease has ended are cleaned up after; or all others when this node is `alone`, as on SQLite.
    """

    node_id: str
    lease_ms: int
    arrived: tuple[str, ...] = ()
    departed: tuple[Departure, ...] = ()
    alone: bool = False


class EndLease(Change[None], frozen=True, tag="EndLease"):
    """A node stops in good order: who is still recorded there is offline by now."""

    node_id: str


class Acquaintance(msgspec.Struct, frozen=True):
    """A user whose presence somebody may see: what is stored, and whether they are online on another node."""

    record: PresenceRecord
    elsewhere: bool = False


class FindAcquaintances(Query[tuple[Acquaintance, ...]], frozen=True, tag="FindAcquaintances"):
    """Those of `user_ids` whose presence the actor may see: who share a conversation, without a block between them."""

    user_ids: tuple[str, ...]
    node_id: str


class FindContacts(Query[tuple[Acquaintance, ...]], frozen=True, tag="FindContacts"):
    """The actor's contacts: who share a direct conversation or a group of at most `members_max`."""

    members_max: int
    node_id: str


class FindOnlineElsewhere(Query[tuple[Acquaintance, ...]], frozen=True, tag="FindOnlineElsewhere"):
    """Users who are online on other nodes, in the order of their ids."""

    node_id: str
    after: str | None
    limit: int
