"""Commands with which a node finds the push notifications to send to devices, and stores the results."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from talkwire.core.commands.command import NodeCommand, Query
from talkwire.core.domain.model import Notification, PushSubscription


class DuePush(msgspec.Struct, frozen=True):
    """A push to send: a notification to show, or with `dismiss` one to remove from the device because it was read or
    deleted. `at_ms` is when it was created, or read or deleted."""

    notification_id: int
    at_ms: int
    dismiss: bool = False


class PushJob(msgspec.Struct, frozen=True):
    """The pushes that one node has to send to one subscription (a device), in the order of the notifications.

    `failures` is the number of failed attempts since the last success.
    """

    subscription: PushSubscription
    service: str
    failures: int
    pushes: tuple[DuePush, ...]


class PushResult(msgspec.Struct, frozen=True):
    """The result of a push job (the pushes to one device): the ids of the notifications that were `sent`, those
    `dropped` because nothing is left to show, and those `dismissed` on the device.

    `failures` is the new number of failed attempts since the last success. After a failure, nothing is sent for
    `retry_ms` milliseconds; None without a failure. `is_gone`: the push service says that the subscription has ended.
    """

    subscription_id: str
    sent: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    dismissed: tuple[int, ...] = ()
    failures: int = 0
    retry_ms: int | None = None
    is_gone: bool = False


class ClaimPushes(NodeCommand[tuple[PushJob, ...]], frozen=True, tag="ClaimPushes"):
    """Stores the results of finished push jobs, and returns new jobs that no other node receives for the next
    `claim_ms` milliseconds, unless the lease of the node `node_id` ends before.

    Returns at most `limit` jobs, and none for the push services in `busy_services`.
    """

    node_id: str
    results: tuple[PushResult, ...]
    claim_ms: int
    limit: int
    busy_services: tuple[str, ...] = ()


class NextPush(Query[int | None], frozen=True, tag="NextPush"):
    """Returns in how many milliseconds the next push to any device is due: 0 if one is due now, None if none is
    planned."""


class PushContent(msgspec.Struct, frozen=True):
    """The current content of a notification for a push, with the name of its conversation."""

    notification: Notification
    conversation_name: str | None


class PushContents(msgspec.Struct, frozen=True):
    """The result of `ReadPushContents`. `found` maps (user id, notification id) to the content of those requested
    notifications that are unread, `badges` maps user ids to the number for the app's icon."""

    found: Mapping[tuple[str, int], PushContent]
    badges: Mapping[str, int]


class ReadPushContents(Query[PushContents], frozen=True, tag="ReadPushContents"):
    """Returns what pushes to devices have to show: the content of the unread notifications in `keys` (user id,
    notification id), and the badges of `user_ids`.

    A badge is the number of the user's unread messages; in muted and archived
    conversations only mentions count.
    """

    user_ids: tuple[str, ...]
    keys: tuple[tuple[str, int], ...]
