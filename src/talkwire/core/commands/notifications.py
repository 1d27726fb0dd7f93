"""What is asked about notifications."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.model import Notification


class ListNotifications(Query[Page[Notification]], frozen=True, tag="ListNotifications"):
    """Those that the actor was not there for, newest first. `now_ms` is the time; the oldest are forgotten by it."""

    now_ms: int
    cursor: str | None = None
    limit: int = 50
    unread: bool = False


class MarkNotificationsRead(Change[None], frozen=True, tag="MarkNotificationsRead"):
    """Those of `ids` that are the actor's own; None: all there are."""

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
