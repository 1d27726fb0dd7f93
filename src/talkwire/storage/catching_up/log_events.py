"""Reads events of the log (the ordered list of all committed events) without regard to who may see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, bindparam, or_, select

from talkwire.core.commands.sync import LogFilter
from talkwire.core.domain.audience import IN_CONVERSATIONS_OF_ONE_USER
from talkwire.core.domain.events import Durable, UserRenamed, UserUpdated
from talkwire.core.ports.stores import LogWindow
from talkwire.storage.messages.messages import messages_by_id
from talkwire.storage.schema import log
from talkwire.storage.sql.values import AnyRow
from talkwire.storage.tables.log import to_events
from talkwire.storage.tables.users import UserReads

_window: Select[Any] = (
    select(log)
    .where(
        log.c.pos > bindparam("after", type_=BigInteger),
        log.c.pos <= bindparam("until", type_=BigInteger),
    )
    .order_by(log.c.pos)
    .limit(bindparam("limit"))
)
_of_types = log.c.type.in_(bindparam("types", expanding=True))
_of_conversations = or_(
    log.c.conversation_id.in_(bindparam("conversation_ids", expanding=True)),
    # Their column is empty: it is for the members of the conversation.
    and_(
        log.c.conversation_id.is_(None), log.c.type.in_(sorted(kind.__name__ for kind in IN_CONVERSATIONS_OF_ONE_USER))
    ),
)


def read_events(connection: Connection, rows: Sequence[AnyRow]) -> list[Durable]:
    """Builds events from rows of the log table, and leaves out events that this version cannot decode. Messages in the
    events are in their current state, with later edits and deletions."""
    message_ids = {row.message_id for row in rows if row.message_id is not None}
    return to_events(rows, messages_by_id(connection, message_ids))


def read_window(connection: Connection, wanted: LogFilter, after_pos: int, until_pos: int, limit: int) -> LogWindow:
    """Returns at most `limit` events of the log with `after_pos` < position <= `until_pos` that the filter selects, in
    order, and the position up to which the log was searched. Messages are in their current state.

    Implements `core.ports.stores.SyncLog.log_window`.
    """
    rows = _rows(connection, wanted, {"after": after_pos, "until": until_pos, "limit": limit})
    versions = map(wanted.version_of, read_events(connection, rows))
    events = [event for event in versions if event is not None]
    return LogWindow(_with_users(connection, events), rows[-1].pos if len(rows) == limit else until_pos)


def _rows(connection: Connection, wanted: LogFilter, parameters: dict[str, Any]) -> Sequence[AnyRow]:
    statement = _window
    types = wanted.stored_types
    if types is not None:
        statement = statement.where(_of_types)
        parameters["types"] = sorted(types)
    if wanted.conversation_ids is not None:
        statement = statement.where(_of_conversations)
        parameters["conversation_ids"] = sorted(wanted.conversation_ids)
    return connection.execute(statement, parameters).all()


def _with_users(connection: Connection, events: Sequence[Durable]) -> Sequence[Durable]:
    """Returns the events, with each `UserRenamed`, which has only a name, replaced by a `UserUpdated` with the user's
    current state."""
    renamed = {event.user_id for event in events if isinstance(event, UserRenamed)}
    if not renamed:
        return events
    users = UserReads(connection).users(renamed)
    return [
        UserUpdated(event.pos, event.at_ms, users[event.user_id]) if isinstance(event, UserRenamed) else event
        for event in events
    ]
