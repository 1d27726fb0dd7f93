"""Commands about notifications, and about the devices that receive them as pushes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Notification, PushSubscription, PushTarget


class NotificationPage(Page[Notification], frozen=True):
    """One page of the actor's notifications. `unread` is the number of unread notifications on all pages."""

    unread: int


class ListNotifications(Query[NotificationPage], frozen=True, tag="ListNotifications"):
    """Lists the actor's notifications, newest first, with `unread` only the unread ones. Leaves out notifications that
    are too old to be kept at the time `now_ms`, and those of conversations that the actor has left."""

    now_ms: int
    cursor: str | None = None
    limit: int = 50
    unread: bool = False


class MarkNotificationsRead(Change[int], frozen=True, tag="MarkNotificationsRead"):
    """Marks the actor's notifications with the ids in `ids` as read, or all of them if it is None. Returns how many are
    still unread."""

    ids: tuple[str, ...] | None = None


class RecordMissedCall(Change[None], frozen=True, tag="RecordMissedCall"):
    """Internal: records that the users in `user_ids` did not accept a call of the actor, which notifies those who are
    members of the conversation."""

    conversation_id: str
    call_id: str
    user_ids: tuple[str, ...]


class OccasionNames(msgspec.Struct, frozen=True):
    """The names that a notification shows: of the user who caused it and of the conversation. `read_seqs` has the read
    positions of the users whose positions were asked for, by user id."""

    actor: str
    conversation: str
    read_seqs: Mapping[str, int] = MappingProxyType({})


class FindOccasionNames(Query[OccasionNames], frozen=True, tag="FindOccasionNames"):
    actor_id: str
    conversation_id: str
    reader_ids: tuple[str, ...] = ()


class PutPushSubscription(Change[PushSubscription], frozen=True, tag="PutPushSubscription"):
    """Subscribes a device of the actor to pushes, or renews its subscription, and returns the subscription.

    A device's push address (`target`) has one subscription only: if another user had one for it, that one ends. With
    `renew`, raises `conflict` if the actor has removed the subscription, so that a device does not subscribe again by
    itself.
    """

    target: PushTarget
    session_id: str | None = None
    device_id: str | None = None
    user_agent: str = ""
    renew: bool = False


class DropPushSubscription(Change[None], frozen=True, tag="DropPushSubscription"):
    """Ends a subscription of the actor to pushes. Raises `forbidden` for one that is unknown or of another user."""

    subscription_id: str


class ListPushSubscriptions(Query[tuple[PushSubscription, ...]], frozen=True, tag="ListPushSubscriptions"):
    """Lists the actor's subscriptions to pushes, most recently renewed first."""
