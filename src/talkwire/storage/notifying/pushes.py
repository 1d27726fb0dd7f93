"""Pushes in progress: which notifications are to be sent to which subscription (a device's registration with a push
service), and which were sent and may have to be dismissed.

A follower of the log (a background task) adds pushes (`followers/offline_notifications.py`). One node at a time claims
a subscription and sends its pushes (`talkwire.push`). If that node is killed, another one continues when its lease has
ended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, or_, select, tuple_, update

from talkwire.core.commands.server.pushes import DuePush, PushJob, PushResult
from talkwire.core.domain.events import NotificationsRead
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.notifying.lifetimes import DISMISSABLE_MS, PUSHABLE_MS
from talkwire.storage.schema import logins, push_subscriptions, pushes
from talkwire.storage.sql.keys import KEYS, key_number, key_text, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.tables.push_subscriptions import drop_subscriptions, to_subscription

NEW, TRIED, SENT, DISMISS = "new", "tried", "sent", "dismiss"

JOB_NOTIFICATIONS_MAX = 50
"""Most notifications of one job (a delivery to one subscription). The rest are in the next job."""

JOB_DISMISSALS_MAX = 100
"""Most dismissals of one job (a delivery to one subscription). They are sent together."""

PUSHES_PRUNED_MAX = 1000
"""Most old rows of pushes that are deleted at once."""

_unsent = pushes.c.state != SENT
_insert = upsert(pushes).on_conflict_do_nothing()

_devices: Select[Any] = (
    select(
        push_subscriptions.c.id,
        push_subscriptions.c.user_id,
        push_subscriptions.c.session_id,
        push_subscriptions.c.device_id,
    )
    .select_from(KEYS)
    .join(push_subscriptions, push_subscriptions.c.user_id == key_text(0))
)

_of_keys = tuple_(pushes.c.subscription_id, pushes.c.notification_id).in_(
    select(key_text(0), key_number(1)).select_from(KEYS)
)


class PushDevice(NamedTuple):
    """A push subscription with the ids of its user, sign-in (`session_id`) and device. `device_id` is the id that the
    application gave the device. If both are None, the device is unknown, and any connected socket of the user is
    treated as a socket of this device."""

    subscription_id: str
    user_id: str
    session_id: str | None
    device_id: str | None


class NewPush(NamedTuple):
    subscription_id: str
    notification_id: int
    at_ms: int


class Dismissal(NamedTuple):
    """Notifications whose pushes must be removed from devices, because at `at_ms` (milliseconds since 1970) they were
    read or their message was deleted. `user_id` limits them to one user; with None they are those of all users.

    `ids` are the ids of the notifications; None means all up to the id `up_to_id`.
    """

    at_ms: int
    user_id: str | None
    ids: tuple[int, ...] | None
    up_to_id: int = 0

    @classmethod
    def of_read(cls, event: NotificationsRead) -> Dismissal:
        return cls(event.at_ms, event.user_id, event.ids, id_at(event.pos))


def any_subscriptions(connection: Connection) -> bool:
    """Returns whether any user has a push subscription."""
    return connection.execute(select(push_subscriptions.c.id).limit(1)).first() is not None


def devices_of(connection: Connection, user_ids: Collection[str]) -> Sequence[PushDevice]:
    """Returns the push subscriptions of these users, each with its user, sign-in and device."""
    rows = connection.execute(_devices, keys_parameter([(user_id,) for user_id in user_ids]))
    return [PushDevice(*row) for row in rows]


def add_pushes(connection: Connection, added: Sequence[NewPush]) -> None:
    """Stores pushes to send, at least one, and makes their subscriptions due, so that a node sends them. A subscription
    that already has a due time keeps it: a node is sending to it, or it waits after a failure."""
    connection.execute(_insert, [each._asdict() | {"state": NEW} for each in added])
    at_ms = min(each.at_ms for each in added)
    _make_due(connection, push_subscriptions.c.id.in_({each.subscription_id for each in added}), at_ms)


def dismiss(connection: Connection, dismissal: Dismissal) -> None:
    """Deletes the notifications' pushes that were not sent yet. Those that were or may have been sent become
    dismissals, which a node sends to the devices."""
    which = _dismissed(dismissal)
    connection.execute(delete(pushes).where(which, pushes.c.state == NEW))
    may_be_shown = pushes.c.state.in_((TRIED, SENT))
    changed = update(pushes).where(which, may_be_shown).values(state=DISMISS, at_ms=dismissal.at_ms)
    ids = set(connection.execute(changed.returning(pushes.c.subscription_id)).scalars())
    if ids:
        _make_due(connection, push_subscriptions.c.id.in_(ids), dismissal.at_ms)


def _dismissed(dismissal: Dismissal) -> ColumnElement[bool]:
    ids = dismissal.ids
    of_ids = pushes.c.notification_id <= dismissal.up_to_id if ids is None else pushes.c.notification_id.in_(ids)
    of_user = select(push_subscriptions.c.id)
    if dismissal.user_id is not None:
        of_user = of_user.where(push_subscriptions.c.user_id == dismissal.user_id)
    return and_(pushes.c.subscription_id.in_(of_user), of_ids)


def _make_due(connection: Connection, which: ColumnElement[bool], at_ms: int) -> None:
    idle = and_(which, push_subscriptions.c.due_ms.is_(None))
    connection.execute(update(push_subscriptions).where(idle).values(due_ms=at_ms))


class PushRows(Reads):
    """Reads when the next push is due. Implements `core.ports.stores.Pushes`."""

    def next_due_ms(self) -> int | None:
        due_ms = push_subscriptions.c.due_ms
        first: int | None = self._connection.execute(select(func.min(due_ms)).where(due_ms.is_not(None))).scalar_one()
        return first


class WritablePushRows(PushRows):
    """Gives nodes the pushes to send, and records the results. Implements `core.ports.stores.WritablePushes`."""

    def claim(
        self, node_id: str, now_ms: int, until_ms: int, limit: int, busy_services: Collection[str]
    ) -> Sequence[PushJob]:
        due = (
            select(push_subscriptions.c.id)
            .where(push_subscriptions.c.due_ms.is_not(None), push_subscriptions.c.due_ms <= now_ms)
            .where(push_subscriptions.c.service.not_in(busy_services))
            .order_by(push_subscriptions.c.due_ms)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = list(self._connection.execute(due).scalars())
        if not ids:
            return []
        ids = self._without_ended(ids, now_ms)
        self._drop_outdated(ids, now_ms)
        claimed = update(push_subscriptions).where(push_subscriptions.c.id.in_(ids))
        self._connection.execute(claimed.values(due_ms=until_ms, node_id=node_id))
        found = self._connection.execute(select(push_subscriptions).where(push_subscriptions.c.id.in_(ids))).all()
        work = self._take(ids)
        return [
            PushJob(to_subscription(row), row.service, row.failures, tuple(work.get(row.id, ())))
            for row in sorted(found, key=lambda row: ids.index(row.id))
        ]

    def release_node(self, node_id: str, now_ms: int) -> None:
        claimed = and_(push_subscriptions.c.due_ms.is_not(None), push_subscriptions.c.node_id == node_id)
        self._connection.execute(update(push_subscriptions).where(claimed).values(due_ms=now_ms, node_id=None))

    def record(self, results: Collection[PushResult], now_ms: int) -> None:
        gone = [result.subscription_id for result in results if result.is_gone]
        if gone:
            drop_subscriptions(self._connection, push_subscriptions.c.id.in_(gone))
        kept = [result for result in results if not result.is_gone]
        if not kept:
            return
        tried = and_(_of_keys, pushes.c.state == TRIED)
        self._for_each(update(pushes).where(tried).values(state=SENT), [(each, each.sent) for each in kept])
        self._for_each(delete(pushes).where(tried), [(each, each.dropped) for each in kept])
        dismissed = delete(pushes).where(_of_keys, pushes.c.state == DISMISS)
        self._for_each(dismissed, [(each, each.dismissed) for each in kept])
        for result in kept:
            self._set_due(result, now_ms)
        self._prune(now_ms)

    def _for_each(self, statement: Any, ids: Sequence[tuple[PushResult, tuple[int, ...]]]) -> None:  # noqa: ANN401 (an update or a deletion)
        keys = [(result.subscription_id, str(id_)) for result, found in ids for id_ in found]
        if keys:
            self._connection.execute(statement, keys_parameter(keys))

    def _set_due(self, result: PushResult, now_ms: int) -> None:
        more = exists().where(pushes.c.subscription_id == push_subscriptions.c.id, _unsent)
        mine = push_subscriptions.c.id == result.subscription_id
        again_ms = now_ms if result.retry_ms is None else now_ms + result.retry_ms
        changed = update(push_subscriptions).where(mine)
        self._connection.execute(changed.where(more).values(due_ms=again_ms, failures=result.failures, node_id=None))
        self._connection.execute(changed.where(~more).values(due_ms=None, failures=result.failures, node_id=None))

    def _without_ended(self, ids: Sequence[str], now_ms: int) -> list[str]:
        """Deletes those of the subscriptions whose sign-in has ended by `now_ms` (milliseconds since 1970), and returns
        the ids of the others in the same order."""
        lasts = exists().where(logins.c.id == push_subscriptions.c.session_id, logins.c.expires_ms > now_ms)
        has_ended = and_(push_subscriptions.c.id.in_(ids), push_subscriptions.c.session_id.is_not(None), ~lasts)
        ended = set(self._connection.execute(select(push_subscriptions.c.id).where(has_ended)).scalars())
        if ended:
            drop_subscriptions(self._connection, push_subscriptions.c.id.in_(ended))
        return [id_ for id_ in ids if id_ not in ended]

    def _drop_outdated(self, ids: Sequence[str], now_ms: int) -> None:
        outdated = and_(pushes.c.subscription_id.in_(ids), _unsent, pushes.c.at_ms <= now_ms - PUSHABLE_MS)
        self._connection.execute(delete(pushes).where(outdated))

    def _take(self, ids: Sequence[str]) -> Mapping[str, Sequence[DuePush]]:
        """Returns subscription id -> what to send now: at most JOB_NOTIFICATIONS_MAX pushes and JOB_DISMISSALS_MAX
        dismissals for each subscription. Marks the pushes as tried."""
        number = func.row_number().over(
            partition_by=(pushes.c.subscription_id, pushes.c.state == DISMISS), order_by=pushes.c.notification_id
        )
        numbered = select(pushes, number.label("number")).where(pushes.c.subscription_id.in_(ids), _unsent).subquery()
        is_dismissal = numbered.c.state == DISMISS
        first = or_(
            and_(is_dismissal, numbered.c.number <= JOB_DISMISSALS_MAX),
            and_(~is_dismissal, numbered.c.number <= JOB_NOTIFICATIONS_MAX),
        )
        rows = self._connection.execute(select(numbered).where(first).order_by(numbered.c.notification_id)).all()
        work: dict[str, list[DuePush]] = {}
        for row in rows:
            push = DuePush(row.notification_id, row.at_ms, row.state == DISMISS)
            work.setdefault(row.subscription_id, []).append(push)
        new = [(row.subscription_id, str(row.notification_id)) for row in rows if row.state == NEW]
        if new:
            self._connection.execute(update(pushes).where(_of_keys).values(state=TRIED), keys_parameter(new))
        return work

    def _prune(self, now_ms: int) -> None:
        """Deletes at most PUSHES_PRUNED_MAX rows of pushes that are too old at `now_ms` (milliseconds since 1970) to be
        dismissed any more."""
        old = select(pushes.c.subscription_id, pushes.c.notification_id).where(
            pushes.c.at_ms <= now_ms - DISMISSABLE_MS
        )
        rows = self._connection.execute(old.limit(PUSHES_PRUNED_MAX)).all()
        if rows:
            keys = [(row.subscription_id, str(row.notification_id)) for row in rows]
            self._connection.execute(delete(pushes).where(_of_keys), keys_parameter(keys))
