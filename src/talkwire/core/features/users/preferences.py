"""Settings of users: for notifications in general with "do not disturb" hours, and for single conversations (muted,
favourite, archived). The backend can choose them for a user; they then count as chosen by the user."""

from __future__ import annotations

import re
from types import MappingProxyType

from msgspec import UNSET
from msgspec.structs import replace

from talkwire.core.commands.preferences import (
    GetMemberPreferences,
    GetPreferences,
    SetMemberPreferences,
    SetPreferences,
)
from talkwire.core.domain.access import AccessFacts, acting_as, may_act, may_take_part, must_be_trusted, require
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import ConversationPreferred, PreferencesChanged
from talkwire.core.domain.model import (
    Actor,
    ConversationPreferences,
    DoNotDisturb,
    Member,
    Preferences,
)
from talkwire.core.domain.texts import check_id, check_text
from talkwire.core.domain.time_zones import zone_of
from talkwire.core.features.conversations.archive import archived_of, conversation_preferences_of, is_archived
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

DAY_MINUTES = 24 * 60
"""Number of minutes of a day."""

DEFAULTS = Preferences()

SECTION_MAX_LENGTH = 50
"""Longest name of a section of a user's list of conversations, in characters."""

MEMBER_SETTINGS = ConversationPreferences.__struct_fields__

_SOUND = re.compile(r"[a-z0-9._-]{1,64}")


def check_sound(path: str, sound: str | None) -> None:
    """Raises `invalid_request` unless the text can be the name of a notification sound; None is allowed. `path` names
    the field in the error."""
    if sound is not None and _SOUND.fullmatch(sound) is None:
        raise invalid(path, "must be the name of a sound: 1 to 64 of a-z, 0-9, '.', '_' and '-'")


def check_set(command: SetPreferences) -> None:
    """Raises `invalid_request` for settings with an invalid sound, time zone, time or day, or of an invalid user id."""
    _check_user(command.user_id)
    for type_, sound in command.preferences.sounds.items():
        check_sound(f"sounds.{type_}", sound)
    quiet = command.preferences.do_not_disturb
    if zone_of(quiet.time_zone) is None:
        raise invalid("doNotDisturb.timeZone", "must be the IANA name of a time zone, such as Europe/Berlin")
    _check_hours(quiet)


def _check_hours(quiet: DoNotDisturb) -> None:
    for name, minute in (("from", quiet.start_minute), ("to", quiet.end_minute)):
        if not 0 <= minute < DAY_MINUTES:
            raise invalid(f"doNotDisturb.{name}", "must be a time of the day, such as 22:00")
    if any(not 0 <= day < 7 for day in quiet.days):
        raise invalid("doNotDisturb.days", "must be days of the week")


def _check_user(user_id: str | None) -> None:
    if user_id is not None:
        check_id("userId", user_id)


def _must_exist(facts: AccessFacts, actor: Actor, user_id: str) -> None:
    """Raises `not_found` if the actor names a user who does not exist."""
    if user_id != actor.user_id and facts.user(user_id) is None:
        raise ChatError("not_found", f"There is no user {user_id}.")


def _whose_preferences(facts: AccessFacts, actor: Actor, user_id: str | None) -> str:
    """Returns the id of the user whose general settings a command concerns: `user_id`, or the actor's if it is None.
    Raises `forbidden` for a user who names another one, and `not_found` for an unknown user."""
    user_id = user_id or actor.user_id
    if user_id != actor.user_id:
        must_be_trusted(actor)
        _must_exist(facts, actor, user_id)
    return user_id


def set_preferences(tx: Transaction, actor: Actor, command: SetPreferences) -> Preferences:
    """Stores a user's notification settings and returns them. Records nothing if they are unchanged."""
    user = tx.user(_whose_preferences(tx, actor, command.user_id))
    refusal = may_act(user)
    if refusal is not None or user is None:
        raise refusal or forbidden("not_found")
    before = tx.notifications.preferences((user.id,)).get(user.id, DEFAULTS)
    wanted = command.preferences
    if command.keep_read_receipts:
        wanted = replace(wanted, read_receipts=before.read_receipts)
    if wanted != before:
        tx.record(PreferencesChanged(tx.next_pos(), tx.now_ms, user.id, wanted))
    return wanted


def get_preferences(snapshot: Snapshot, actor: Actor, query: GetPreferences) -> Preferences:
    _check_user(query.user_id)
    user_id = _whose_preferences(snapshot, actor, query.user_id)
    return snapshot.notifications.preferences((user_id,)).get(user_id, DEFAULTS)


def check_set_member(command: SetMemberPreferences) -> None:
    check_id("conversationId", command.conversation_id)
    _check_user(command.user_id)
    if command.sound is not UNSET:
        check_sound("sound", command.sound)
    if isinstance(command.section, str):
        check_text("section", command.section)
        if len(command.section.strip()) > SECTION_MAX_LENGTH:
            raise invalid("section", f"must have at most {SECTION_MAX_LENGTH} characters")


def _member(facts: AccessFacts, actor: Actor, command: SetMemberPreferences | GetMemberPreferences) -> Member:
    """Returns the member whose settings a command concerns: the actor or, for the backend, the member whom it names.
    Raises `forbidden` for others who name a user, for a user who is no member, and `not_found` for an unknown user."""
    user_id = acting_as(actor, command.user_id)
    _must_exist(facts, actor, user_id)
    member = facts.member(command.conversation_id, user_id)
    require(may_take_part(facts.user(user_id), member))
    assert member is not None, "may_take_part refuses users who are no members"
    return member


def set_member_preferences(tx: Transaction, actor: Actor, command: SetMemberPreferences) -> ConversationPreferences:
    """Stores a member's settings for one conversation and returns them. Records nothing if they are unchanged."""
    member = _member(tx, actor, command).at(tx.now_ms)
    before = conversation_preferences_of(member, archived=is_archived(tx, member))
    given = {name: value for name in MEMBER_SETTINGS if (value := getattr(command, name)) is not UNSET}
    if command.muted is not UNSET:
        given.setdefault("unmute_ms", None)
    if isinstance(command.section, str):
        given["section"] = command.section.strip() or None
    wanted = replace(before, **given)
    _check_mute_end(wanted, tx.now_ms)
    if wanted != before:
        conversation = tx.conversation(member.conversation_id)
        event = ConversationPreferred(
            tx.next_pos(),
            tx.now_ms,
            member.conversation_id,
            member.user_id,
            wanted.muted,
            wanted.notify,
            wanted.sound,
            wanted.favourite,
            # Archiving starts again at the newest message: a conversation that was muted may have newer ones.
            conversation.last_seq if wanted.archived and conversation is not None else None,
            wanted.unmute_ms,
            wanted.section,
        )
        tx.record(event)
    return wanted


def _check_mute_end(wanted: ConversationPreferences, now_ms: int) -> None:
    if wanted.unmute_ms is None:
        return
    if not wanted.muted:
        raise invalid("mutedUntil", "is allowed only for a muted conversation")
    if wanted.unmute_ms <= now_ms:
        raise invalid("mutedUntil", "must be in the future")


def get_member_preferences(snapshot: Snapshot, actor: Actor, query: GetMemberPreferences) -> ConversationPreferences:
    check_id("conversationId", query.conversation_id)
    _check_user(query.user_id)
    member = _member(snapshot, actor, query).at(snapshot.now_ms)
    conversation = snapshot.conversation(member.conversation_id)
    found = archived_of(
        snapshot, member.user_id, [conversation] if conversation else (), {member.conversation_id: member}
    )
    return conversation_preferences_of(member, archived=bool(found))


CHANGES: Changes = MappingProxyType(
    {
        SetPreferences: ChangeHandler(set_preferences, check_set),
        SetMemberPreferences: ChangeHandler(set_member_preferences, check_set_member),
    }
)

QUERIES: Queries = MappingProxyType({GetPreferences: get_preferences, GetMemberPreferences: get_member_preferences})
