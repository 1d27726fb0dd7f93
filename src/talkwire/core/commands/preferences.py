"""Commands about notification settings."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import ConversationPreferences, Notify, Preferences


class SetPreferences(Change[Preferences], frozen=True, tag="SetPreferences"):
    """Replaces all of the actor's notification settings and returns them. With `keep_read_receipts`, the stored choice
    whether to share read receipts stays the same."""

    preferences: Preferences
    keep_read_receipts: bool = False


class GetPreferences(Query[Preferences], frozen=True, tag="GetPreferences"):
    """Returns the actor's notification settings, or the defaults if the actor has set none."""


class SetMemberPreferences(Change[ConversationPreferences], frozen=True, tag="SetMemberPreferences"):
    """Changes the actor's settings for one conversation and returns them all. Fields that are `UNSET` stay the same;
    `notify` None restores the default of the conversation's kind.

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


class GetMemberPreferences(Query[ConversationPreferences], frozen=True, tag="GetMemberPreferences"):
    conversation_id: str
