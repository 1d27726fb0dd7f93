"""Commands about notification settings."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import MemberPreferences, Notify, Preferences


class SetPreferences(Change[Preferences], frozen=True, tag="SetPreferences"):
    """Replaces the actor's notification settings. With `keep_read_receipts`, `read_receipts` stays as it is."""

    preferences: Preferences
    keep_read_receipts: bool = False


class GetPreferences(Query[Preferences], frozen=True, tag="GetPreferences"):
    """Returns the actor's notification settings."""


class SetMemberPreferences(Change[MemberPreferences], frozen=True, tag="SetMemberPreferences"):
    """Sets the actor's notification settings for one conversation; `notify` None is the default of the conversation's
    kind."""

    conversation_id: str
    muted: bool = False
    notify: Notify | None = None
    sound: str | None = None


class GetMemberPreferences(Query[MemberPreferences], frozen=True, tag="GetMemberPreferences"):
    conversation_id: str
