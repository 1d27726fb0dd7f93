"""Payloads of presence: whether a user is online, away or offline."""

from __future__ import annotations

from typing import Literal

from talkwire.core.domain.model import Presence
from talkwire.dialects.payload import Payload, iso


class PresencePayload(Payload, frozen=True):
    """A user's presence: `status` and `text`. The payload always has all members, so that a client that merges updates
    also removes a `text` that is null now. `lastSeenAt` is null while the user is online, and for a user who was never
    online."""

    user_id: str
    status: Literal["online", "away", "dnd", "invisible", "offline"]
    text: str | None
    last_seen_at: str | None


def presence_payload(presence: Presence) -> PresencePayload:
    last_seen_at = None if presence.last_seen_ms is None else iso(presence.last_seen_ms)
    return PresencePayload(presence.user_id, presence.status, presence.text, last_seen_at)
