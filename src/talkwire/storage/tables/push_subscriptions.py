"""The table of push subscriptions, with which devices register for pushes. `notifying/pushes.py` has the pushes
themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from talkwire.core.domain.model import PushSubscription, PushTarget
from talkwire.storage.schema import push_removals, push_subscriptions, pushes
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow

_TARGET = ("kind", "url", "p256dh", "auth", "app_id", "push_key")

_put = upsert(push_subscriptions)
_put_subscription = _put.on_conflict_do_update(
    index_elements=["id"],
    set_={
        column.name: _put.excluded[column.name]
        for column in push_subscriptions.columns
        if column.name not in {"id", "created_ms", "due_ms", "failures"}
    },
)


class PushSubscriptionRows(Reads):
    """Reads the push subscriptions of users' devices. Implements `core.ports.stores.PushSubscriptions`."""

    def find(self, subscription_id: str) -> PushSubscription | None:
        found = select(push_subscriptions).where(push_subscriptions.c.id == subscription_id)
        row = self._connection.execute(found).one_or_none()
        return None if row is None else to_subscription(row)

    def of_user(self, user_id: str) -> Sequence[PushSubscription]:
        found = select(push_subscriptions).where(push_subscriptions.c.user_id == user_id)
        order = (push_subscriptions.c.renewed_ms.desc(), push_subscriptions.c.id)
        return [to_subscription(row) for row in self._connection.execute(found.order_by(*order))]

    def is_removed(self, subscription_id: str, user_id: str) -> bool:
        found = select(push_removals.c.user_id).where(push_removals.c.subscription_id == subscription_id)
        return self._connection.execute(found).scalar_one_or_none() == user_id


class WritablePushSubscriptionRows(PushSubscriptionRows):
    def put(self, subscription: PushSubscription, service: str) -> None:
        values = {name: value for name, value in asdict(subscription).items() if name != "target"}
        self._connection.execute(_put_subscription, values | asdict(subscription.target) | {"service": service})

    def drop(self, subscription_ids: Collection[str]) -> None:
        drop_subscriptions(self._connection, push_subscriptions.c.id.in_(subscription_ids))

    def forget_removal(self, subscription_id: str) -> None:
        self._connection.execute(delete(push_removals).where(push_removals.c.subscription_id == subscription_id))

    def add_removal(self, subscription_id: str, user_id: str, at_ms: int, limit: int) -> None:
        self.forget_removal(subscription_id)
        mine = push_removals.c.user_id == user_id
        row = {"subscription_id": subscription_id, "user_id": user_id, "removed_ms": at_ms}
        self._connection.execute(insert(push_removals), row)
        newest = (push_removals.c.removed_ms.desc(), push_removals.c.subscription_id)
        kept = select(push_removals.c.subscription_id).where(mine).order_by(*newest).limit(limit)
        self._connection.execute(delete(push_removals).where(mine, push_removals.c.subscription_id.not_in(kept)))


def to_subscription(row: AnyRow) -> PushSubscription:
    """Builds a `PushSubscription` from a row of the table."""
    return PushSubscription(
        id=row.id,
        user_id=row.user_id,
        target=PushTarget(**{name: getattr(row, name) for name in _TARGET}),
        created_ms=row.created_ms,
        renewed_ms=row.renewed_ms,
        session_id=row.session_id,
        device_id=row.device_id,
        user_agent=row.user_agent,
    )


def drop_subscriptions(connection: Connection, condition: ColumnElement[bool]) -> None:
    """Deletes the push subscriptions that meet a SQL condition, and the pushes that were to be sent to them."""
    dropped = select(push_subscriptions.c.id).where(condition)
    connection.execute(delete(pushes).where(pushes.c.subscription_id.in_(dropped)))
    connection.execute(delete(push_subscriptions).where(condition))


def drop_subscriptions_of_user(connection: Connection, user_id: str) -> None:
    """Deletes all push subscriptions of a user, the pushes that were to be sent to them, and the records of
    subscriptions that the user has removed."""
    drop_subscriptions(connection, push_subscriptions.c.user_id == user_id)
    connection.execute(delete(push_removals).where(push_removals.c.user_id == user_id))
