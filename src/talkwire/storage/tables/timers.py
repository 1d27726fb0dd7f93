"""The table of timers: what the server does by itself at a time.

A transaction stages its changes of timers in the workspace, and writes them together at its end. So it may set a timer
as often as it likes, and one that sets none runs no statement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Select, Text, and_, case, cast, exists, insert, literal, select, text, union_all

from talkwire.core.commands.server.timers import BAN_TIMER, CONVERSATION_BAN_TIMER, MUTE_TIMER, OFFER_TIMER, Timer
from talkwire.core.domain.model import FOR_EVER_MS
from talkwire.storage.schema import conversations, offers, restrictions, timers, users
from talkwire.storage.sql.batch import Write, delete_rows, insert_rows, resolving
from talkwire.storage.sql.reads import Reads
from talkwire.storage.workspace import Workspace

_KEY = ("kind", "key")
_put = resolving(insert_rows(timers, (*_KEY, "due_ms")), _KEY, "due_ms = excluded.due_ms")
_drop = delete_rows(timers, _KEY)


class TimerRows(Reads):
    """Reads timers. Implements `core.ports.stores.Timers`."""

    def first(self, kinds: Collection[str]) -> Timer | None:
        return next(iter(self._in_order(select(timers), kinds, 1)), None)

    def _in_order(self, statement: Select[tuple[str, str, int]], kinds: Collection[str], limit: int) -> Sequence[Timer]:
        known = statement.where(timers.c.kind.in_(sorted(kinds)))
        ordered = known.order_by(timers.c.due_ms, timers.c.kind, timers.c.key).limit(limit)
        return [Timer(row.kind, row.key, row.due_ms) for row in self._connection.execute(ordered)]


class WritableTimerRows(TimerRows):
    """Implements `core.ports.stores.WritableTimers`. The transaction runs the writes of `take_timers` at its end."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.connection)
        self._workspace = workspace

    def due(self, kinds: Collection[str], now_ms: int, limit: int) -> Sequence[Timer]:
        return self._in_order(select(timers).where(timers.c.due_ms <= now_ms), kinds, limit)

    def set(self, kind: str, key: str, due_ms: int | None) -> None:
        set_timer(self._workspace, kind, key, due_ms)

    def add_missing(self) -> None:
        self._connection.execute(insert(timers).from_select(["kind", "key", "due_ms"], union_all(*_missing())))


def set_timer(workspace: Workspace, kind: str, key: str, due_ms: int | None) -> None:
    """Sets or moves a timer to `due_ms` (milliseconds since 1970), or removes it for None."""
    workspace.timers[kind, key] = due_ms


def take_timers(workspace: Workspace) -> list[Write]:
    """Returns the database writes for the timers that were set or removed since the last call."""
    staged, workspace.timers = workspace.timers, {}
    put = [(kind, key, due_ms) for (kind, key), due_ms in staged.items() if due_ms is not None]
    dropped = [key for key, due_ms in staged.items() if due_ms is None]
    first_ms = min((due_ms for _, _, due_ms in put), default=None)
    if first_ms is not None:
        workspace.first_due_ms = first_ms
    return [*([Write(_put, put)] if put else []), *([Write(_drop, dropped)] if dropped else [])]


def _missing() -> Iterator[Select[tuple[str, str, int]]]:
    """Yields statements that find the rows whose timers are missing, with the conditions of the indexes."""
    offer_id = cast(offers.c.id, Text)
    pending = text("offers.status = 'pending' AND offers.expires_ms IS NOT NULL")
    yield _without_timer(select(literal(OFFER_TIMER), offer_id, offers.c.expires_ms).where(pending))
    banned = text("users.ban_until_ms IS NOT NULL"), users.c.banned
    yield _without_timer(select(literal(BAN_TIMER), users.c.id, users.c.ban_until_ms).where(*banned))
    kind = case((restrictions.c.kind == "ban", CONVERSATION_BAN_TIMER), else_=MUTE_TIMER)
    key = restrictions.c.conversation_id + "/" + restrictions.c.user_id
    restricted = select(kind, key, restrictions.c.until_ms).where(restrictions.c.until_ms < FOR_EVER_MS)
    is_left = and_(conversations.c.id == restrictions.c.conversation_id, conversations.c.deleted_ms.is_(None))
    yield _without_timer(restricted.join(conversations, is_left))


def _without_timer(rows: Select[tuple[str, str, int]]) -> Select[tuple[str, str, int]]:
    kind, key, _ = rows.selected_columns
    return rows.where(~exists().where(timers.c.kind == kind, timers.c.key == key))
