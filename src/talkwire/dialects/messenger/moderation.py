"""Events of the messenger dialect about mutes and bans, which only the sockets of the restricted user receive, and the
event that reports a message to the admins."""

from __future__ import annotations

from talkwire.core.commands.moderation.reports import ReportMessage
from talkwire.core.domain.events import Event, MemberRestricted, MemberUnrestricted
from talkwire.core.domain.moderation.reports import MessageReport
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.payloads.moderation.reports import ReportPayload, report_payload
from talkwire.payloads.moderation.restrictions import RestrictionPayload, restriction_payload
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply


class ReportMessagePayload(Payload, frozen=True):
    """A message to report to the admins, and the reason: a short word such as `spam`, `abuse` or `other`, and an
    optional note."""

    message_id: str
    reason: str
    note: str | None = None


class ReportReply(Reply, frozen=True, kw_only=True, rename="camel"):
    report: ReportPayload


def report_reply(report: MessageReport) -> ReportReply:
    return ReportReply(report=report_payload(report))


def _restricted(event: MemberRestricted | MemberUnrestricted) -> RestrictionPayload:
    return restriction_payload(event.restriction, for_moderators=False)


INBOUND = {
    "message:report": Inbound(
        ReportMessagePayload,
        lambda p: ReportMessage(p.message_id, p.reason, p.note),
        report_reply,
        summary="Report a message to the admins. Reporting it again returns the open report.",
    ),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MemberRestricted: (
        Outbound("member:restricted", _restricted, summary="A moderator muted or banned this user in a conversation."),
    ),
    MemberUnrestricted: (
        Outbound("member:unrestricted", _restricted, summary="A moderator lifted a mute or a ban of this user."),
    ),
}
