"""The tables of presence: which users are online on which node (server process), and the status that each
user chose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import astuple
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Executable,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from talkwire.core.commands.presence import ConnectedUsers, FoundPlace, FoundPlaces
from talkwire.core.domain.model import PresenceRecord
from talkwire.storage.schema import blocks, conversations, members, nodes, online, presence, users
from talkwire.storage.sql.keys import KEYS, key_number, key_text, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow

_LOCK_KEY = 0x54574F4E4C494E45
"""Key of an advisory lock of PostgreSQL: any number that no other program uses."""

CONTACTS_READ_MAX = 50_000
"""Most contacts that are read at once: an agent may have a conversation with every user."""

NEVER_REACHED_POS = 2**63 - 1
"""Log position that is never reached."""

# Not "node_id": SQLAlchemy keeps the names of columns for itself.
_node_id: BindParameter[str] = bindparam("node", type_=Text)
_pos: BindParameter[int] = bindparam("pos", type_=BigInteger)
_user_id = key_text(0)

# --- what users chose -------------------------------------------------------------------------------------------------

_is_kept = ~exists().where(users.c.id == _user_id, users.c.erased.is_not(None))
"""SQL condition that the user of a key was not erased: of those who were, nobody knows when they were last seen."""

_records: Select[Any] = (
    select(presence).select_from(KEYS).join(presence, presence.c.user_id == _user_id).where(_is_kept)
)

# SQLite takes ON CONFLICT for a join's condition where a SELECT ends without a WHERE.
_given = (
    select(_user_id, key_text(1), key_text(2), *map(key_number, (3, 4, 5)))
    .select_from(KEYS)
    .where(_user_id.is_not(None))
)
_put = upsert(presence).from_select(list(presence.columns.keys()), _given.where(_is_kept))
_last_seen_ms = func.coalesce(_put.excluded.last_seen_ms, presence.c.last_seen_ms)

# A choice and the time when a user was last seen are written by two writers that do not wait for each other: each
# keeps the columns of the other.
_choose = _put.on_conflict_do_update(
    index_elements=["user_id"],
    set_={
        **{name: _put.excluded[name] for name in ("status", "text", "status_until_ms", "text_until_ms")},
        "last_seen_ms": _last_seen_ms,
    },
)
_see = _put.on_conflict_do_update(
    index_elements=["user_id"], set_={"last_seen_ms": _last_seen_ms}, where=presence.c.status != "invisible"
)

# --- who is online where ----------------------------------------------------------------------------------------------

_version: BindParameter[int] = bindparam("version", type_=BigInteger)
_here = select(_user_id, _node_id, key_text(1) == "1", _pos, _version).select_from(KEYS).where(_user_id.is_not(None))
_insert = upsert(online).from_select(["user_id", "node_id", "away", "since_pos", "version"], _here)
_arrive = _insert.on_conflict_do_update(
    index_elements=["user_id", "node_id"],
    set_={"away": _insert.excluded.away, "version": _insert.excluded.version},
)
_of_users = online.c.node_id == _node_id, online.c.user_id.in_(select(_user_id).select_from(KEYS))
_depart = delete(online).where(*_of_users)
_tell_from = update(online).where(*_of_users).values(since_pos=_pos)
_some = select(online.c.user_id).where(online.c.node_id == _node_id).order_by(online.c.user_id)
_drop_some = (
    delete(online)
    .where(online.c.node_id == _node_id, online.c.user_id.in_(_some.limit(bindparam("limit"))))
    .returning(online.c.user_id)
)
_of_node: Select[Any] = (
    select(nodes.c.users_version, online.c.user_id, online.c.away, online.c.version)
    .select_from(nodes)
    .outerjoin(online, online.c.node_id == nodes.c.id)
    .where(nodes.c.id == _node_id)
)
_connected_elsewhere: Select[Any] = (
    select(online.c.user_id, online.c.away)
    .select_from(KEYS)
    .join(online, online.c.user_id == _user_id)
    .join(nodes, nodes.c.id == online.c.node_id)
    .where(nodes.c.id != _node_id, nodes.c.lease_until_ms > bindparam("now_ms", type_=BigInteger))
)

# --- who sees whom ----------------------------------------------------------------------------------------------------


def _apart(own: FromClause, other: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Returns the SQL conditions for two rows with a `user_id`: `own` is a row of the user (the parameter `user_id`),
    `other` a row of another user, and neither user has blocked the other."""
    blocked = or_(
        and_(blocks.c.user_id == own.c.user_id, blocks.c.blocked_id == other.c.user_id),
        and_(blocks.c.user_id == other.c.user_id, blocks.c.blocked_id == own.c.user_id),
    )
    return (
        own.c.user_id == bindparam("user_id"),
        other.c.user_id != bindparam("user_id"),
        ~exists().where(blocked),
    )


def _of_contacts() -> ColumnElement[bool]:
    """Returns the SQL condition that a conversation makes its members contacts: it is direct, or a group of at most
    `members_max` (a parameter) members."""
    small = and_(conversations.c.kind == "group", conversations.c.member_count <= bindparam("members_max"))
    return or_(conversations.c.kind == "direct", small)


_own, _other = members.alias("own"), members.alias("other")
_acquaintances: Select[Any] = (
    select(_other.c.user_id)
    .distinct()
    .select_from(KEYS)
    .join(_other, _other.c.user_id == _user_id)
    .join(_own, _own.c.conversation_id == _other.c.conversation_id)
    .where(*_apart(_own, _other), or_(~bindparam("own", type_=Boolean), _other.c.own))
)

contacts_select: Select[Any] = (
    select(_other.c.user_id)
    .distinct()
    .select_from(_own)
    .join(conversations, conversations.c.id == _own.c.conversation_id)
    .join(_other, _other.c.conversation_id == _own.c.conversation_id)
    .where(*_apart(_own, _other), _of_contacts(), _own.c.own, _other.c.own)
    .order_by(_other.c.user_id)
    .limit(bindparam("limit"))
)
"""Statement that selects the ids of a user's contacts. Parameters: `user_id`, `members_max` (of a group), `limit`."""


_places: Select[Any] = (
    select(online.c.node_id, online.c.user_id, online.c.away, online.c.version)
    .select_from(KEYS)
    .join(online, online.c.user_id == _user_id)
    .where(online.c.node_id != _node_id)
)
# Not joined with the places: PostgreSQL would read those of all users, as it cannot tell how few contacts there are.
_contacts_of: Select[Any] = (
    select(_other.c.conversation_id, _other.c.user_id)
    .select_from(KEYS)
    .join(_own, _own.c.user_id == _user_id)
    .join(conversations, conversations.c.id == _own.c.conversation_id)
    .join(_other, _other.c.conversation_id == _own.c.conversation_id)
    .where(_other.c.user_id != _own.c.user_id, _of_contacts(), _own.c.own, _other.c.own)
    .limit(bindparam("limit", type_=BigInteger))
)
_blocks: Select[Any] = (
    select(blocks.c.user_id, blocks.c.blocked_id).select_from(KEYS).join(blocks, blocks.c.user_id == _user_id)
)


class PresenceRows(Reads):
    """Reads which users are connected to which node, and the status that each user chose. Implements
    `core.ports.stores.PresenceTable`."""

    def records(self, user_ids: Collection[str]) -> Mapping[str, PresenceRecord]:
        return {row.user_id: _to_record(row) for row in self._look_up(_records, user_ids)}

    def users_of_node(self, node_id: str) -> ConnectedUsers | None:
        # One statement, so that the users and the version are those of one moment.
        rows = self._connection.execute(_of_node, {"node": node_id}).all()
        users = {row.user_id: (row.away, row.version) for row in rows if row.user_id is not None}
        return ConnectedUsers(rows[0].users_version, users) if rows else None

    def connected_after(self, node_id: str, after: str | None, limit: int, now_ms: int) -> Sequence[str]:
        living = select(online.c.user_id).distinct().join(nodes, nodes.c.id == online.c.node_id)
        others = living.where(nodes.c.id != node_id, nodes.c.lease_until_ms > now_ms)
        if after is not None:
            others = others.where(online.c.user_id > after)
        return self._connection.execute(others.order_by(online.c.user_id).limit(limit)).scalars().all()

    def connected_elsewhere(self, user_ids: Collection[str], node_id: str, now_ms: int) -> Mapping[str, bool]:
        found: dict[str, bool] = {}
        for user_id, away in self._look_up(_connected_elsewhere, user_ids, node=node_id, now_ms=now_ms):
            found[user_id] = away and found.get(user_id, True)
        return found

    def places(self, node_id: str, user_ids: Collection[str]) -> Sequence[FoundPlace]:
        return [FoundPlace(*row) for row in self._look_up(_places, user_ids, node=node_id)] if user_ids else []

    def places_of_contacts(self, node_id: str, user_ids: Collection[str], members_max: int) -> FoundPlaces:
        if not user_ids:
            return FoundPlaces(())
        circles: defaultdict[str, set[str]] = defaultdict(set)
        shared = self._look_up(_contacts_of, user_ids, members_max=members_max, limit=CONTACTS_READ_MAX).all()
        for conversation_id, user_id in shared:
            circles[user_id].add(conversation_id)
        found = self.places(node_id, circles)
        blocked: defaultdict[str, list[str]] = defaultdict(list)
        for user_id, blocked_id in self._look_up(_blocks, {place.user_id for place in found}):
            blocked[user_id].append(blocked_id)
        places = (
            place._replace(circle_ids=tuple(circles[place.user_id]), blocked_ids=tuple(blocked[place.user_id]))
            for place in found
        )
        return FoundPlaces(tuple(places), are_all=len(shared) < CONTACTS_READ_MAX)

    def acquaintances(self, user_id: str, other_ids: Collection[str], *, own: bool) -> Collection[str]:
        return set(self._look_up(_acquaintances, other_ids, user_id=user_id, own=own).scalars())

    def contacts(self, user_id: str, members_max: int, limit: int) -> Sequence[str]:
        parameters = {"user_id": user_id, "members_max": members_max, "limit": limit}
        return self._connection.execute(contacts_select, parameters).scalars().all()

    def _look_up(self, statement: Executable, user_ids: Collection[str], **further: object) -> Any:  # noqa: ANN401 (a result)
        keys = keys_parameter([(user_id,) for user_id in user_ids])
        return self._connection.execute(statement, keys | further)


class WritablePresenceRows(PresenceRows):
    def put_record(self, record: PresenceRecord) -> None:
        self._connection.execute(_choose, keys_parameter([astuple(record)]))

    def put_last_seen(self, seen: Mapping[str, int | None]) -> None:
        if seen:
            records = [PresenceRecord(user_id, last_seen_ms=ms) for user_id, ms in seen.items()]
            self._connection.execute(_see, keys_parameter([astuple(record) for record in records]))

    def lock(self) -> None:
        if self._connection.dialect.name == "postgresql":  # SQLite has one writer at a time
            self._connection.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))

    def put_online(self, node_id: str, users: Collection[tuple[str, bool]], *, pos: int, version: int) -> None:
        keys = keys_parameter([(user_id, "1" if away else "0") for user_id, away in users])
        self._connection.execute(_arrive, {**keys, "node": node_id, "pos": pos, "version": version})

    def set_connected_since(self, node_id: str, user_ids: Collection[str], pos: int | None) -> None:
        self._look_up(_tell_from, user_ids, node=node_id, pos=NEVER_REACHED_POS if pos is None else pos)

    def drop_online(self, node_id: str, user_ids: Collection[str]) -> None:
        self._look_up(_depart, user_ids, node=node_id)

    def drop_node(self, node_id: str) -> Sequence[str]:
        left = delete(online).where(online.c.node_id == node_id).returning(online.c.user_id)
        return self._connection.execute(left).scalars().all()

    def drop_some_of_node(self, node_id: str, limit: int) -> Sequence[str]:
        return self._connection.execute(_drop_some, {"node": node_id, "limit": limit}).scalars().all()


def _to_record(row: AnyRow) -> PresenceRecord:
    return PresenceRecord(row.user_id, row.status, row.text, row.last_seen_ms, row.status_until_ms, row.text_until_ms)
