"""Who may see whose presence, and what is stored of it: nodes' leases, who is online where, what users chose.

Presence is not durable: its changes make no event in the log. A node that is killed cannot say who left; its lease ends
instead, and whoever was online there is taken for offline since then.
"""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from talkwire.core.access import may_act
from talkwire.core.commands.presence import (
    Acquaintance,
    EndLease,
    FindAcquaintances,
    FindContacts,
    FindOnlineElsewhere,
    LeaseReport,
    RenewLease,
    SetPresence,
    StorePresence,
)
from talkwire.core.errors import forbidden, invalid
from talkwire.core.handler import ChangeHandler, Changes, Queries
from talkwire.core.model import Actor, PresenceRecord
from talkwire.core.texts import check_id, check_text
from talkwire.core.transaction import Snapshot, Transaction

ASKED_MAX = 1000
"""Users that one question or one socket's subscription may name."""

CONTACTS_LISTED_MAX = 2000
TEXT_MAX_LENGTH = 200


def check_status(command: SetPresence) -> None:
    """Refuses a text that is none or too long."""
    if isinstance(command.text, str):
        check_text("text", command.text)
        if len(command.text) > TEXT_MAX_LENGTH:
            raise invalid("text", f"must have at most {TEXT_MAX_LENGTH} characters")


def check_user_ids(user_ids: tuple[str, ...]) -> None:
    """Refuses more users than one may ask for, and what is no id."""
    if len(user_ids) > ASKED_MAX:
        raise invalid("userIds", f"must name at most {ASKED_MAX} users")
    for index, user_id in enumerate(user_ids):
        check_id(f"userIds[{index}]", user_id)


def must_serve(actor: Actor) -> None:
    """Raises `forbidden` for anyone but the application's backend and operators."""
    if actor.role == "user":
        raise forbidden()


def store_presence(tx: Transaction, actor: Actor, command: StorePresence) -> PresenceRecord:
    user = tx.user(actor.user_id)
    refusal = forbidden() if user is None else may_act(user)
    if refusal is not None:
        raise refusal
    before = tx.presence.records((actor.user_id,)).get(actor.user_id) or PresenceRecord(actor.user_id)
    text = before.text if command.text is msgspec.UNSET else command.text or None
    last_seen_ms = before.last_seen_ms if command.hidden_ms is None else command.hidden_ms
    record = PresenceRecord(actor.user_id, command.status, text, last_seen_ms)
    tx.presence.put((record,))
    return record


def renew_lease(tx: Transaction, actor: Actor, command: RenewLease) -> LeaseReport:
    """Records the lease first, then who came and left, then cleans up after nodes whose lease has ended."""
    presence = tx.presence
    known = presence.lease(command.node_id) is not None
    presence.put_lease(command.node_id, tx.now_ms + command.lease_ms)
    if command.arrived:
        presence.arrive(command.node_id, command.arrived)
    if command.departed:
        presence.depart(command.node_id, [departure.user_id for departure in command.departed])
        seen = {departure.user_id: departure.last_seen_ms for departure in command.departed}
        _store_last_seen(tx, seen)
    ended: list[PresenceRecord] = []
    for node_id, until_ms in presence.other_leases(command.node_id):
        if command.alone or until_ms <= tx.now_ms:
            ended += _clean_up(tx, node_id, min(until_ms, tx.now_ms))
    return LeaseReport(known, tuple(ended))


def end_lease(tx: Transaction, actor: Actor, command: EndLease) -> None:
    _clean_up(tx, command.node_id, tx.now_ms)


def find_acquaintances(snapshot: Snapshot, actor: Actor, query: FindAcquaintances) -> tuple[Acquaintance, ...]:
    """The actor too, if asked for. The application's backend and operators may see everybody."""
    if actor.role == "user":
        found = snapshot.presence.acquaintances(actor.user_id, query.user_ids)
        known = [user_id for user_id in query.user_ids if user_id in found or user_id == actor.user_id]
    else:
        users = snapshot.users(query.user_ids)
        known = [user_id for user_id in query.user_ids if user_id in users]
    return _acquaintances(snapshot, tuple(dict.fromkeys(known)), query.node_id)


def find_contacts(snapshot: Snapshot, actor: Actor, query: FindContacts) -> tuple[Acquaintance, ...]:
    """At most `CONTACTS_LISTED_MAX`, in the order of their ids, the actor first."""
    found = snapshot.presence.contacts(actor.user_id, query.members_max, CONTACTS_LISTED_MAX)
    return _acquaintances(snapshot, (actor.user_id, *found), query.node_id)


def find_online_elsewhere(snapshot: Snapshot, actor: Actor, query: FindOnlineElsewhere) -> tuple[Acquaintance, ...]:
    must_serve(actor)
    found = snapshot.presence.online_elsewhere_after(query.node_id, query.after, query.limit)
    records = snapshot.presence.records(found)
    return tuple(Acquaintance(records.get(id_) or PresenceRecord(id_), elsewhere=True) for id_ in found)


def _clean_up(tx: Transaction, node_id: str, ended_ms: int) -> list[PresenceRecord]:
    """Forgets a node. Answers those of its users who are not online anywhere any more, as they are from now on."""
    user_ids = tx.presence.drop_node(node_id)
    tx.sessions.node_ended(node_id, ended_ms)
    _store_last_seen(tx, dict.fromkeys(user_ids, ended_ms))
    elsewhere = tx.presence.online_elsewhere(user_ids, node_id)
    gone = [user_id for user_id in user_ids if user_id not in elsewhere]
    records = tx.presence.records(gone)
    return [records[user_id] for user_id in gone]


def _store_last_seen(tx: Transaction, seen: dict[str, int | None]) -> None:
    """None: others did not see them, and do not learn that they were here. So it is for who is invisible by now."""
    records = tx.presence.records(seen)
    changed = []
    for user_id, last_seen_ms in seen.items():
        record = records.get(user_id) or PresenceRecord(user_id)
        if record.status != "invisible" and last_seen_ms is not None:
            record = msgspec.structs.replace(record, last_seen_ms=last_seen_ms)
        if record is not records.get(user_id):
            changed.append(record)
    tx.presence.put(changed)


def _acquaintances(snapshot: Snapshot, user_ids: tuple[str, ...], node_id: str) -> tuple[Acquaintance, ...]:
    records = snapshot.presence.records(user_ids)
    elsewhere = snapshot.presence.online_elsewhere(user_ids, node_id)
    return tuple(Acquaintance(records.get(id_) or PresenceRecord(id_), id_ in elsewhere) for id_ in user_ids)


CHANGES: Changes = MappingProxyType(
    {
        StorePresence: ChangeHandler(store_presence),
        RenewLease: ChangeHandler(renew_lease),
        EndLease: ChangeHandler(end_lease),
    }
)

QUERIES: Queries = MappingProxyType(
    {
        FindAcquaintances: find_acquaintances,
        FindContacts: find_contacts,
        FindOnlineElsewhere: find_online_elsewhere,
    }
)
