"""Payloads of mutes and bans."""

from __future__ import annotations

from talkwire.core.domain.model import Restriction, RestrictionKind
from talkwire.core.domain.times import iso_end
from talkwire.payloads.payload import Payload


class RestrictionPayload(Payload, frozen=True):
    """A mute or a ban of a user in a conversation. `until` is missing if it lasts until a moderator ends it. Only
    moderators receive `by`, the moderator who restricted the user."""

    conversation_id: str
    user_id: str
    kind: RestrictionKind
    until: str | None = None
    reason: str | None = None
    by: str | None = None


def restriction_payload(restriction: Restriction, *, for_moderators: bool) -> RestrictionPayload:
    return RestrictionPayload(
        conversation_id=restriction.conversation_id,
        user_id=restriction.user_id,
        kind=restriction.kind,
        until=iso_end(restriction.until_ms),
        reason=restriction.reason,
        by=restriction.by if for_moderators else None,
    )
