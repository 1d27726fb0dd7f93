"""What is asked about notifications."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Notification


class NotificationPage(Page[Notification], frozen=True):
    """One page of the actor's notifications. `unread` is how many of all of them are unread."""

    unread: int


class ListNotifications(Query[NotificationPage], frozen=True, tag="ListNotifications"):
    """The actor's notifications, newest first. `now_ms` is the time; the oldest are forgotten by it."""

    now_ms: int
    cursor: str | None = None
    limit: int = 50
    unread: bool = False


class MarkNotificationsRead(Change[int], frozen=True, tag="MarkNotificationsRead"):
    """Those of `ids` that are the actor's own; None: all there are. The result is how many are still unread."""

    ids: tuple[str, ...] | None = None


class RecordMissedCall(Change[None], frozen=True, tag="RecordMissedCall"):
    """The actor's call has ended without those in `user_ids`; for the server itself, which knows."""

    conversation_id: str
    call_id: str
    user_ids: tuple[str, ...]


class OccasionNames(msgspec.Struct, frozen=True):
    """What somebody and a conversation are called."""

    actor: str
    conversation: str


class FindOccasionNames(Query[OccasionNames], frozen=True, tag="FindOccasionNames"):
    actor_id: str
    conversation_id: str
