"""Events of the messenger dialect about mutes and bans, which only the sockets of the restricted user receive, and the
event that reports a message to the admins."""

from __future__ import annotations

from talkwire.core.domain.events import Event, MemberRestricted, MemberUnrestricted
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.moderation import reports
from talkwire.payloads.moderation.restrictions import RestrictionPayload, restriction_payload


def _restricted(event: MemberRestricted | MemberUnrestricted) -> RestrictionPayload:
    return restriction_payload(event.restriction, for_moderators=False)


INBOUND = events_of([reports.REPORT_MESSAGE])

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MemberRestricted: (
        Outbound("member:restricted", _restricted, summary="A moderator muted or banned this user in a conversation."),
    ),
    MemberUnrestricted: (
        Outbound("member:unrestricted", _restricted, summary="A mute or a ban of this user was lifted, or has ended."),
    ),
}
