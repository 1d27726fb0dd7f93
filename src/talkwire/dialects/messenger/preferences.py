"""What the user wants to be notified of, for their other devices."""

from __future__ import annotations

from talkwire.core.domain.events import ConversationPreferred, Event, PreferencesChanged
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.payloads.preferences import (
    ConversationPreferencesPayload,
    PreferencesPayload,
    preferences_payload,
)


def _updated(event: PreferencesChanged) -> PreferencesPayload:
    return preferences_payload(event.preferences)


def _preferred(event: ConversationPreferred) -> ConversationPreferencesPayload:
    return ConversationPreferencesPayload(event.conversation_id, event.muted, event.notify, event.sound)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    PreferencesChanged: (
        Outbound(
            "preferences:updated", _updated, summary="The user's notification preferences changed, on any device."
        ),
    ),
    ConversationPreferred: (
        Outbound(
            "conversation:preferences",
            _preferred,
            summary="The user's preferences for a conversation changed, on any device.",
        ),
    ),
}
