"""Rules for which users may see whose presence, and the stored part of presence: nodes' leases, the online users of
each node, and statuses that users have chosen.

Presence changes are not recorded in the log. A killed node cannot report that its users disconnected; instead its lease
ends, and its users count as offline from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from talkwire.core.commands.calls import CallRecord
from talkwire.core.commands.presence import (
    ConnectedUsers,
    EndLease,
    FindConnectedElsewhere,
    FindContacts,
    FindPlaces,
    FindVisiblePresence,
    ForgetUsers,
    FoundPlaces,
    LeaseReport,
    ListConnectedElsewhere,
    ListUsersOfNode,
    RenewLease,
    SetPresence,
    StorePresence,
)
from talkwire.core.domain.access import may_act, must_be_backend, require
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.model import Actor, PresenceEnds, PresenceRecord
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.domain.texts import check_id, check_text
from talkwire.core.ports.handler import ChangeHandler, Changes, NodeCommandHandlers, Queries
from talkwire.core.ports.stores import LeaseRecord
from talkwire.core.ports.transaction import LeaseTransaction, Snapshot, Transaction

ASKED_MAX = 1000
"""Most users in one query or in one socket's subscription."""

OWN_LEASE_SETTLED_MS = 10_000
"""Milliseconds that a node's own lease must have lasted before the node expires other nodes.

After an outage of the database all leases are overdue; this gives each node time to renew its own.
"""

CONTACTS_LISTED_MAX = 2000
"""Most contacts of a user whose presence is listed."""

PRESENCE_TEXT_MAX_LENGTH = 200
"""Longest text that a user's presence shows, in characters."""


def check_status(command: SetPresence, now_ms: int) -> None:
    """Raises `invalid_request` for a status text that is invalid or too long, for an end in the past, and for an end
    without a status or text that can end."""
    if isinstance(command.text, str):
        check_text("text", command.text)
        if len(command.text) > PRESENCE_TEXT_MAX_LENGTH:
            raise invalid("text", f"must have at most {PRESENCE_TEXT_MAX_LENGTH} characters")
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
    require(forbidden("not_found") if user is None else may_act(user))
    before = tx.presence.records((actor.user_id,)).get(actor.user_id) or PresenceRecord(actor.user_id)
    text, ends = text_and_ends(before, command.text, command.ends)
    tx.presence.put_record(PresenceRecord(actor.user_id, command.status, text, command.hidden_ms, *ends))
    last_seen_ms = before.last_seen_ms if command.hidden_ms is None else command.hidden_ms
    return PresenceRecord(actor.user_id, command.status, text, last_seen_ms, *ends)


def text_and_ends(
    before: PresenceRecord, text: str | msgspec.UnsetType | None, ends: PresenceEnds
) -> tuple[str | None, PresenceEnds]:
    """Returns the status text and the times at which status and text end, after a user has chosen a status. `before` is
    the stored state; `ends` are the times that the user has chosen. `text` UNSET keeps the text of `before` and its
    end; None or an empty text removes the text."""
    if text is msgspec.UNSET:
        return before.text, PresenceEnds(ends.status_ms, before.text_until_ms)
    return text or None, ends


def renew_lease(tx: LeaseTransaction, actor: Actor, command: RenewLease) -> LeaseReport:
    """Renews a node's lease (its record that it is alive), records the changes of its list of connected users, and
    removes other nodes whose leases have ended.

    Returns whether the node still had a lease (`known`), the other living nodes with the versions of their lists, the
    calls of removed nodes, and the stored presence of the users that the node asks about.
    """
    before = tx.nodes.lease(command.node_id)
    unbroken = before is not None and before.until_ms > tx.now_ms
    # A clock that was set back must not make the node wait for OWN_LEASE_SETTLED_MS plus the difference.
    since_ms = min(before.since_ms, tx.now_ms) if before is not None and unbroken else tx.now_ms
    until_ms = tx.now_ms + command.lease_ms
    lease = LeaseRecord(until_ms, since_ms, command.pos, tx.now_ms, command.moves.version, command.host)
    node = Peer(command.node_id, command.address, command.folder_ids, needs_signals=command.needs_signals)
    tx.nodes.put_lease(node, lease)
    _record_moves(tx, command)
    if command.alone:
        # This node has just started, so none of its users has to be notified.
        for node_id in tx.nodes.overdue(command.node_id, None):
            _forget_node(tx, node_id, died=True)
        return LeaseReport(before is not None)
    ended_calls: list[CallRecord] = []
    if tx.now_ms - since_ms >= OWN_LEASE_SETTLED_MS:
        for node_id in tx.nodes.overdue(command.node_id, tx.now_ms):
            if _expire_node(tx, node_id, tx.now_ms, died=True) is not None:
                ended_calls += tx.calls.drop_node(node_id)
    return LeaseReport(
        known=before is not None,
        peers=tuple(peer for peer in tx.nodes.list_alive(tx.now_ms) if peer.node_id != command.node_id),
        records=tx.presence.records(places) if (places := command.moves.places) else {},
        versions={id_: version for id_, version in tx.nodes.versions().items() if id_ != command.node_id},
        ended_calls=tuple(ended_calls),
        left_behind=tx.nodes.find_dead_node() is not None,
    )


def end_lease(tx: LeaseTransaction, actor: Actor, command: EndLease) -> None:
    if command.grace_ms:
        tx.nodes.stop(command.node_id, tx.now_ms, tx.now_ms + command.grace_ms)
        return
    _forget_node(tx, command.node_id, died=False)


def forget_users(tx: LeaseTransaction, actor: Actor, command: ForgetUsers) -> bool:
    tx.presence.lock()
    dead = tx.nodes.find_dead_node()
    if dead is None:
        return False
    user_ids = tx.presence.drop_some_of_node(dead.node_id, command.limit)
    others = tx.presence.connected_elsewhere(user_ids, dead.node_id, tx.now_ms)
    tx.presence.put_last_seen({user_id: dead.ended_ms for user_id in user_ids if user_id not in others})
    return tx.nodes.find_dead_node() is not None


def find_visible_presence(snapshot: Snapshot, actor: Actor, query: FindVisiblePresence) -> tuple[PresenceRecord, ...]:
    """Returns the stored presence of the requested users whom the actor may see, including the actor.

    The application's backend and operators may see all users.
    """
    if actor.role == "user":
        found = snapshot.presence.acquaintances(actor.user_id, query.user_ids, own=True)
        known = [user_id for user_id in query.user_ids if user_id in found or user_id == actor.user_id]
    else:
        users = snapshot.users(query.user_ids)
        known = [user_id for user_id in query.user_ids if user_id in users]
    return _records(snapshot, tuple(dict.fromkeys(known)))


def find_contacts(snapshot: Snapshot, actor: Actor, query: FindContacts) -> tuple[PresenceRecord, ...]:
    """Returns the stored presence of the actor, followed by that of at most `CONTACTS_LISTED_MAX` contacts in the order
    of their ids. Contacts share a direct conversation or a group of at most `query.members_max` members with the
    actor."""
    found = snapshot.presence.contacts(actor.user_id, query.members_max, CONTACTS_LISTED_MAX)
    return _records(snapshot, (actor.user_id, *found))


def list_users_of_node(snapshot: Snapshot, actor: Actor, query: ListUsersOfNode) -> ConnectedUsers | None:
    must_be_backend(actor)
    return snapshot.presence.users_of_node(query.node_id)


def find_connected_elsewhere(snapshot: Snapshot, actor: Actor, query: FindConnectedElsewhere) -> Mapping[str, bool]:
    must_be_backend(actor)
    return snapshot.presence.connected_elsewhere(query.user_ids, query.node_id, snapshot.now_ms)


def find_places(snapshot: Snapshot, actor: Actor, query: FindPlaces) -> FoundPlaces:
    must_be_backend(actor)
    own = snapshot.presence.places(query.node_id, query.user_ids)
    contacts = snapshot.presence.places_of_contacts(query.node_id, query.contacts_of, query.members_max)
    return FoundPlaces((*own, *contacts.places), contacts.are_all)


def _record_moves(tx: LeaseTransaction, command: RenewLease) -> None:
    """Records in the database which users have connected to a node or disconnected from it since the last renewal of
    its lease. For users who had no socket for a moment, records the log position since which they have one again, or
    that they have none.

    The same transaction stores up to which log position the node has delivered events, so that both always fit
    together. Locks the table first, because two nodes that change the same users could otherwise deadlock.
    """
    moves, presence, node_id = command.moves, tx.presence, command.node_id
    if not command.alone and (moves.arrived or moves.departed or moves.interrupted):
        presence.lock()
    if moves.arrived:
        away = set(moves.away)
        arrived = [(user_id, user_id in away) for user_id in moves.arrived]
        presence.put_online(node_id, arrived, pos=command.pos, version=moves.version)
    if moves.departed:
        presence.drop_online(node_id, moves.departed)
        presence.put_last_seen(moves.departed)
    for returned, pos in ((True, command.pos), (False, None)):
        user_ids = [user_id for user_id, is_back in moves.interrupted.items() if is_back is returned]
        if user_ids:
            presence.set_connected_since(node_id, user_ids, pos)


def list_connected_elsewhere(snapshot: Snapshot, actor: Actor, query: ListConnectedElsewhere) -> tuple[str, ...]:
    must_be_backend(actor)
    return tuple(snapshot.presence.connected_after(query.node_id, query.after, query.limit, snapshot.now_ms))


def _expire_node(tx: LeaseTransaction, node_id: str, overdue_ms: int | None, *, died: bool) -> int | None:
    """Deletes a node if its lease, and for a node that was shut down also its users' grace period, has ended by
    `overdue_ms` (milliseconds since 1970); None deletes it in any case. Returns when the node ended, in milliseconds
    since 1970, or None if it was not deleted. `died`: the node did not end its lease itself, so unless it was shut down
    before, operators see that it died.

    If several nodes try this at once, one succeeds. The node's users stay recorded until `ForgetUsers` removes them.
    """
    dropped = tx.nodes.drop(node_id, overdue_ms)
    if dropped is None:
        return None
    if died and not dropped.was_stopped:
        tx.nodes.put_lost(node_id, dropped.lease, tx.now_ms)
    ended_ms = min(dropped.lease.until_ms, tx.now_ms)
    tx.sessions.end_all_of_node(node_id, ended_ms)
    tx.pushes.release_node(node_id, tx.now_ms)
    return ended_ms


def _forget_node(tx: LeaseTransaction, node_id: str, *, died: bool) -> None:
    """Deletes a node together with its calls and its online users, who count as offline from the end of its lease.
    `died` is as in `_expire_node`."""
    ended_ms = _expire_node(tx, node_id, None, died=died)
    if ended_ms is not None:
        tx.calls.drop_node(node_id)
        tx.presence.put_last_seen(dict.fromkeys(tx.presence.drop_node(node_id), ended_ms))


def _records(snapshot: Snapshot, user_ids: tuple[str, ...]) -> tuple[PresenceRecord, ...]:
    records = snapshot.presence.records(user_ids)
    return tuple(records.get(user_id) or PresenceRecord(user_id) for user_id in user_ids)


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
        ListUsersOfNode: list_users_of_node,
        FindConnectedElsewhere: find_connected_elsewhere,
        FindPlaces: find_places,
        ListConnectedElsewhere: list_connected_elsewhere,
    }
)
