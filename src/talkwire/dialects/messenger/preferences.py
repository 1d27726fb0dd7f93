"""Events of the messenger dialect that a user's devices receive when the user has changed notification preferences."""

from __future__ import annotations

from talkwire.core.domain.events import ConversationPreferred, Event, PreferencesChanged
from talkwire.core.domain.times import iso_or_none
from talkwire.dialects.dialect import Outbound
from talkwire.payloads.notifying.preferences import (
    ConversationPreferencesPayload,
    PreferencesPayload,
    preferences_payload,
)


def _updated(event: PreferencesChanged) -> PreferencesPayload:
    return preferences_payload(event.preferences)


def _preferred(event: ConversationPreferred) -> ConversationPreferencesPayload:
    return ConversationPreferencesPayload(
        event.conversation_id,
        event.muted,
        event.notify,
        event.sound,
        event.favourite,
        event.archived_seq is not None,
        iso_or_none(event.unmute_ms),
        event.section,
    )


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    PreferencesChanged: (
        Outbound(
            "preferences:updated", _updated, summary="This user changed their notification preferences, on any device."
        ),
    ),
    ConversationPreferred: (
        Outbound(
            "conversation:preferences",
            _preferred,
            summary="This user changed their preferences for a conversation, on any device.",
        ),
    ),
}
