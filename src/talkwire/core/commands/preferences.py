"""Commands about notification settings."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import ConversationPreferences, Notify, Preferences


class SetPreferences(Change[Preferences], frozen=True, tag="SetPreferences"):
    """Replaces all notification settings of a user and returns them: of the actor or, for the backend and admins, of
    the user `user_id`. With `keep_read_receipts`, the stored choice whether to share read receipts stays the same."""

    preferences: Preferences
    keep_read_receipts: bool = False
    user_id: str | None = None


class GetPreferences(Query[Preferences], frozen=True, tag="GetPreferences"):
    """Returns the notification settings of the actor or, for the backend and admins, of the user `user_id`; the
    defaults if the user has set none."""

    user_id: str | None = None


class SetMemberPreferences(Change[ConversationPreferences], frozen=True, tag="SetMemberPreferences"):
    """Changes a member's settings for one conversation and returns them all: those of the actor or, for the backend, of
    the member `user_id`. Fields that are `UNSET` stay the same; `notify` None restores the conversation's default.

    `unmute_ms` is when `muted` ends by itself. A command that sets `muted` without `unmute_ms` removes an earlier end.
    """

    conversation_id: str
    muted: bool | UnsetType = False
    notify: Notify | UnsetType | None = None
    sound: str | UnsetType | None = None
    favourite: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    unmute_ms: int | UnsetType | None = UNSET
    section: str | UnsetType | None = UNSET
    user_id: str | None = None


class GetMemberPreferences(Query[ConversationPreferences], frozen=True, tag="GetMemberPreferences"):
    conversation_id: str
    user_id: str | None = None
