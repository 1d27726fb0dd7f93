"""Rows of who is there: nodes' leases, who is online where, what users chose."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import astuple
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Dialect,
    Executable,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from talkwire.core.domain.model import PresenceRecord
from talkwire.core.ports.stores import OnlineRow
from talkwire.storage.schema import blocks, conversations, members, nodes, online, presence
from talkwire.storage.sql.keys import key_text, keys_parameter, keys_table
from talkwire.storage.tables.rows import AnyRow

_LOCK_KEY = 0x54574F4E4C494E45
"""Of an advisory lock: any number, as long as no other program takes the same."""

NEVER = 2**63 - 1
"""The log gets nowhere near it."""

_ROW = (online.c.user_id, online.c.node_id, online.c.away)


class PresenceStatements:
    """The statements in a database's dialect. Those over many keys take the parameter of `keys_parameter`."""

    __slots__ = (
        "acquaintances",
        "arrive",
        "choose",
        "connected_elsewhere",
        "contacts",
        "depart",
        "drop_some",
        "online",
        "records",
        "see",
        "tell_from",
    )

    def __init__(self, dialect: Dialect) -> None:
        insert = sqlite_insert if dialect.name == "sqlite" else postgresql_insert
        keys = keys_table(dialect)
        first, second, third, fourth = (key_text(keys, index) for index in range(4))
        # Not "node_id": SQLAlchemy keeps the names of columns for itself.
        node_id: BindParameter[str] = bindparam("node", type_=Text)
        # SQLite takes ON CONFLICT for a join's condition where a SELECT ends without a WHERE.
        rows = select(first, second, third, cast(fourth, BigInteger)).select_from(keys).where(first.is_not(None))
        put = insert(presence).from_select(list(presence.columns.keys()), rows)
        chosen = {name: put.excluded[name] for name in ("status", "text")}
        last_seen_ms = func.coalesce(put.excluded.last_seen_ms, presence.c.last_seen_ms)
        # What was chosen, and when somebody was seen, are written by two who do not wait for each other: each leaves
        # what is the other's alone.
        self.choose: Executable = put.on_conflict_do_update(
            index_elements=["user_id"], set_={**chosen, "last_seen_ms": last_seen_ms}
        )
        self.see: Executable = put.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"last_seen_ms": last_seen_ms},
            where=presence.c.status != "invisible",
        )
        self.records: Select[Any] = select(presence).select_from(keys).join(presence, presence.c.user_id == first)
        here = select(first, node_id, second == "1", bindparam("pos", type_=BigInteger))
        arrive = insert(online).from_select(
            ["user_id", "node_id", "away", "since_pos"], here.select_from(keys).where(first.is_not(None))
        )
        self.arrive: Executable = arrive.on_conflict_do_update(
            index_elements=["user_id", "node_id"], set_={"away": arrive.excluded.away}
        )
        named = online.c.node_id == node_id, online.c.user_id.in_(select(first).select_from(keys))
        self.depart: Executable = delete(online).where(*named)
        self.tell_from: Executable = update(online).where(*named).values(since_pos=bindparam("pos", type_=BigInteger))
        some = select(online.c.user_id).where(online.c.node_id == node_id).order_by(online.c.user_id)
        self.drop_some: Executable = (
            delete(online)
            .where(online.c.node_id == node_id, online.c.user_id.in_(some.limit(bindparam("limit"))))
            .returning(*_ROW)
        )
        self.online: Select[Any] = select(*_ROW).select_from(keys).join(online, online.c.user_id == first)
        self.connected_elsewhere: Select[Any] = (
            select(online.c.user_id)
            .select_from(keys)
            .join(online, online.c.user_id == first)
            .join(nodes, nodes.c.id == online.c.node_id)
            .where(nodes.c.id != node_id, nodes.c.lease_until_ms > bindparam("now_ms", type_=BigInteger))
        )
        own, other = members.alias("own"), members.alias("other")
        self.acquaintances: Select[Any] = (
            select(other.c.user_id)
            .distinct()
            .select_from(keys)
            .join(other, other.c.user_id == first)
            .join(own, own.c.conversation_id == other.c.conversation_id)
            .where(*_apart(own, other))
        )
        self.contacts: Select[Any] = (
            select(other.c.user_id)
            .distinct()
            .select_from(own)
            .join(conversations, conversations.c.id == own.c.conversation_id)
            .join(other, other.c.conversation_id == own.c.conversation_id)
            .where(*_apart(own, other), _of_contacts())
            .order_by(other.c.user_id)
            .limit(bindparam("limit"))
        )


def _apart(own: FromClause, other: FromClause) -> tuple[ColumnElement[bool], ...]:
    """One is the user, the other somebody else, and neither has blocked the other."""
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
    """As `core.contacts` has it for those who are connected."""
    small = and_(conversations.c.kind == "group", conversations.c.member_count <= bindparam("members_max"))
    return or_(conversations.c.kind == "direct", small)


class PresenceRows:
    """Implements `core.ports.stores.PresenceTable`."""

    def __init__(self, connection: Connection, statements: PresenceStatements) -> None:
        self._connection = connection
        self._statements = statements

    def records(self, user_ids: Collection[str]) -> Mapping[str, PresenceRecord]:
        return {row.user_id: _to_record(row) for row in self._look_up(self._statements.records, user_ids)}

    def choose(self, record: PresenceRecord) -> None:
        self._connection.execute(self._statements.choose, keys_parameter([astuple(record)]))

    def see(self, seen: Mapping[str, int | None]) -> None:
        if seen:
            records = [PresenceRecord(user_id, last_seen_ms=ms) for user_id, ms in seen.items()]
            self._connection.execute(self._statements.see, keys_parameter([astuple(record) for record in records]))

    def lock(self) -> None:
        if self._connection.dialect.name == "postgresql":  # on SQLite nobody else writes meanwhile
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})

    def online(self, user_ids: Collection[str]) -> Sequence[OnlineRow]:
        return [OnlineRow(*row) for row in self._look_up(self._statements.online, user_ids)]

    def arrive(self, node_id: str, users: Collection[tuple[str, bool]], pos: int) -> None:
        keys = keys_parameter([(user_id, "1" if away else "0") for user_id, away in users])
        self._connection.execute(self._statements.arrive, {**keys, "node": node_id, "pos": pos})

    def tell_from(self, node_id: str, user_ids: Collection[str], pos: int | None) -> None:
        self._look_up(self._statements.tell_from, user_ids, node=node_id, pos=NEVER if pos is None else pos)

    def depart(self, node_id: str, user_ids: Collection[str]) -> None:
        self._look_up(self._statements.depart, user_ids, node=node_id)

    def drop_node(self, node_id: str) -> Sequence[str]:
        left = delete(online).where(online.c.node_id == node_id).returning(online.c.user_id)
        return self._connection.execute(left).scalars().all()

    def drop_some(self, node_id: str, limit: int) -> Sequence[OnlineRow]:
        rows = self._connection.execute(self._statements.drop_some, {"node": node_id, "limit": limit})
        return [OnlineRow(*row) for row in rows]

    def online_elsewhere_after(self, node_id: str, after: str | None, limit: int) -> Sequence[str]:
        return self._after(select(online.c.user_id).where(online.c.node_id != node_id), after, limit)

    def connected_after(self, node_id: str, after: str | None, limit: int, now_ms: int) -> Sequence[str]:
        living = select(online.c.user_id).join(nodes, nodes.c.id == online.c.node_id)
        others = living.where(nodes.c.id != node_id, nodes.c.lease_until_ms > now_ms)
        return self._after(others, after, limit)

    def _after(self, others: Select[Any], after: str | None, limit: int) -> Sequence[str]:
        others = others.distinct()
        if after is not None:
            others = others.where(online.c.user_id > after)
        return self._connection.execute(others.order_by(online.c.user_id).limit(limit)).scalars().all()

    def connected_elsewhere(self, user_ids: Collection[str], node_id: str, now_ms: int) -> Collection[str]:
        found = self._look_up(self._statements.connected_elsewhere, user_ids, node=node_id, now_ms=now_ms)
        return set(found.scalars())

    def acquaintances(self, user_id: str, other_ids: Collection[str]) -> Collection[str]:
        return set(self._look_up(self._statements.acquaintances, other_ids, user_id=user_id).scalars())

    def contacts(self, user_id: str, members_max: int, limit: int) -> Sequence[str]:
        parameters = {"user_id": user_id, "members_max": members_max, "limit": limit}
        return self._connection.execute(self._statements.contacts, parameters).scalars().all()

    def _look_up(self, statement: Executable, user_ids: Collection[str], **further: object) -> Any:  # noqa: ANN401 (a result)
        keys = keys_parameter([(user_id,) for user_id in user_ids])
        return self._connection.execute(statement, keys | further)


def _to_record(row: AnyRow) -> PresenceRecord:
    return PresenceRecord(row.user_id, row.status, row.text, row.last_seen_ms)
