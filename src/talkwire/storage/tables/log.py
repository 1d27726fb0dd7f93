"""The table of the log (the ordered list of all committed events) and its head, the newest position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

import msgspec
import structlog
from sqlalchemy import Connection, Select, select

from talkwire.core.domain.audience import audience_of
from talkwire.core.domain.errors import LogReplaced
from talkwire.core.domain.events import Durable, MessageEvent, MessageSent
from talkwire.core.domain.model import Message
from talkwire.storage.clock import DatabaseMs
from talkwire.storage.lineage import IsSameLog
from talkwire.storage.schema import LOG_HEAD_ID, log, log_head
from talkwire.storage.sql.batch import Write, insert_rows, update_rows
from talkwire.storage.sql.keys import KEYS, key_number
from talkwire.storage.sql.prepared import PreparedStatement
from talkwire.storage.sql.values import AnyRow, Values, to_json

_events: msgspec.json.Decoder[Durable] = msgspec.json.Decoder(Durable)
_details: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
_logger = structlog.get_logger(__name__)

KNOWN_EVENTS = frozenset(kind.__name__ for kind in get_args(Durable))
"""Types of events that this version knows. A newer version, beside it during an upgrade, may write others."""

_UNREADABLE = (msgspec.MsgspecError, TypeError, KeyError, ValueError)
"""Errors of decoding a row that another version, or another program, has written."""

_NO_MESSAGES: Mapping[int, Message] = MappingProxyType({})

_MESSAGE_EVENTS: dict[str, type[MessageEvent]] = {kind.__name__: kind for kind in MessageEvent.__subclasses__()}

# --- statements -------------------------------------------------------------------------------------------------------

_lock_head = PreparedStatement(
    # BEGIN IMMEDIATE has locked all of SQLite.
    select(log_head.c.epoch, log_head.c.pos, DatabaseMs(), IsSameLog()).with_for_update()
)
_move_head = update_rows(log_head, ("pos",), ("id",))

log_by_pos: Select[Any] = select(log).select_from(KEYS).join(log, log.c.pos == key_number(0)).order_by(log.c.pos)
"""Statement that selects the rows of the log at the positions that are the keys."""

_SENT_COLUMNS = ("pos", "conversation_id", "message_id", "at_ms", "batch")
"""The columns that are written for a `MessageSent`, except the type."""

_COLUMNS = ("pos", "type", "conversation_id", "user_id", "message_id", "data", "at_ms", "batch")

_insert_sent = insert_rows(log, _SENT_COLUMNS, type="MessageSent")
_insert = insert_rows(log, _COLUMNS)

# --- the head ---------------------------------------------------------------------------------------------------------


def lock_head(connection: Connection) -> tuple[str, int, int | None]:
    """Locks the log's head (its newest position) until the transaction ends, so that one transaction at a time appends
    events.

    Returns (epoch of the log, newest position, the database's time in milliseconds since 1970 or None on SQLite).
    Raises LogReplaced if the database may have lost transactions (`IsSameLog`).
    """
    epoch, pos, now_ms, is_same = _locked_head(connection)
    if not is_same:
        raise LogReplaced
    return epoch, pos, now_ms


def _locked_head(connection: Connection) -> tuple[str, int, int | None, bool]:
    if connection.dialect.name == "sqlite":
        head: Any = _lock_head.rows(connection)[0]
        return tuple(head)
    from talkwire.storage.sql import pipeline  # noqa: PLC0415 (needs the package of an extra)

    found: Any = pipeline.execute(connection, _lock_head.text(connection.dialect))[0]
    epoch, pos, now_ms, is_same = found
    return epoch.decode(), int(pos), int(now_ms), is_same == b"t"


def new_log_rows(events: Sequence[Durable], sent: Sequence[MessageSent], batch_id: int) -> list[Write]:
    """Returns the database writes that append a transaction's events, at least one, to the log and move its head.
    `sent` are those of the events that are `MessageSent`. The last row gets the transaction's random `batch_id`, by
    which the writer finds out whether a commit succeeded."""
    if len(sent) == len(events):  # the usual case: nothing but messages
        rows = [_sent_values(event, None) for event in sent[:-1]]
        rows.append(_sent_values(sent[-1], batch_id))
        written = Write(_insert_sent, rows)
    else:
        rows = [_values(event, None) for event in events[:-1]]
        rows.append(_values(events[-1], batch_id))
        written = Write(_insert, rows)
    return [written, Write(_move_head, [(events[-1].pos, LOG_HEAD_ID)])]


# --- rows and values --------------------------------------------------------------------------------------------------


def _sent_values(event: MessageSent, batch: int | None) -> Values:
    """Returns the column values (`_SENT_COLUMNS`) of the log row for a `MessageSent` event. `batch` is the
    transaction's id in its last row, None in the others."""
    message = event.message
    return event.pos, message.conversation_id, message.id, event.at_ms, batch


def _values(event: Durable, batch: int | None) -> Values:
    """Returns the column values (`_COLUMNS`) of an event's log row. `batch` is the transaction's id in its last row,
    None in the others."""
    if type(event) is MessageSent:
        message = event.message
        return event.pos, "MessageSent", message.conversation_id, None, message.id, None, event.at_ms, batch
    audience = audience_of(event)
    return (
        event.pos,
        type(event).__name__,
        audience.conversation_id,
        audience.user_id,
        event.message.id if isinstance(event, MessageEvent) else None,
        data_of(event),
        event.at_ms,
        batch,
    )


def data_of(event: Durable) -> str | None:
    """Returns the JSON for the log column `data` of an event other than `MessageSent`. Leaves out the message of an
    event about a message, which is read from its own table."""
    return to_json(_beside_the_message(event) if isinstance(event, MessageEvent) else event)


def _beside_the_message(event: MessageEvent) -> Any:  # noqa: ANN401 (JSON)
    details = msgspec.structs.asdict(event)
    for name in ("pos", "at_ms", "message"):
        del details[name]
    return details


def _to_event(row: AnyRow, message: Message | None) -> Durable:
    """Builds an event from a log row. `message` is the message that the row refers to, in its current state, or None if
    it refers to none. Raises one of `_UNREADABLE` for a row that this version cannot decode."""
    if message is None:
        return _events.decode(row.data)
    kind = _MESSAGE_EVENTS[row.type]
    details = {} if row.data is None else _details.decode(row.data)
    # A newer version may store more of an event.
    known = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in details.items()
        if name in kind.__struct_fields__
    }
    event: Any = kind(row.pos, row.at_ms, message, **known)
    return event  # type: ignore[no-any-return]  # one of the union's members, by its name


def to_events(rows: Iterable[AnyRow], messages: Mapping[int, Message] = _NO_MESSAGES) -> list[Durable]:
    """Builds events from log rows, in their order. `messages` has the messages that the rows refer to, by id. Logs and
    skips rows that this version cannot decode, such as those of a newer version, so that later events need not wait for
    them."""
    events = []
    for row in rows:
        if row.type not in KNOWN_EVENTS:
            _warn_of_newer_event(row.type)
            continue
        try:
            events.append(_to_event(row, messages.get(row.message_id)))
        except _UNREADABLE as error:
            cause = str(error)
            _logger.error("event_not_readable", type=row.type, pos=row.pos, error=cause)  # noqa: TRY400
    return events


@cache
def _warn_of_newer_event(type_: str) -> None:
    """Logs that an event type is unknown, once for each type, since there may be many such events."""
    _logger.warning("newer_event_skipped", type=type_)
