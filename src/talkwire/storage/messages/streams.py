"""The table of streams: messages that are being written, or whose writing was interrupted and may be continued."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import asdict, replace
from sqlalchemy import bindparam, delete, func, select, update

from talkwire.core.commands.streams.storing import Checkpoint, KeptStreams
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.streams import ANSWERS_STOPPED_MS, StopRequest, Stream
from talkwire.storage.messages.changes import write_messages
from talkwire.storage.messages.messages import to_extra
from talkwire.storage.schema import messages, stopped_answers, streams
from talkwire.storage.sql.keys import KEYS, key_number, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import to_json
from talkwire.storage.workspace import Workspace

_put = upsert(streams)
_put = _put.on_conflict_do_update(
    index_elements=["message_id"],
    set_={
        column: _put.excluded[column]
        for column in ("attempt", "node_id", "lease_ms", "until_ms", "has_ended", "stopped_by", "stopped_ms")
    },
)
_stop = upsert(stopped_answers)
_stop = _stop.on_conflict_do_update(
    index_elements=["message_id"], set_={column: _stop.excluded[column] for column in ("stopped_by", "stopped_ms")}
)
_drop = delete(streams).where(streams.c.message_id == bindparam("of_id"))
_kept = (
    select(
        streams.c.message_id,
        streams.c.attempt,
        streams.c.lease_ms,
        streams.c.stopped_by,
        streams.c.stopped_ms,
        messages.c.extra,
    )
    .select_from(KEYS)
    .join(streams, streams.c.message_id == key_number(0))
    .join(messages, messages.c.id == streams.c.message_id)
    .where(streams.c.node_id == bindparam("node_id"))
)
_renew = update(streams).where(streams.c.message_id == bindparam("of_id")).values(until_ms=bindparam("new_until_ms"))
_set_extra = update(messages).where(messages.c.id == bindparam("of_id")).values(extra=bindparam("written"))


class StreamRows(Reads):
    """Reads streams. Implements `core.ports.stores.Streams`."""

    def find(self, message_id: int) -> Stream | None:
        row = self._connection.execute(select(streams).where(streams.c.message_id == message_id)).one_or_none()
        return None if row is None else Stream(**row._mapping)


class WritableStreamRows(StreamRows):
    """Implements `core.ports.stores.WritableStreams`."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.connection)
        self._workspace = workspace

    def put(self, stream: Stream) -> None:
        self._connection.execute(_put, asdict(stream))

    def drop(self, message_id: int) -> None:
        self._connection.execute(_drop, {"of_id": message_id})

    def keep(self, node_id: str, checkpoints: Collection[Checkpoint]) -> KeptStreams:
        workspace = self._workspace
        write_messages(workspace)
        parameters = keys_parameter([(str(each.message_id),) for each in checkpoints])
        found = {row.message_id: row for row in self._connection.execute(_kept, {**parameters, "node_id": node_id})}
        kept = [
            (each, found[each.message_id])
            for each in checkpoints
            if each.message_id in found and found[each.message_id].attempt == each.attempt
        ]
        if kept:
            written = [
                {"of_id": each.message_id, "written": to_json(replace(to_extra(row.extra), parts=each.parts))}
                for each, row in kept
            ]
            self._connection.execute(_set_extra, written)
            renewed = [{"of_id": row.message_id, "new_until_ms": workspace.now_ms + row.lease_ms} for _, row in kept]
            self._connection.execute(_renew, renewed)
        known = {each.message_id for each, _ in kept}
        for message_id in known:
            workspace.forget_message(message_id)
        return KeptStreams(
            tuple(each.message_id for each in checkpoints if each.message_id not in known),
            {
                row.message_id: StopRequest(row.stopped_by, row.stopped_ms)
                for _, row in kept
                if row.stopped_by is not None
            },
        )

    def count_open(self, author_id: str) -> int:
        is_open = (streams.c.author_id == author_id) & (streams.c.node_id != "")
        return self._connection.execute(select(func.count()).select_from(streams).where(is_open)).scalar_one()

    def answers(self, message: Message) -> Sequence[Stream]:
        write_messages(self._workspace)
        found = select(streams).join(messages, messages.c.id == streams.c.message_id)
        found = found.where(streams.c.conversation_id == message.conversation_id, messages.c.reply_to_id == message.id)
        return [Stream(**row._mapping) for row in self._connection.execute(found.order_by(streams.c.message_id))]

    def stop_answers(self, message_id: int, by: str) -> None:
        now_ms = self._workspace.now_ms
        old = stopped_answers.c.stopped_ms <= now_ms - ANSWERS_STOPPED_MS
        self._connection.execute(delete(stopped_answers).where(old))
        self._connection.execute(_stop, {"message_id": message_id, "stopped_by": by, "stopped_ms": now_ms})

    def answers_stopped_by(self, message_id: int) -> str | None:
        is_new = stopped_answers.c.stopped_ms > self._workspace.now_ms - ANSWERS_STOPPED_MS
        found = select(stopped_answers.c.stopped_by).where(stopped_answers.c.message_id == message_id, is_new)
        return self._connection.execute(found).scalar_one_or_none()
