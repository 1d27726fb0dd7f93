"""Events about mutes and bans, sent only to the sockets of the restricted user."""

from __future__ import annotations

from talkwire.core.domain.events import Event, MemberRestricted, MemberUnrestricted
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.payloads.moderation import RestrictionPayload, restriction_payload


def _restricted(event: MemberRestricted | MemberUnrestricted) -> RestrictionPayload:
    return restriction_payload(event.restriction, for_moderators=False)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MemberRestricted: (
        Outbound("member:restricted", _restricted, summary="A moderator muted or banned this user in a conversation."),
    ),
    MemberUnrestricted: (
        Outbound("member:unrestricted", _restricted, summary="A moderator lifted a mute or a ban of this user."),
    ),
}
