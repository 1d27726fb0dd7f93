"""Messages that users have saved for later."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType

from sqlalchemy import Connection, bindparam, delete, func, select

from talkwire.core.domain.events import SavedChanged
from talkwire.core.ports.stores import SavedPlace
from talkwire.storage.schema import members, messages, saved_messages
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.tables.projection import Projections
from talkwire.storage.workspace import Workspace

_save = upsert(saved_messages).on_conflict_do_nothing()
_of_user = saved_messages.c.user_id == bindparam("user_id")
_forget = delete(saved_messages).where(saved_messages.c.message_id == bindparam("of_id"))


class SavedRows(Reads):
    """Reads and counts the messages that a user has saved for later. Implements `core.ports.stores.SavedMessages`."""

    def find(self, user_id: str, message_id: int) -> SavedPlace | None:
        found = select(saved_messages.c.message_id, saved_messages.c.saved_ms, saved_messages.c.pos).where(
            saved_messages.c.user_id == user_id, saved_messages.c.message_id == message_id
        )
        row = self._connection.execute(found).one_or_none()
        return None if row is None else SavedPlace(*row)

    def count(self, user_id: str) -> int:
        counted = select(func.count()).select_from(saved_messages).where(_of_user)
        return self._connection.execute(counted, {"user_id": user_id}).scalar_one()

    def of_user(
        self, user_id: str, conversation_id: str | None, before_pos: int | None, limit: int
    ) -> Sequence[SavedPlace]:
        visible = (
            select(saved_messages.c.message_id, saved_messages.c.saved_ms, saved_messages.c.pos)
            .join(messages, messages.c.id == saved_messages.c.message_id)
            .join(
                members,
                (members.c.conversation_id == messages.c.conversation_id) & (members.c.user_id == bindparam("user_id")),
            )
            .where(_of_user, messages.c.deleted_ms.is_(None), messages.c.seq > members.c.history_seq)
        )
        if conversation_id is not None:
            visible = visible.where(saved_messages.c.conversation_id == conversation_id)
        if before_pos is not None:
            visible = visible.where(saved_messages.c.pos < before_pos)
        newest_first = visible.order_by(saved_messages.c.pos.desc()).limit(limit)
        return [SavedPlace(*row) for row in self._connection.execute(newest_first, {"user_id": user_id})]


def forget_saved(connection: Connection, message_ids: Collection[int]) -> None:
    """Removes deleted messages from the saved messages of all users."""
    connection.execute(_forget, [{"of_id": id_} for id_ in message_ids])


# --- events -----------------------------------------------------------------------------------------------------------


def _changed(workspace: Workspace, event: SavedChanged) -> None:
    key = {"user_id": event.user_id, "message_id": event.message_id}
    if event.saved:
        values = key | {"conversation_id": event.conversation_id, "saved_ms": event.at_ms, "pos": event.pos}
        workspace.connection.execute(_save, values)
        return
    dropped = saved_messages.c.user_id == event.user_id, saved_messages.c.message_id == event.message_id
    workspace.connection.execute(delete(saved_messages).where(*dropped))


PROJECTIONS: Projections = MappingProxyType({SavedChanged: _changed})
