"""Stores the progress of webhook deliveries: which node delivers to an endpoint, the reached log position, planned
retries and recent attempts.

One node at a time delivers to an endpoint. It has claimed the webhook's row, and the claim lasts as long as the node's
lease.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, delete, or_, select, update

from talkwire.core.commands.sync import LogFilter
from talkwire.core.domain.events import Durable
from talkwire.core.domain.integration.webhooks import DisabledReason, Webhook, WebhookAttempt, WebhookRetry
from talkwire.storage.catching_up.log_events import read_window
from talkwire.storage.clock import now_column
from talkwire.storage.schema import log_head, nodes, webhook_attempts, webhook_retries, webhooks
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import to_json
from talkwire.storage.tables.webhooks import WebhookRows, to_signing, to_webhook

WEBHOOK_POSITIONS_MAX = 10_000
"""Most log positions that one call of `WebhookStore.read` searches."""

Transact = Callable[[Callable[[Connection], Any]], Any]


class WebhookState(NamedTuple):
    """A stored webhook. Each of its `secrets` adds a signature to its requests; `mine` says whether this node has
    claimed the webhook and delivers its events."""

    webhook: Webhook
    secrets: tuple[str, ...]
    mine: bool


class WebhookBacklog(NamedTuple):
    """What earlier deliveries of a webhook have left in the database: `retries`, the planned retries by key (a
    conversation or user), and `attempts`, the newest attempts."""

    retries: Mapping[str, WebhookRetry]
    attempts: Sequence[WebhookAttempt]


class LogPart(NamedTuple):
    """The result of one search of the log for a webhook: the events found, and the position `reached` up to which the
    log was searched. `epoch` is the log's epoch and `head` its newest position; events up to `floor` have been
    deleted."""

    events: Sequence[Durable]
    epoch: str
    reached: int
    head: int
    floor: int


class WebhookProgress(msgspec.Struct, frozen=True):
    """A change of the stored progress of one webhook's delivery.

    `pos` is the log position that the delivery has reached. `rewinds` is how often the webhook had been reset to
    another position when the delivery began; if the stored number is another one, nothing is stored. `retries` has the
    keys (conversations or users) whose planned retry has changed; None as the value removes the key's retry. With
    `attempts` None, the stored attempts stay. A `disabled_reason` disables the webhook; None leaves it enabled.
    `released` lets another node claim it.
    """

    webhook_id: str
    rewinds: int
    pos: int
    retries: dict[str, WebhookRetry | None]
    attempts: tuple[WebhookAttempt, ...] | None = None
    disabled_reason: DisabledReason | None = None
    released: bool = False


class WebhookStore:
    """Reads and stores the webhooks and their delivery progress for the node `node_id`. All methods block.

    `reading` is a `reading_engine`, which `close` disposes of. `transact` runs a function in a transaction on the
    writer's thread, so that on SQLite nobody waits for the write lock. `clock_ms` returns the current time in
    milliseconds since 1970; on PostgreSQL, leases are compared with the database's clock instead.
    """

    def __init__(self, reading: Engine, transact: Transact, node_id: str, clock_ms: Callable[[], int]) -> None:
        self._reading = reading
        self._transact = transact
        self._node_id = node_id
        self._clock_ms = clock_ms

    def close(self) -> None:
        self._reading.dispose()

    def any_enabled(self) -> bool:
        """Returns whether any webhook is enabled, so that events have to be delivered."""
        with self._reading.begin() as connection:
            found = select(webhooks.c.id).where(webhooks.c.enabled).limit(1)
            return connection.execute(found).first() is not None

    def claim(self) -> Sequence[WebhookState]:
        """Claims for this node the enabled webhooks that no living node has claimed, if this node has a valid lease.
        Returns all webhooks, also disabled ones and those of other nodes."""
        with self._reading.begin() as connection:
            free = connection.execute(select(webhooks.c.id).where(self._is_free()).limit(1)).first() is not None
        if free:
            claimed = update(webhooks).where(self._is_free()).values(node_id=self._node_id)
            self._transact(lambda writing: writing.execute(claimed))
        with self._reading.begin() as connection:
            rows = connection.execute(select(webhooks).order_by(webhooks.c.id)).all()
        now_ms = self._clock_ms()
        return [WebhookState(to_webhook(row), to_signing(row, now_ms).secrets, self._has(row.node_id)) for row in rows]

    def _has(self, node_id: str | None) -> bool:
        return node_id == self._node_id

    def _is_free(self) -> ColumnElement[bool]:
        now = now_column(self._reading.dialect, self._clock_ms)
        alive = select(nodes.c.id).where(nodes.c.lease_until_ms > now)
        nobodys = or_(webhooks.c.node_id.is_(None), webhooks.c.node_id.not_in(alive))
        # A node without a lease would lose its claim to the next one.
        here = select(nodes.c.id).where(nodes.c.id == self._node_id, nodes.c.lease_until_ms > now).exists()
        return webhooks.c.enabled & nobodys & here

    def load(self, webhook_id: str) -> tuple[WebhookState | None, WebhookBacklog]:
        """Returns (the webhook, or None if it is disabled, deleted or not claimed by this node; the retries and
        attempts that earlier deliveries left)."""
        with self._reading.begin() as connection:
            mine = webhooks.c.id == webhook_id, webhooks.c.node_id == self._node_id, webhooks.c.enabled
            row = connection.execute(select(webhooks).where(*mine)).one_or_none()
            rows = connection.execute(select(webhook_retries).where(webhook_retries.c.webhook_id == webhook_id)).all()
            attempts = WebhookRows(connection).attempts(webhook_id)
        retries = {each.key: WebhookRetry(each.pos, each.attempt, each.first_ms, each.next_ms) for each in rows}
        state = (
            None if row is None else WebhookState(to_webhook(row), to_signing(row, self._clock_ms()).secrets, mine=True)
        )
        return state, WebhookBacklog(retries, attempts)

    def read(self, wanted: LogFilter, after: int, until: int | None, limit: int) -> LogPart:
        """Returns the first `limit` events after log position `after` that the filter `wanted` selects, up to position
        `until`, or with None up to the end of the log. One call searches at most WEBHOOK_POSITIONS_MAX (10,000)
        positions and may return fewer events, so continue at the result's `reached`."""
        with self._reading.begin() as connection:
            head, floor, epoch = connection.execute(select(log_head.c.pos, log_head.c.floor, log_head.c.epoch)).one()
            after = max(after, floor)
            last = min(head if until is None else until, after + WEBHOOK_POSITIONS_MAX)
            if last <= after:
                return LogPart((), epoch, after, head, floor)
            window = read_window(connection, wanted, after, last, limit)
        return LogPart(window.events, epoch, window.reached, head, floor)

    def store(self, progress: Sequence[WebhookProgress]) -> frozenset[str]:
        """Stores the progress of several webhooks in one transaction. Returns the ids of the webhooks for which it was
        stored; the others were deleted, claimed by another node, or reset to another position meanwhile."""
        stored: frozenset[str] = self._transact(
            lambda connection: frozenset(each.webhook_id for each in progress if self._store(connection, each))
        )
        return stored

    def _store(self, connection: Connection, progress: WebhookProgress) -> bool:
        values: dict[str, Any] = {"pos": progress.pos}
        if progress.released:
            values["node_id"] = None
        if progress.disabled_reason is not None:
            values |= {
                "enabled": False,
                "disabled_ms": self._clock_ms(),
                "disabled_reason": progress.disabled_reason,
            }
        claimed = (
            webhooks.c.id == progress.webhook_id,
            webhooks.c.node_id == self._node_id,
            webhooks.c.rewinds == progress.rewinds,
        )
        if connection.execute(update(webhooks).where(*claimed).values(values)).rowcount != 1:
            return False
        _store_retries(connection, progress)
        if progress.attempts is not None:
            values = {"attempts": to_json(progress.attempts)}
            added = upsert(webhook_attempts).values(webhook_id=progress.webhook_id, **values)
            connection.execute(added.on_conflict_do_update(index_elements=["webhook_id"], set_=values))
        return True


def _store_retries(connection: Connection, progress: WebhookProgress) -> None:
    freed = [key for key, retry in progress.retries.items() if retry is None]
    if freed:
        of_keys = webhook_retries.c.webhook_id == progress.webhook_id, webhook_retries.c.key.in_(freed)
        connection.execute(delete(webhook_retries).where(*of_keys))
    rows = [
        {"webhook_id": progress.webhook_id, "key": key, **msgspec.structs.asdict(retry)}
        for key, retry in progress.retries.items()
        if retry is not None
    ]
    if rows:
        added = upsert(webhook_retries)
        changed = {name: added.excluded[name] for name in ("pos", "attempt", "first_ms", "next_ms")}
        connection.execute(added.on_conflict_do_update(index_elements=["webhook_id", "key"], set_=changed), rows)
