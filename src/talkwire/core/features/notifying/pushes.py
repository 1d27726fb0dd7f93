"""Push notifications: notifications that are sent to devices without a connection, through the push service of the
device's maker."""

from __future__ import annotations

from hashlib import sha256
from types import MappingProxyType
from urllib.parse import urlsplit

from talkwire.core.commands.notifications import DropPushSubscription, ListPushSubscriptions, PutPushSubscription
from talkwire.core.commands.server.pushes import (
    ClaimPushes,
    NextPush,
    PushContent,
    PushContents,
    PushJob,
    ReadPushContents,
)
from talkwire.core.domain.access import may_act, must_be_operator, require
from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import Actor, PushSubscription, PushTarget
from talkwire.core.domain.notifying.lifetimes import NOTIFICATIONS_KEPT_MS
from talkwire.core.ports.handler import ChangeHandler, Changes, NodeCommandHandlers, Queries
from talkwire.core.ports.transaction import LeaseTransaction, Snapshot, Transaction

SUBSCRIPTIONS_MAX = 20
"""Most push subscriptions of a user. A further one ends the one that was renewed the longest time ago."""


def service_of(url: str) -> str:
    """Returns the scheme, host and port of a push subscription's URL, by which the server distinguishes push
    services."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def subscription_id(target: PushTarget) -> str:
    """Returns the id of the push subscription for a device and app (`target`). It does not depend on the user: a device
    has one subscription, which belongs to the user who subscribed last."""
    parts = (target.kind, target.url, target.app_id or "", target.push_key or "")
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def put_subscription(tx: Transaction, actor: Actor, command: PutPushSubscription) -> PushSubscription:
    """Stores a push subscription (a device that receives pushes) of the actor and returns it. If the actor then has
    more than `SUBSCRIPTIONS_MAX`, deletes the one that was not renewed for the longest time.

    Raises `conflict` if the actor has removed the subscription and the device did not subscribe again, but only renews
    it (`command.renew`).
    """
    require(may_act(tx.user(actor.user_id)))
    if command.session_id is not None and tx.login(command.session_id) is None:
        raise forbidden("not_found")
    id_ = subscription_id(command.target)
    if tx.push_subscriptions.is_removed(id_, actor.user_id):
        if command.renew:
            raise ChatError("conflict", "The user has removed this subscription.", cause="state_changed")
        tx.push_subscriptions.forget_removal(id_)
    before = tx.push_subscriptions.find(id_)
    if before is not None and before.user_id != actor.user_id:
        tx.push_subscriptions.drop((id_,))
        before = None
    subscription = PushSubscription(
        id_,
        actor.user_id,
        command.target,
        tx.now_ms if before is None else before.created_ms,
        tx.now_ms,
        command.session_id,
        command.device_id,
        command.user_agent,
    )
    tx.push_subscriptions.put(subscription, service_of(command.target.url))
    others = [each.id for each in tx.push_subscriptions.of_user(actor.user_id) if each.id != id_]
    if len(others) >= SUBSCRIPTIONS_MAX:
        tx.push_subscriptions.drop(others[SUBSCRIPTIONS_MAX - 1 :])
    return subscription


def drop_subscription(tx: Transaction, actor: Actor, command: DropPushSubscription) -> None:
    found = tx.push_subscriptions.find(command.subscription_id)
    if found is None or found.user_id != actor.user_id:
        raise forbidden("not_found")
    tx.push_subscriptions.drop((found.id,))
    tx.push_subscriptions.add_removal(found.id, actor.user_id, tx.now_ms, SUBSCRIPTIONS_MAX)


def list_subscriptions(snapshot: Snapshot, actor: Actor, query: ListPushSubscriptions) -> tuple[PushSubscription, ...]:
    require(may_act(snapshot.user(actor.user_id)))
    return tuple(snapshot.push_subscriptions.of_user(actor.user_id))


# --- sending --------------------------------------------------------------------------------------------------------


def claim(tx: LeaseTransaction, actor: Actor, command: ClaimPushes) -> tuple[PushJob, ...]:
    must_be_operator(actor)
    tx.pushes.record(command.results, tx.now_ms)
    until_ms = tx.now_ms + command.claim_ms
    return tuple(tx.pushes.claim(command.node_id, tx.now_ms, until_ms, command.limit, command.busy_services))


def next_push(snapshot: Snapshot, actor: Actor, query: NextPush) -> int | None:
    must_be_operator(actor)
    due_ms = snapshot.pushes.next_due_ms()
    return None if due_ms is None else max(0, due_ms - snapshot.now_ms)


def read_contents(snapshot: Snapshot, actor: Actor, query: ReadPushContents) -> PushContents:
    must_be_operator(actor)
    since_ms = snapshot.now_ms - NOTIFICATIONS_KEPT_MS
    found = {
        (notification.user_id, notification.id): PushContent(notification, conversation_name)
        for notification, conversation_name in snapshot.notifications.of_keys(query.keys)
        if notification.read_ms is None and notification.created_ms > since_ms
    }
    totals = snapshot.unreads.totals(query.user_ids, snapshot.now_ms)
    return PushContents(found, {user_id: total.messages for user_id, total in totals.items()})


CHANGES: Changes = MappingProxyType(
    {PutPushSubscription: ChangeHandler(put_subscription), DropPushSubscription: ChangeHandler(drop_subscription)}
)

NODE_COMMANDS: NodeCommandHandlers = MappingProxyType({ClaimPushes: claim})

QUERIES: Queries = MappingProxyType(
    {ListPushSubscriptions: list_subscriptions, NextPush: next_push, ReadPushContents: read_contents}
)
