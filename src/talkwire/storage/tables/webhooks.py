"""The tables of webhooks: endpoints that receive events, planned retries, and the newest attempts."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import msgspec
from msgspec.structs import asdict
from sqlalchemy import delete, func, insert, select, update

from talkwire.core.domain.events import WebhookChanged
from talkwire.core.domain.integration.webhooks import Webhook, WebhookAttempt, WebhookSigning
from talkwire.core.ports.stores import LogBounds
from talkwire.storage.schema import log_head, webhook_attempts, webhook_retries, webhooks
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, from_json, to_json
from talkwire.storage.tables.projection import Projections
from talkwire.storage.workspace import Workspace

_attempts: msgspec.json.Decoder[tuple[WebhookAttempt, ...]] = msgspec.json.Decoder(tuple[WebhookAttempt, ...])
_FIELDS = Webhook.__struct_fields__
_LISTS = ("types", "conversation_ids")


class WebhookRows(Reads):
    """Reads webhooks. Implements `core.ports.stores.Webhooks`."""

    def find(self, webhook_id: str) -> Webhook | None:
        row = self._connection.execute(select(webhooks).where(webhooks.c.id == webhook_id)).one_or_none()
        return None if row is None else to_webhook(row)

    def list_all(self) -> Sequence[Webhook]:
        # All ids have the same length, so the order of texts is that of the log.
        return [to_webhook(row) for row in self._connection.execute(select(webhooks).order_by(webhooks.c.id))]

    def signing(self, webhook_id: str, now_ms: int) -> WebhookSigning | None:
        row = self._connection.execute(select(webhooks).where(webhooks.c.id == webhook_id)).one_or_none()
        return None if row is None else to_signing(row, now_ms)

    def failing(self, webhook_id: str) -> tuple[int, int | None]:
        found = select(func.count(), func.min(webhook_retries.c.first_ms))
        count, first_ms = self._connection.execute(found.where(webhook_retries.c.webhook_id == webhook_id)).one()
        return count, first_ms

    def attempts(self, webhook_id: str) -> Sequence[WebhookAttempt]:
        found = select(webhook_attempts.c.attempts).where(webhook_attempts.c.webhook_id == webhook_id)
        stored = self._connection.execute(found).scalar_one_or_none()
        return () if stored is None else _attempts.decode(stored)

    def log_bounds(self) -> LogBounds:
        row = self._connection.execute(select(log_head.c.epoch, log_head.c.floor, log_head.c.pos)).one()
        return LogBounds(*row)


class WritableWebhookRows(WebhookRows):
    def add(self, webhook: Webhook, secret: str) -> None:
        self._connection.execute(insert(webhooks), _values(webhook) | {"secret": secret})

    def put(self, webhook: Webhook) -> None:
        values = _values(webhook)
        del values["pos"], values["rewinds"]
        self._connection.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(values))

    def rewind(self, webhook_id: str, pos: int) -> None:
        rewound = update(webhooks).where(webhooks.c.id == webhook_id)
        self._connection.execute(rewound.values(pos=pos, rewinds=webhooks.c.rewinds + 1))
        self._connection.execute(delete(webhook_retries).where(webhook_retries.c.webhook_id == webhook_id))

    def rotate(self, webhook_id: str, secret: str, old_until_ms: int) -> None:
        rotated = update(webhooks).where(webhooks.c.id == webhook_id)
        self._connection.execute(
            rotated.values(old_secret=webhooks.c.secret, old_secret_until_ms=old_until_ms, secret=secret)
        )

    def remove(self, webhook_id: str) -> None:
        self._connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
        for table in (webhook_retries, webhook_attempts):
            self._connection.execute(delete(table).where(table.c.webhook_id == webhook_id))


def to_webhook(row: AnyRow) -> Webhook:
    values = {name: getattr(row, name) for name in _FIELDS}
    for name in _LISTS:
        values[name] = None if values[name] is None else tuple(from_json(values[name]))
    return Webhook(**values)


def to_signing(row: AnyRow, now_ms: int) -> WebhookSigning:
    """Returns a webhook's address and signing secrets from its row. After a rotation the previous secret is included
    until it expires; `now_ms` is the time in milliseconds since 1970."""
    has_old = row.old_secret is not None and row.old_secret_until_ms > now_ms
    return WebhookSigning(row.url, (row.secret, row.old_secret) if has_old else (row.secret,))


def _values(webhook: Webhook) -> dict[str, object]:
    values: dict[str, object] = asdict(webhook)
    return values | {name: to_json(values[name]) for name in _LISTS}


def _changed(workspace: Workspace, event: WebhookChanged) -> None:
    """Does nothing for a `WebhookChanged` event: the command has written the rows, since the event must not contain the
    secret."""


PROJECTIONS: Projections = MappingProxyType({WebhookChanged: _changed})
