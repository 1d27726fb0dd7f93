"""The table of stored results: if a client repeats a request with the same `Idempotency-Key`, it gets the
first result."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, insert, select

from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.ports.stores import StoredAnswer
from talkwire.storage.schema import answers
from talkwire.storage.sql.reads import Reads


class AnswerRows(Reads):
    """Reads the stored results of requests with an `Idempotency-Key`. Implements `core.ports.stores.StoredAnswers`."""

    def find(self, key: IdempotencyKey) -> StoredAnswer | None:
        row = self._connection.execute(select(answers).where(_is(key))).one_or_none()
        return None if row is None else StoredAnswer(row.command_hash, row.result, row.expires_ms)


class WritableAnswerRows(AnswerRows):
    def keep(self, key: IdempotencyKey, answer: StoredAnswer) -> None:
        values = {
            "user_id": key.user_id,
            "route": key.route,
            "key": key.key,
            "command_hash": answer.command_hash,
            "result": answer.result,
            "expires_ms": answer.expires_ms,
        }
        self._connection.execute(insert(answers), values)

    def drop_expired(self, now_ms: int) -> None:
        self._connection.execute(delete(answers).where(answers.c.expires_ms <= now_ms))


def _is(key: IdempotencyKey) -> ColumnElement[bool]:
    return (answers.c.user_id == key.user_id) & (answers.c.route == key.route) & (answers.c.key == key.key)
