"""Payloads of notification preferences: a user's general preferences, and the preferences for one conversation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, cast, get_args

import msgspec

from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.domain.model import ConversationPreferences, DoNotDisturb, NotificationType, Notify, Preferences
from talkwire.core.domain.notifying.notification_rules import DEFAULT_SOUND
from talkwire.core.domain.times import iso_or_none, ms_of
from talkwire.payloads.payload import Payload

Sound = Annotated[
    str, msgspec.Meta(pattern="^[a-z0-9._-]{1,64}$", description="The name of one of the client's sounds")
]
DayTime = Annotated[
    str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="A time of day, such as 22:00")
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_DAYS: tuple[Day, ...] = get_args(Day)

_TYPES: Mapping[str, NotificationType] = MappingProxyType(
    {
        "direct": "direct",
        "mentions": "mention",
        "replies": "reply",
        "messages": "message",
        "decisions": "decision",
        "offers": "offer",
        "invitations": "invitation",
        "missed_calls": "missed-call",
    }
)
"""Types of notifications, by the members of the payloads."""


class NotifyPayload(Payload, frozen=True, omit_defaults=False):
    """The types of events that the user receives notifications for. `messages` stands for messages of conversations
    whose `notify` is `all`, by the user's choice or the conversation's default."""

    direct: bool = True
    mentions: bool = True
    replies: bool = True
    messages: bool = True
    decisions: bool = True
    offers: bool = True
    invitations: bool = True
    missed_calls: bool = True


class SoundsPayload(Payload, frozen=True, omit_defaults=False):
    """The name of the sound for each type of notification; null for no sound."""

    direct: Sound | None = DEFAULT_SOUND
    mentions: Sound | None = DEFAULT_SOUND
    replies: Sound | None = DEFAULT_SOUND
    messages: Sound | None = DEFAULT_SOUND
    decisions: Sound | None = DEFAULT_SOUND
    offers: Sound | None = DEFAULT_SOUND
    invitations: Sound | None = DEFAULT_SOUND
    missed_calls: Sound | None = DEFAULT_SOUND


class DoNotDisturbPayload(Payload, frozen=True, omit_defaults=False):
    """The hours in which notifications make no sound and no alert. They start at the time `from` on each of `days`, and
    end at the time `to`: on the next day if `to` is not later than `from`."""

    enabled: bool = False
    from_: DayTime = msgspec.field(name="from", default="22:00")
    to: DayTime = "07:00"
    time_zone: Annotated[str, msgspec.Meta(description="An IANA time zone, such as Europe/Berlin")] = "UTC"
    days: tuple[Day, ...] = _DAYS


class PreferencesPayload(Payload, frozen=True, omit_defaults=False):
    """A user's general notification preferences. A member that is omitted is reset to its default, except
    `readReceipts`, which then stays unchanged. `readReceipts` says whether others see what the user has read, and the
    user sees what others have read."""

    notify: NotifyPayload = NotifyPayload()
    sounds: SoundsPayload = SoundsPayload()
    do_not_disturb: DoNotDisturbPayload = DoNotDisturbPayload()
    read_receipts: bool | msgspec.UnsetType = msgspec.UNSET


class MemberPreferencesPayload(Payload, frozen=True, omit_defaults=False):
    """A user's preferences for one conversation. `muted`: no notifications. `notify`: all messages, only mentions, or
    none; null is the conversation's `notify` or, without one, all messages of a direct conversation, otherwise mentions
    and replies. `sound`: null for the user's usual sound. `favourite`, `archived` and `section` say where the
    conversation is in the user's list; if they are omitted, they stay unchanged. `section` is null for none.
    `mutedUntil` is when `muted` ends; null or omitted: it does not end by itself."""

    muted: bool = False
    notify: Notify | None = None
    sound: Sound | None = None
    favourite: bool | msgspec.UnsetType = msgspec.UNSET
    archived: bool | msgspec.UnsetType = msgspec.UNSET
    muted_until: str | None = None
    section: str | msgspec.UnsetType | None = msgspec.UNSET


class ConversationPreferencesPayload(Payload, frozen=True, omit_defaults=False):
    """A user's preferences for one conversation, together with the id of the conversation. A client that receives the
    event after `mutedUntil` treats the conversation as not muted."""

    conversation_id: str
    muted: bool
    notify: Notify | None
    sound: str | None
    favourite: bool
    archived: bool
    muted_until: str | None
    section: str | None


def preferences_payload(preferences: Preferences) -> PreferencesPayload:
    quiet = preferences.do_not_disturb
    return PreferencesPayload(
        NotifyPayload(**{name: type_ not in preferences.off for name, type_ in _TYPES.items()}),
        SoundsPayload(**{name: preferences.sounds.get(type_, DEFAULT_SOUND) for name, type_ in _TYPES.items()}),
        DoNotDisturbPayload(
            quiet.enabled,
            _day_time(quiet.start_minute),
            _day_time(quiet.end_minute),
            quiet.time_zone,
            tuple(_DAYS[day] for day in quiet.days),
        ),
        preferences.read_receipts,
    )


def to_preferences(given: PreferencesPayload) -> Preferences:
    quiet = given.do_not_disturb
    sounds = {type_: cast("str | None", getattr(given.sounds, name)) for name, type_ in _TYPES.items()}
    return Preferences(
        off=tuple(type_ for name, type_ in _TYPES.items() if not getattr(given.notify, name)),
        sounds={type_: sound for type_, sound in sounds.items() if sound != DEFAULT_SOUND},
        do_not_disturb=DoNotDisturb(
            quiet.enabled,
            _minute(quiet.from_),
            _minute(quiet.to),
            quiet.time_zone,
            tuple(sorted({_DAYS.index(day) for day in quiet.days})),
        ),
        read_receipts=given.read_receipts is not False,
    )


def member_preferences_payload(found: ConversationPreferences) -> MemberPreferencesPayload:
    return MemberPreferencesPayload(
        found.muted,
        found.notify,
        found.sound,
        found.favourite,
        found.archived,
        iso_or_none(found.unmute_ms),
        found.section,
    )


def to_member_preferences(
    conversation_id: str, given: MemberPreferencesPayload, user_id: str | None
) -> SetMemberPreferences:
    until = given.muted_until
    return SetMemberPreferences(
        conversation_id,
        given.muted,
        given.notify,
        given.sound,
        given.favourite,
        given.archived,
        None if until is None else ms_of("mutedUntil", until),
        given.section,
        user_id,
    )


def _minute(day_time: str) -> int:
    hours, _, minutes = day_time.partition(":")
    return int(hours) * 60 + int(minutes)


def _day_time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
