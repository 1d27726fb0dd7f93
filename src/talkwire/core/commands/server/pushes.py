"""Commands of the part of the server that sends pushes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from talkwire.core.commands.command import NodeCommand, Query
from talkwire.core.domain.model import Notification, PushSubscription


class DuePush(msgspec.Struct, frozen=True):
    """A notification to show, or to dismiss because it was read or deleted after it was sent. `at_ms` is the time of
    the one or the other."""

    notification_id: int
    at_ms: int
    dismiss: bool = False


class PushJob(msgspec.Struct, frozen=True):
    """What one node has to send to one subscription, in the order of the notifications.

    `failures` is how many attempts have failed since one succeeded.
    """

    subscription: PushSubscription
    service: str
    failures: int
    pushes: tuple[DuePush, ...]


class PushResult(msgspec.Struct, frozen=True):
    """What became of a job: the ids of the notifications that were `sent`, those that were `dropped` because there is
    nothing to show any more, and those that were `dismissed`.

    `retry_ms`: for how long nothing is sent after a failure; None: there was none. `is_gone`: the subscription has
    ended at the push service.
    """

    subscription_id: str
    sent: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    dismissed: tuple[int, ...] = ()
    failures: int = 0
    retry_ms: int | None = None
    is_gone: bool = False


class ClaimPushes(NodeCommand[tuple[PushJob, ...]], frozen=True, tag="ClaimPushes"):
    """Stores results, and returns jobs that this node alone works on for the next `claim_ms`.

    At most `limit` jobs, none for `busy_services`.
    """

    results: tuple[PushResult, ...]
    claim_ms: int
    limit: int
    busy_services: tuple[str, ...] = ()


class ReleasePushes(NodeCommand[None], frozen=True, tag="ReleasePushes"):
    """Ends all claims, at the start of a server that has no other nodes: its former process has ended."""


class NextPush(Query[int | None], frozen=True, tag="NextPush"):
    """Returns in how many milliseconds the next subscription is due: 0 if one is due now, None if none is."""


class PushContent(msgspec.Struct, frozen=True):
    """A notification as it is now, with the name of its conversation."""

    notification: Notification
    conversation_name: str | None


class PushContents(msgspec.Struct, frozen=True):
    """The unread notifications among those that were asked for, by (user id, notification id), and the users'
    badges."""

    found: Mapping[tuple[str, int], PushContent]
    badges: Mapping[str, int]


class ReadPushContents(Query[PushContents], frozen=True, tag="ReadPushContents"):
    """Reads what pushes show. `keys` are (user id, notification id). A user's badge is the number of their unread
    messages; of muted conversations, only mentions count."""

    user_ids: tuple[str, ...]
    keys: tuple[tuple[str, int], ...]
