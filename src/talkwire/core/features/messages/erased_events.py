"""What the log keeps of the events of an erased user."""

from __future__ import annotations

from msgspec.structs import replace

from talkwire.core.domain.events import (
    ConversationPreferred,
    Durable,
    MemberRestricted,
    MemberUnrestricted,
    MemberUpdated,
    MessageReacted,
    OfferCreated,
    OfferUpdated,
    PreferencesChanged,
    UserCreated,
    UserRenamed,
    UserUpdated,
)
from talkwire.core.domain.model import DELETED_NAME, Preferences, User
from talkwire.core.features.messages.offers import without_texts

REDACTED_EMOJI = "\N{REPLACEMENT CHARACTER}"

WITH_TEXTS = tuple(
    kind.__name__
    for kind in (
        UserCreated,
        UserUpdated,
        UserRenamed,
        PreferencesChanged,
        ConversationPreferred,
        MemberRestricted,
        MemberUnrestricted,
        MemberUpdated,
        MessageReacted,
        OfferCreated,
        OfferUpdated,
    )
)
"""The types of events that can contain texts of or about a user. Messages are not stored in the log."""


def without_texts_of(event: Durable, user_id: str, *, redact: bool) -> Durable:
    """Returns the event without what an erased user has written or set; the same event if there is nothing of it.

    Without `redact`, what the user did to messages and offers stays.
    """
    return _profile_event(event, user_id) or (_content_event(event, user_id) if redact else None) or event


def _profile_event(event: Durable, user_id: str) -> Durable | None:
    match event:
        case UserCreated(user=user) | UserUpdated(user=user) if user.id == user_id:
            return replace(event, user=User(user_id, DELETED_NAME, user.created_ms))
        case UserRenamed() if event.user_id == user_id:
            return replace(event, name=DELETED_NAME)
        case PreferencesChanged() if event.user_id == user_id:
            return replace(event, preferences=Preferences())
        case ConversationPreferred() if event.user_id == user_id:
            return replace(event, muted=False, notify=None, sound=None)
        case MemberUpdated(member=member) if member.user_id == user_id:
            return replace(event, member=replace(member, muted=False, notify=None, sound=None))
        case MemberRestricted(restriction=found) | MemberUnrestricted(restriction=found) if user_id in {
            found.user_id,
            found.by,
        }:
            return replace(event, restriction=replace(found, reason=None))
        case _:
            return None


def _content_event(event: Durable, user_id: str) -> Durable | None:
    match event:
        case MessageReacted() if event.user_id == user_id:
            return replace(event, emoji=REDACTED_EMOJI)
        case OfferCreated(offer=offer) | OfferUpdated(offer=offer) if offer.author_id == user_id:
            return replace(event, offer=without_texts(offer))
        case _:
            return None
