"""Payloads of reports of messages and offers."""

from __future__ import annotations

from talkwire.core.domain.moderation.reports import MessageReport, ReportAction, ReportState
from talkwire.payloads.payload import Payload, iso, iso_or_none


class ReportPayload(Payload, frozen=True):
    """A user's report of a message (`messageId`) or of an offer (`offerId`). `content` is the text as it was reported,
    while the report is open. Only admins and the backend receive `action`, `decision`, `decidedAt` and `decidedBy`,
    once the report is decided."""

    id: str
    conversation_id: str
    reporter_id: str
    reason: str
    state: ReportState
    created_at: str
    message_id: str | None = None
    offer_id: str | None = None
    note: str | None = None
    content: str | None = None
    action: ReportAction | None = None
    decision: str | None = None
    decided_at: str | None = None
    decided_by: str | None = None


def report_payload(report: MessageReport) -> ReportPayload:
    """Returns a user's report with all members, as admins and the backend see it."""
    id_ = str(report.message_id)
    return ReportPayload(
        id=report.id,
        message_id=id_ if report.about == "message" else None,
        offer_id=id_ if report.about == "offer" else None,
        conversation_id=report.conversation_id,
        reporter_id=report.reporter_id,
        reason=report.reason,
        state=report.state,
        created_at=iso(report.created_ms),
        note=report.note,
        content=report.content,
        action=report.action,
        decision=report.decision,
        decided_at=iso_or_none(report.decided_ms),
        decided_by=report.decided_by,
    )
