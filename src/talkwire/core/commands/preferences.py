"""What users say they want to be notified of."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import MemberPreferences, Notify, Preferences


class SetPreferences(Change[Preferences], frozen=True, tag="SetPreferences"):
    """The actor's preferences from now on, in place of those before."""

    preferences: Preferences


class GetPreferences(Query[Preferences], frozen=True, tag="GetPreferences"):
    """The actor's."""


class SetMemberPreferences(Change[MemberPreferences], frozen=True, tag="SetMemberPreferences"):
    """What the actor wants to hear of one conversation; `notify` None: what is usual for its kind."""

    conversation_id: str
    muted: bool = False
    notify: Notify | None = None
    sound: str | None = None


class GetMemberPreferences(Query[MemberPreferences], frozen=True, tag="GetMemberPreferences"):
    conversation_id: str
