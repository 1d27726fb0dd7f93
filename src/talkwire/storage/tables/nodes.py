"""The table of running nodes (server processes) with their leases, the records that they are alive; and nodes that
ended recently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update

from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.ports.stores import LOST_KEPT_MS, DeadNode, DroppedNode, LeaseRecord
from talkwire.storage.schema import ended_nodes, lost_nodes, nodes, online
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow

_over_ms = func.coalesce(nodes.c.users_until_ms, nodes.c.lease_until_ms)
"""SQL for the time at which a node's users become offline, unless the node renews its lease."""


_LEASE: tuple[ColumnElement[Any], ...] = (
    nodes.c.lease_until_ms,
    nodes.c.since_ms,
    nodes.c.pos,
    nodes.c.renewed_ms,
    nodes.c.users_version,
    nodes.c.host,
    nodes.c.users_until_ms,
)

_put_lost = upsert(lost_nodes)


def _lease_of(row: AnyRow) -> LeaseRecord:
    return LeaseRecord(
        row.lease_until_ms, row.since_ms, row.pos or 0, row.renewed_ms or 0, row.users_version or 0, row.host
    )


REVISION = 60
"""Number of the newest migration of this version, or a number above it for a later change of what nodes send each
other. The next migration then has a number above that."""


def has_nodes_before(connection: Connection, revision: int, now_ms: int) -> bool:
    """Returns whether a node runs whose version does not know a migration."""
    older = select(nodes.c.id).where(nodes.c.lease_until_ms > now_ms, nodes.c.revision < revision)
    return connection.execute(older.limit(1)).first() is not None


class NodeRows(Reads):
    """Reads and changes the leases of nodes. Implements `core.ports.stores.NodeTable`."""

    def lease(self, node_id: str) -> LeaseRecord | None:
        found = select(*_LEASE).where(nodes.c.id == node_id).with_for_update()
        row = self._connection.execute(found).one_or_none()
        return None if row is None else _lease_of(row)

    def is_alive(self, node_id: str, now_ms: int) -> bool:
        found = select(nodes.c.id).where(nodes.c.id == node_id, nodes.c.lease_until_ms > now_ms)
        return self._connection.execute(found).first() is not None

    def put_lease(self, node: Peer, lease: LeaseRecord) -> None:
        values = {
            "lease_until_ms": lease.until_ms,
            "since_ms": lease.since_ms,
            "address": node.address,
            "folder_ids": " ".join(node.folder_ids) or None,
            "users_until_ms": None,
            "pos": lease.pos,
            "renewed_ms": lease.renewed_ms,
            "users_version": lease.users_version,
            "host": lease.host,
            "indexes_keys": True,
            "revision": REVISION,
            "needs_signals": node.needs_signals,
        }
        renewed = self._connection.execute(update(nodes).where(nodes.c.id == node.node_id).values(values))
        if not renewed.rowcount:
            self._connection.execute(insert(nodes), {"id": node.node_id, **values})
            self._connection.execute(delete(ended_nodes).where(ended_nodes.c.id == node.node_id))
            self._connection.execute(delete(lost_nodes).where(lost_nodes.c.id == node.node_id))

    def list_alive(self, now_ms: int) -> Sequence[Peer]:
        columns = nodes.c.id, nodes.c.address, nodes.c.folder_ids, nodes.c.revision, nodes.c.needs_signals
        rows = self._connection.execute(select(*columns).where(nodes.c.lease_until_ms > now_ms))
        return [
            Peer(row.id, row.address, tuple((row.folder_ids or "").split()), row.revision or 0, row.needs_signals)
            for row in rows
        ]

    def versions(self) -> Mapping[str, int | None]:
        rows = self._connection.execute(select(nodes.c.id, nodes.c.users_version))
        return {row.id: row.users_version for row in rows}

    def stop(self, node_id: str, now_ms: int, users_until_ms: int) -> None:
        stopped = update(nodes).where(nodes.c.id == node_id)
        self._connection.execute(stopped.values(lease_until_ms=now_ms, users_until_ms=users_until_ms))

    def overdue(self, node_id: str, now_ms: int | None) -> Sequence[str]:
        others = select(nodes.c.id).where(nodes.c.id != node_id)
        if now_ms is not None:
            others = others.where(_over_ms <= now_ms)
        return self._connection.execute(others.order_by(nodes.c.id)).scalars().all()

    def drop(self, node_id: str, overdue_ms: int | None) -> DroppedNode | None:
        dropped = delete(nodes).where(nodes.c.id == node_id)
        if overdue_ms is not None:
            dropped = dropped.where(_over_ms <= overdue_ms)
        row = self._connection.execute(dropped.returning(*_LEASE)).one_or_none()
        return None if row is None else DroppedNode(_lease_of(row), row.users_until_ms is not None)

    def put_lost(self, node_id: str, lease: LeaseRecord, now_ms: int) -> None:
        self._connection.execute(delete(lost_nodes).where(lost_nodes.c.seen_ms < now_ms - LOST_KEPT_MS))
        users = select(func.count()).select_from(online).where(online.c.node_id == node_id)
        values = {"id": node_id, "host": lease.host, "seen_ms": lease.renewed_ms or lease.until_ms}
        self._connection.execute(_put_lost, {**values, "users": self._connection.execute(users).scalar_one()})

    def find_dead_node(self) -> DeadNode | None:
        users = exists().where(online.c.node_id == ended_nodes.c.id)
        row = self._connection.execute(select(ended_nodes).where(users).order_by(ended_nodes.c.id).limit(1)).first()
        return None if row is None else DeadNode(row.id, row.ended_ms)
