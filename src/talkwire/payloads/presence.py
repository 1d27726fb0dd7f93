"""Payloads of presence: whether a user is online, away or offline."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.commands.presence import SetPresence
from talkwire.core.domain.model import ChosenStatus, Presence, PresenceEnds
from talkwire.core.domain.times import iso_or_none, ms_of
from talkwire.payloads.payload import Payload


class PresencePayload(Payload, frozen=True):
    """A user's presence: `status` and `text`. The payload always has all members, so that a client that merges updates
    also removes a `text` that is null now. `lastSeenAt` is null while the user is online, and for a user who was never
    online. `textUntil` and `statusUntil` are set while the text and the status `dnd` have an end. From then on the text
    is null and the status `online`; the server sends no event at that time."""

    user_id: str
    status: Literal["online", "away", "dnd", "invisible", "offline"]
    text: str | None
    last_seen_at: str | None
    status_until: str | None
    text_until: str | None


def presence_payload(presence: Presence) -> PresencePayload:
    last_seen_at = iso_or_none(presence.last_seen_ms)
    status_ms, text_ms = presence.ends
    return PresencePayload(
        presence.user_id,
        presence.status,
        presence.text,
        last_seen_at,
        iso_or_none(status_ms),
        iso_or_none(text_ms),
    )


class SetPresencePayload(Payload, frozen=True):
    status: ChosenStatus
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    status_until: str | None = None
    text_until: str | None = None


def to_set_presence(given: SetPresencePayload) -> SetPresence:
    ends = PresenceEnds(
        None if given.status_until is None else ms_of("statusUntil", given.status_until),
        None if given.text_until is None else ms_of("textUntil", given.text_until),
    )
    return SetPresence(given.status, given.text, ends)
