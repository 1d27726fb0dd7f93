"""The tables of sessions that can be recovered after a broken connection, of nodes that have ended, and of secrets that
nodes share."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import BigInteger, BindParameter, bindparam, delete, insert, select, update

from talkwire.core.commands.server.recovery import StoredSession
from talkwire.storage.schema import ended_nodes, nodes, secrets, session_rooms, sessions
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert

_put = upsert(sessions)
_put_session = _put.on_conflict_do_update(
    index_elements=["socket_id"], set_={name: _put.excluded[name] for name in ("node_id", "ended_ms", "changed_ms")}
)
_room = upsert(session_rooms)
_put_room = _room.on_conflict_do_update(
    index_elements=["socket_id", "conversation_id"],
    set_={name: _room.excluded[name] for name in ("opened", "changed_ms")},
)
_ended = upsert(ended_nodes)
_put_ended_node = _ended.on_conflict_do_update(index_elements=["id"], set_={"ended_ms": _ended.excluded.ended_ms})

_named = select(key_text(0)).select_from(KEYS)
_now_ms: BindParameter[int] = bindparam("now_ms", type_=BigInteger)
_refresh_sessions = update(sessions).where(sessions.c.socket_id.in_(_named)).values(changed_ms=_now_ms)
_refresh_rooms = update(session_rooms).where(session_rooms.c.socket_id.in_(_named)).values(changed_ms=_now_ms)


class SessionRows(Reads):
    """Reads the stored state of recoverable sessions: the node on which each one continues or was ended, and the
    conversations that its socket has opened or closed. Implements `core.ports.stores.Sessions`."""

    def find(self, socket_id: str, node_id: str, now_ms: int) -> StoredSession:
        moved = self._connection.execute(select(sessions).where(sessions.c.socket_id == socket_id)).one_or_none()
        rooms = self._connection.execute(
            select(session_rooms.c.conversation_id, session_rooms.c.opened).where(
                session_rooms.c.socket_id == socket_id
            )
        )
        last_node_id = node_id if moved is None else moved.node_id
        last_seen_ms = self._last_seen_ms(last_node_id)
        return StoredSession(
            last_node_id,
            None if last_seen_ms is None else max(0, now_ms - last_seen_ms),
            moved is not None and moved.ended_ms is not None,
            {row.conversation_id: row.opened for row in rooms},
        )

    def _last_seen_ms(self, node_id: str) -> int | None:
        lease = select(nodes.c.lease_until_ms).where(nodes.c.id == node_id)
        ended = select(ended_nodes.c.ended_ms).where(ended_nodes.c.id == node_id)
        found: int | None = self._connection.execute(lease).scalar_one_or_none()
        return self._connection.execute(ended).scalar_one_or_none() if found is None else found


class WritableSessionRows(SessionRows):
    def ensure_secret(self, name: str, value: str) -> str:
        stored = self._connection.execute(select(secrets.c.value).where(secrets.c.name == name)).scalar_one_or_none()
        if stored is None:
            # The log's head is locked, so no other node does the same now.
            self._connection.execute(insert(secrets), {"name": name, "value": value})
        return value if stored is None else stored

    def put(self, socket_id: str, node_id: str, ended_ms: int | None, now_ms: int) -> None:
        row = {"socket_id": socket_id, "node_id": node_id, "ended_ms": ended_ms, "changed_ms": now_ms}
        self._connection.execute(_put_session, row)

    def put_room(self, socket_id: str, conversation_id: str, opened: bool | None, now_ms: int) -> None:  # noqa: FBT001
        key = {"socket_id": socket_id, "conversation_id": conversation_id}
        if opened is None:
            self._connection.execute(
                delete(session_rooms).where(
                    session_rooms.c.socket_id == socket_id, session_rooms.c.conversation_id == conversation_id
                )
            )
        else:
            self._connection.execute(_put_room, {**key, "opened": opened, "changed_ms": now_ms})

    def end_all_of_node(self, node_id: str, ended_ms: int) -> None:
        self._connection.execute(_put_ended_node, {"id": node_id, "ended_ms": ended_ms})

    def refresh(self, socket_ids: Collection[str], now_ms: int) -> None:
        if socket_ids:
            parameters = {**keys_parameter([(id_,) for id_ in socket_ids]), "now_ms": now_ms}
            self._connection.execute(_refresh_sessions, parameters)
            self._connection.execute(_refresh_rooms, parameters)

    def prune(self, before_ms: int) -> None:
        self._connection.execute(delete(sessions).where(sessions.c.changed_ms < before_ms))
        self._connection.execute(delete(session_rooms).where(session_rooms.c.changed_ms < before_ms))
        self._connection.execute(delete(ended_nodes).where(ended_nodes.c.ended_ms < before_ms))
