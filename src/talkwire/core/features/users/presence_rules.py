"""Rules for which users may see whose presence, and the stored part of presence: nodes' leases, the online users of
each node, and statuses that users have chosen.

Presence changes are not recorded in the log. A killed node cannot report that its users disconnected; instead its lease
ends, and its users count as offline from then on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import msgspec

from talkwire.core.commands.calls import CallRecord
from talkwire.core.commands.presence import (
    EndLease,
    FindConnectedElsewhere,
    FindContacts,
    FindOnlineElsewhere,
    FindVisiblePresence,
    ForgetUsers,
    LeaseReport,
    ListConnectedElsewhere,
    PresenceTransition,
    RemovedUsers,
    RenewLease,
    SetPresence,
    StorePresence,
    VisiblePresence,
)
from talkwire.core.domain.access import may_act, must_be_backend, require
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.model import Actor, PresenceEnds, PresenceRecord
from talkwire.core.domain.peer import Peer
from talkwire.core.domain.texts import check_id, check_text
from talkwire.core.ports.handler import ChangeHandler, Changes, NodeCommandHandlers, Queries
from talkwire.core.ports.stores import LeaseRecord
from talkwire.core.ports.transaction import LeaseTransaction, Snapshot, Transaction

ASKED_MAX = 1000
"""Maximum number of users in one query or in one socket's subscription."""

SETTLED_MS = 10_000
"""How long a node's own lease must have lasted before the node expires other nodes, in milliseconds.

After an outage of the database all leases are overdue; this gives each node time to renew its own.
"""

CONTACTS_LISTED_MAX = 2000
TEXT_MAX_LENGTH = 200


def check_status(command: SetPresence, now_ms: int) -> None:
    """Raises `invalid_request` for a status text that is invalid or too long, and for an end of nothing or in the
    past."""
    if isinstance(command.text, str):
        check_text("text", command.text)
        if len(command.text) > TEXT_MAX_LENGTH:
            raise invalid("text", f"must have at most {TEXT_MAX_LENGTH} characters")
    status_ms, text_ms = command.ends
    if status_ms is not None and command.status != "dnd":
        raise invalid("statusUntil", "is allowed only with the status dnd")
    if text_ms is not None and (command.text is msgspec.UNSET or not command.text):
        raise invalid("textUntil", "is allowed only with a text")
    for path, until_ms in (("statusUntil", status_ms), ("textUntil", text_ms)):
        if until_ms is not None and until_ms <= now_ms:
            raise invalid(path, "must be in the future")


def check_user_ids(user_ids: tuple[str, ...]) -> None:
    """Raises `invalid_request` for an invalid id, and for more than `ASKED_MAX` ids."""
    if len(user_ids) > ASKED_MAX:
        raise invalid("userIds", f"must name at most {ASKED_MAX} users")
    for index, user_id in enumerate(user_ids):
        check_id(f"userIds[{index}]", user_id)


def store_presence(tx: Transaction, actor: Actor, command: StorePresence) -> PresenceRecord:
    user = tx.user(actor.user_id)
    require(forbidden() if user is None else may_act(user))
    before = tx.presence.records((actor.user_id,)).get(actor.user_id) or PresenceRecord(actor.user_id)
    text, ends = text_and_ends(before, command.text, command.ends)
    tx.presence.put_record(PresenceRecord(actor.user_id, command.status, text, command.hidden_ms, *ends))
    last_seen_ms = before.last_seen_ms if command.hidden_ms is None else command.hidden_ms
    return PresenceRecord(actor.user_id, command.status, text, last_seen_ms, *ends)


def text_and_ends(
    before: PresenceRecord, text: str | msgspec.UnsetType | None, ends: PresenceEnds
) -> tuple[str | None, PresenceEnds]:
    """Returns the status text after a user has chosen a status, and the ends of both. A text that is not set stays,
    with its end."""
    if text is msgspec.UNSET:
        return before.text, PresenceEnds(ends.status_ms, before.text_until_ms)
    return text or None, ends


def renew_lease(tx: LeaseTransaction, actor: Actor, command: RenewLease) -> LeaseReport:
    """Renews a node's lease (its record that it is alive), records which users connected to it and disconnected, and
    removes other nodes whose leases have ended. Returns what the node has to know about other nodes."""
    before = tx.nodes.lease(command.node_id)
    unbroken = before is not None and before.until_ms > tx.now_ms
    # A clock that was set back must not make the node wait for SETTLED_MS plus the difference.
    since_ms = min(before.since_ms, tx.now_ms) if before is not None and unbroken else tx.now_ms
    lease = LeaseRecord(tx.now_ms + command.lease_ms, since_ms, command.pos, tx.now_ms)
    tx.nodes.put_lease(Peer(command.node_id, command.address, command.folder_ids), lease)
    transitions = _record_transitions(tx, command)
    _record_interruptions(tx, command)
    if command.alone:
        # This node has just started, so none of its users has to be notified.
        for node_id in tx.nodes.overdue(command.node_id, None):
            _forget_node(tx, node_id)
        return LeaseReport(before is not None)
    ended_calls: list[CallRecord] = []
    if tx.now_ms - since_ms >= SETTLED_MS:
        for node_id in tx.nodes.overdue(command.node_id, tx.now_ms):
            if _expire_node(tx, node_id, tx.now_ms) is not None:
                ended_calls += tx.calls.drop_node(node_id)
    peers = tuple(peer for peer in tx.nodes.list_alive(tx.now_ms) if peer.node_id != command.node_id)
    left_behind = tx.nodes.find_dead_node() is not None
    return LeaseReport(before is not None, peers, tuple(transitions), tuple(ended_calls), left_behind)


def end_lease(tx: LeaseTransaction, actor: Actor, command: EndLease) -> None:
    if command.grace_ms:
        tx.nodes.stop(command.node_id, tx.now_ms, tx.now_ms + command.grace_ms)
        return
    _forget_node(tx, command.node_id)


def forget_users(tx: LeaseTransaction, actor: Actor, command: ForgetUsers) -> RemovedUsers:
    tx.presence.lock()
    dead = tx.nodes.find_dead_node()
    if dead is None:
        return RemovedUsers(None)
    rows = tx.presence.drop_some_of_node(dead.node_id, command.limit)
    others = _online(tx, [row.user_id for row in rows])
    gone = [row.user_id for row in rows if row.user_id not in others]
    tx.presence.put_last_seen(dict.fromkeys(gone, dead.ended_ms))
    records = tx.presence.records([row.user_id for row in rows])
    transitions = tuple(
        PresenceTransition(
            records.get(row.user_id) or PresenceRecord(row.user_id),
            before=row.away,
            after=None,
            others=tuple(others.get(row.user_id, {}).items()),
        )
        for row in rows
    )
    return RemovedUsers(dead.node_id, transitions, more=tx.nodes.find_dead_node() is not None)


def find_visible_presence(snapshot: Snapshot, actor: Actor, query: FindVisiblePresence) -> tuple[VisiblePresence, ...]:
    """Returns the presence of the requested users whom the actor may see, including the actor.

    The application's backend and operators may see all users.
    """
    if actor.role == "user":
        found = snapshot.presence.acquaintances(actor.user_id, query.user_ids)
        known = [user_id for user_id in query.user_ids if user_id in found or user_id == actor.user_id]
    else:
        users = snapshot.users(query.user_ids)
        known = [user_id for user_id in query.user_ids if user_id in users]
    return _visible_presences(snapshot, tuple(dict.fromkeys(known)), query.node_id)


def find_contacts(snapshot: Snapshot, actor: Actor, query: FindContacts) -> tuple[VisiblePresence, ...]:
    """Returns the presence of the actor, followed by that of at most `CONTACTS_LISTED_MAX` contacts (users who share a
    direct conversation or a small group with the actor) in the order of their ids."""
    found = snapshot.presence.contacts(actor.user_id, query.members_max, CONTACTS_LISTED_MAX)
    return _visible_presences(snapshot, (actor.user_id, *found), query.node_id)


def find_online_elsewhere(snapshot: Snapshot, actor: Actor, query: FindOnlineElsewhere) -> tuple[VisiblePresence, ...]:
    must_be_backend(actor)
    found = snapshot.presence.online_elsewhere_after(query.node_id, query.after, query.limit)
    return _visible_presences(snapshot, tuple(found), query.node_id)


def find_connected_elsewhere(snapshot: Snapshot, actor: Actor, query: FindConnectedElsewhere) -> tuple[str, ...]:
    must_be_backend(actor)
    found = snapshot.presence.connected_elsewhere(query.user_ids, query.node_id, snapshot.now_ms)
    return tuple(user_id for user_id in query.user_ids if user_id in found)


def _record_transitions(tx: LeaseTransaction, command: RenewLease) -> list[PresenceTransition]:
    """Records which users connected to a node and disconnected, and returns each user's state before and after on this
    and on other nodes. Returns an empty list if the node is alone.

    A lock orders these changes between nodes. So each node learns what the others have recorded before, and exactly one
    node announces each change of a user's presence.
    """
    presence, node_id = tx.presence, command.node_id
    departed = {each.user_id: each.last_seen_ms for each in command.departed if each.returned is None}
    user_ids = (*command.arrived, *departed)
    if not user_ids:
        return []
    others: Mapping[str, Mapping[str, bool]] = {}
    before: Mapping[str, Mapping[str, bool]] = {}
    if not command.alone:
        presence.lock()
        before = _online(tx, user_ids)
        others = {id_: {node: away for node, away in found.items() if node != node_id} for id_, found in before.items()}
    away_ids = set(command.away)
    if command.arrived:
        presence.put_online(node_id, [(user_id, user_id in away_ids) for user_id in command.arrived], command.pos)
    if departed:
        presence.drop_online(node_id, departed)
        tx.presence.put_last_seen(departed)
    if command.alone:
        return []
    records = presence.records(user_ids)
    return [
        PresenceTransition(
            records.get(user_id) or PresenceRecord(user_id),
            before=before.get(user_id, {}).get(node_id),
            after=None if user_id in departed else user_id in away_ids,
            others=tuple(others.get(user_id, {}).items()),
        )
        for user_id in user_ids
    ]


def _record_interruptions(tx: LeaseTransaction, command: RenewLease) -> None:
    """Records which users had no socket on a node for a while, so that the offline queue knows which messages they may
    have missed.

    This is done in the transaction that stores up to which log position the node has delivered events, so that the two
    always fit together.
    """
    returned = [departure.user_id for departure in command.departed if departure.returned]
    interrupted = [departure.user_id for departure in command.departed if departure.returned is False]
    if returned or interrupted:
        tx.presence.lock()
    if returned:
        tx.presence.set_connected_since(command.node_id, returned, command.pos)
    if interrupted:
        tx.presence.set_connected_since(command.node_id, interrupted, None)


def _online(tx: LeaseTransaction, user_ids: Collection[str]) -> Mapping[str, Mapping[str, bool]]:
    """Returns user id -> node id -> whether all of the user's devices on that node are away."""
    found: dict[str, dict[str, bool]] = {}
    for user_id, node_id, away in tx.presence.online(user_ids):
        found.setdefault(user_id, {})[node_id] = away
    return found


def list_connected_elsewhere(snapshot: Snapshot, actor: Actor, query: ListConnectedElsewhere) -> tuple[str, ...]:
    must_be_backend(actor)
    return tuple(snapshot.presence.connected_after(query.node_id, query.after, query.limit, snapshot.now_ms))


def _expire_node(tx: LeaseTransaction, node_id: str, overdue_ms: int | None) -> int | None:
    """Deletes a node unless its lease lasts beyond `overdue_ms`; None deletes it in any case. Returns when the node
    ended, in milliseconds since 1970, or None if it was not deleted.

    If several nodes try this at once, one succeeds. The node's users stay recorded until `ForgetUsers` removes them.
    """
    until_ms = tx.nodes.drop(node_id, overdue_ms)
    if until_ms is None:
        return None
    ended_ms = min(until_ms, tx.now_ms)
    tx.sessions.end_all_of_node(node_id, ended_ms)
    tx.pushes.release_node(node_id, tx.now_ms)
    return ended_ms


def _forget_node(tx: LeaseTransaction, node_id: str) -> None:
    """Deletes a node together with its calls and its online users, who count as offline from the end of its lease."""
    ended_ms = _expire_node(tx, node_id, None)
    if ended_ms is not None:
        tx.calls.drop_node(node_id)
        tx.presence.put_last_seen(dict.fromkeys(tx.presence.drop_node(node_id), ended_ms))


def _visible_presences(snapshot: Snapshot, user_ids: tuple[str, ...], node_id: str) -> tuple[VisiblePresence, ...]:
    records = snapshot.presence.records(user_ids)
    elsewhere: dict[str, bool] = {}
    for user_id, its_node_id, away in snapshot.presence.online(user_ids):
        if its_node_id != node_id:
            elsewhere[user_id] = away and elsewhere.get(user_id, True)
    return tuple(
        VisiblePresence(records.get(id_) or PresenceRecord(id_), id_ in elsewhere, elsewhere.get(id_, False))
        for id_ in user_ids
    )


CHANGES: Changes = MappingProxyType(
    {
        StorePresence: ChangeHandler(store_presence),
    }
)

NODE_COMMANDS: NodeCommandHandlers = MappingProxyType(
    {RenewLease: renew_lease, EndLease: end_lease, ForgetUsers: forget_users}
)

QUERIES: Queries = MappingProxyType(
    {
        FindVisiblePresence: find_visible_presence,
        FindContacts: find_contacts,
        FindOnlineElsewhere: find_online_elsewhere,
        FindConnectedElsewhere: find_connected_elsewhere,
        ListConnectedElsewhere: list_connected_elsewhere,
    }
)
