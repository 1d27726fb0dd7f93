"""Payloads of reports of messages."""

from __future__ import annotations

from talkwire.core.domain.moderation.reports import MessageReport, ReportAction, ReportState
from talkwire.dialects.payload import Payload, iso


class ReportPayload(Payload, frozen=True):
    """A user's report of a message. `content` is the message's text as it was reported, while the report is open. Only
    admins and the backend receive `action`, `decision`, `decidedAt` and `decidedBy`, once the report is decided."""

    id: str
    message_id: str
    conversation_id: str
    reporter_id: str
    reason: str
    state: ReportState
    created_at: str
    note: str | None = None
    content: str | None = None
    action: ReportAction | None = None
    decision: str | None = None
    decided_at: str | None = None
    decided_by: str | None = None


def report_payload(report: MessageReport) -> ReportPayload:
    """Returns a user's report of a message with all members, as admins and the backend see it."""
    return ReportPayload(
        id=report.id,
        message_id=str(report.message_id),
        conversation_id=report.conversation_id,
        reporter_id=report.reporter_id,
        reason=report.reason,
        state=report.state,
        created_at=iso(report.created_ms),
        note=report.note,
        content=report.content,
        action=report.action,
        decision=report.decision,
        decided_at=None if report.decided_ms is None else iso(report.decided_ms),
        decided_by=report.decided_by,
    )
