"""The table of calls in progress, with the node (server process) that holds each call's state."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select, update

from talkwire.core.commands.calls import CallRecord
from talkwire.storage.schema import calls
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow

_ids = msgspec.json.Decoder(tuple[str, ...])


class CallRows(Reads):
    """Reads the table of calls in progress. Implements `core.ports.stores.Calls`."""

    def find(self, conversation_id: str) -> CallRecord | None:
        row = self._connection.execute(select(calls).where(calls.c.conversation_id == conversation_id)).one_or_none()
        return None if row is None else _to_record(row)


class WritableCallRows(CallRows):
    def claim(self, record: CallRecord) -> CallRecord | None:
        values = msgspec.structs.asdict(record)
        values |= {name: msgspec.json.encode(values[name]).decode() for name in ("member_ids", "ringing_ids")}
        self._connection.execute(upsert(calls).on_conflict_do_nothing(), values)
        return self.find(record.conversation_id)

    def set_ringing(self, conversation_id: str, node_id: str, ringing_ids: Sequence[str]) -> None:
        own = calls.c.conversation_id == conversation_id, calls.c.node_id == node_id
        ringing = msgspec.json.encode(ringing_ids).decode()
        self._connection.execute(update(calls).where(*own).values(ringing_ids=ringing))

    def drop(self, conversation_id: str, node_id: str) -> bool:
        own = calls.c.conversation_id == conversation_id, calls.c.node_id == node_id
        return bool(self._connection.execute(delete(calls).where(*own)).rowcount)

    def drop_node(self, node_id: str) -> Sequence[CallRecord]:
        dropped = delete(calls).where(calls.c.node_id == node_id).returning(calls)
        return [_to_record(row) for row in self._connection.execute(dropped)]


def _to_record(row: AnyRow) -> CallRecord:
    member_ids, ringing_ids = _ids.decode(row.member_ids), _ids.decode(row.ringing_ids)
    return CallRecord(row.conversation_id, row.call_id, row.node_id, row.caller_id, member_ids, ringing_ids)
