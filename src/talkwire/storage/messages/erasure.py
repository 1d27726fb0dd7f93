"""Finds and removes the texts of an erased user, one range of the log after the other.

Messages, offers (prices that members propose) and reactions have no index by user, which would make every send more
expensive. So the ranges are read on a reader thread, and the writer only changes the rows that were found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, or_, select, tuple_, update

from talkwire.core.commands.server.erasure import ErasureStep, LogRow, PendingErasure
from talkwire.core.domain.events import Durable
from talkwire.core.domain.log.positions import begins_after, id_at, log_of, pos_of
from talkwire.storage.messages.cards import forget_choices_of_user
from talkwire.storage.messages.changes import write_messages
from talkwire.storage.messages.messages import messages_by_id
from talkwire.storage.messages.ratings import forget_ratings_of_user
from talkwire.storage.messages.search import WordTable
from talkwire.storage.schema import answers, log, log_head, members, messages, notifications, offers, reactions
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import to_json
from talkwire.storage.tables.erasures import drop_pending, find_pending, put_pending
from talkwire.storage.tables.log import data_of, to_events
from talkwire.storage.workspace import Workspace

SEARCHED_POSITIONS = 20_000
"""Number of log positions that one statement searches."""

RANGES_AT_ONCE = 10
"""Most ranges that one step searches while it finds nothing."""

TEXTS_AT_ONCE = 50
"""Most messages, and most offers, that one step redacts: about 20 ms, during which nobody can send."""

ROWS_CLEANED_AT_ONCE = 200
"""Most events of the log, notifications, stored results, ratings and choices of cards that one step cleans."""

_WRITERS = offers.c.author_id, offers.c.title_by, offers.c.description_by
"""The columns of an offer with the users who wrote its texts."""

_rewrite = update(log).where(log.c.pos == bindparam("at_pos")).values(data=bindparam("new_data"))


class ErasureRows(Reads):
    """Finds what is left of erased users. Implements `core.ports.stores.Erasures`."""

    def next_pending(self) -> PendingErasure | None:
        return find_pending(self._connection)

    def pending(self, user_id: str) -> PendingErasure | None:
        return find_pending(self._connection, user_id)

    def texts(self, pending: PendingErasure) -> ErasureStep:
        head = self._head()
        until = _begin(pending, head)
        found: Sequence[Sequence[int]] = ()
        for _ in range(RANGES_AT_ONCE):
            after, until = until, min(until + SEARCHED_POSITIONS, head)
            found = [self._ids(statement, after, until) for statement in _texts_of(pending.user_id)]
            if any(found) or until == head:
                break
        # Where there are more than one step takes, the step ends with the first kind of which more are left.
        full = [pos_of(ids[-1]) for ids in found if len(ids) == TEXTS_AT_ONCE]
        until = min([until, *full])
        message_ids, reacted_ids, offer_ids = (tuple(id_ for id_ in ids if id_ <= id_at(until)) for ids in found)
        is_last = until == head and not any(found)
        return ErasureStep(pending, until, is_last, message_ids, reacted_ids, offer_ids)

    def _ids(self, statement: Select[Any], after: int, until: int) -> Sequence[int]:
        bounds = {"after_id": id_at(after), "until_id": id_at(until)}
        return self._connection.execute(statement, bounds).scalars().all()

    def log_rows(
        self, pending: PendingErasure, types: Collection[str], without_texts: Callable[[Durable], Durable]
    ) -> ErasureStep:
        head, cleaned = self._head(), list[LogRow]()
        until = _begin(pending, head)
        for _ in range(RANGES_AT_ONCE):
            after, until = until, min(until + SEARCHED_POSITIONS, head)
            rows = self._mentioning(pending.user_id, types, after, until)
            cleaned = self._cleaned(rows, without_texts)
            if len(rows) == ROWS_CLEANED_AT_ONCE:
                until = rows[-1].pos
                break
            if cleaned or until == head:
                break
        return ErasureStep(pending, until, is_last=until == head, log_rows=tuple(cleaned))

    def _mentioning(self, user_id: str, types: Collection[str], after: int, until: int) -> Sequence[Any]:
        named = log.c.type.in_(types), _names(log.c.data, user_id)
        rows = select(log).where(log.c.pos > after, log.c.pos <= until, *named)
        return self._connection.execute(rows.order_by(log.c.pos).limit(ROWS_CLEANED_AT_ONCE)).all()

    def _cleaned(self, rows: Sequence[Any], without_texts: Callable[[Durable], Durable]) -> list[LogRow]:
        message_ids = {row.message_id for row in rows if row.message_id is not None}
        events = to_events(rows, messages_by_id(self._connection, message_ids))
        changed = ((event, without_texts(event)) for event in events)
        return [LogRow(after.pos, data_of(after)) for before, after in changed if after != before]

    def _head(self) -> int:
        head: int = self._connection.execute(select(log_head.c.pos)).scalar_one()
        return head

    def owned_conversations(self, user_id: str) -> Sequence[str]:
        owned = select(members.c.conversation_id).where(members.c.user_id == user_id, members.c.role == "owner")
        found = owned.order_by(members.c.conversation_id).limit(TEXTS_AT_ONCE)
        return self._connection.execute(found).scalars().all()


class WritableErasureRows(ErasureRows):
    """Removes what is left of erased users. Implements `core.ports.stores.WritableErasures`. `workspace` contains the
    transaction's uncommitted changes."""

    def __init__(self, connection: Connection, workspace: Workspace) -> None:
        super().__init__(connection)
        self._workspace = workspace

    def put(self, pending: PendingErasure) -> None:
        put_pending(self._connection, pending)

    def end(self, user_id: str) -> None:
        drop_pending(self._connection, user_id)

    def forget_client_ids(self, user_id: str, message_ids: Collection[int]) -> None:
        if not message_ids:
            return
        write_messages(self._workspace)
        self._workspace.forget_messages()
        cleared = messages.c.id.in_(message_ids), messages.c.deleted_ms.is_not(None)
        self._connection.execute(
            update(messages)
            .where(*cleared, messages.c.sender_id == user_id)
            .values(client_message_id=None, command_hash=None)
        )
        gone = self._connection.execute(select(messages.c.id).where(*cleared)).scalars().all()
        WordTable(self._connection.dialect).put(self._connection, dict.fromkeys(gone, ()))

    def rewrite_log(self, rows: Sequence[LogRow]) -> None:
        if rows:
            self._connection.execute(_rewrite, [{"at_pos": row.pos, "new_data": row.data} for row in rows])

    def drop_rows(self, user_id: str) -> bool:
        found = select(notifications.c.id).where(notifications.c.user_id == user_id).limit(ROWS_CLEANED_AT_ONCE)
        ids = self._connection.execute(found).scalars().all()
        if ids:
            own = notifications.c.user_id == user_id, notifications.c.id.in_(ids)
            self._connection.execute(delete(notifications).where(*own))
        key = answers.c.user_id, answers.c.route, answers.c.key
        keys = self._connection.execute(
            select(*key).where(_names(answers.c.result, user_id)).limit(ROWS_CLEANED_AT_ONCE)
        ).all()
        if keys:
            self._connection.execute(delete(answers).where(tuple_(*key).in_([tuple(row) for row in keys])))
        ratings = forget_ratings_of_user(self._connection, user_id, ROWS_CLEANED_AT_ONCE)
        choices = forget_choices_of_user(self._workspace, user_id, ROWS_CLEANED_AT_ONCE)
        return ROWS_CLEANED_AT_ONCE in {len(ids), len(keys), ratings, choices}


def _texts_of(user_id: str) -> tuple[Select[Any], Select[Any], Select[Any]]:
    """Returns three queries for ids: of messages that the user wrote and of forwarded copies of them, of messages to
    which the user reacted, and of offers (proposed prices) with texts of the user.

    Each returns the first TEXTS_AT_ONCE ids with `after_id` < id <= `until_id`, which are its parameters.
    """
    # Without its content, a tombstone still has the id that the user's client gave it.
    own = (messages.c.sender_id == user_id) & or_(
        messages.c.deleted_ms.is_(None), messages.c.client_message_id.is_not(None)
    )
    origin = f'"sender_id":{to_json(user_id)}'
    copied = messages.c.deleted_ms.is_(None) & messages.c.extra.contains(origin, autoescape=True)
    return (
        _in_range(messages.c.id, or_(own, copied)),
        _in_range(reactions.c.message_id, reactions.c.user_id == user_id),
        _in_range(offers.c.id, or_(*(column == user_id for column in _WRITERS))),
    )


def _in_range(id_: ColumnElement[int], condition: ColumnElement[bool]) -> Select[Any]:
    between = id_ > bindparam("after_id"), id_ <= bindparam("until_id")
    return select(id_).where(*between, condition).distinct().order_by(id_).limit(TEXTS_AT_ONCE)


def _names(json: ColumnElement[Any], user_id: str) -> ColumnElement[bool]:
    """Returns the SQL condition that a JSON text contains `user_id` as a whole string. The string may also be something
    else than a user's id, such as a text of one word."""
    return json.contains(to_json(user_id) or "", autoescape=True)


def _begin(pending: PendingErasure, head: int) -> int:
    """Returns the position after which the next step of an erasure begins. `head` is the log's newest position."""
    return max(pending.after_pos, begins_after(log_of(head)))
