"""Commands with which users report messages, and admins decide about the reports."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.moderation.reports import MessageReport, ReportAction, ReportState


class ReportMessage(Change[MessageReport], frozen=True, tag="ReportMessage"):
    """Reports a message to the admins. Returns the report, or the actor's earlier report of the same message if that is
    still open. Raises `forbidden` if the actor may not see the message, and `invalid_request` for an own message."""

    message_id: str
    reason: str
    note: str | None = None


class DecideReport(Change[MessageReport], frozen=True, tag="DecideReport"):
    """Closes a report as `dismissed` or `resolved` and returns it. With `action`, also deletes the reported message, or
    mutes or bans its author. Only for operators.

    The reporter is notified, and the author if there is an action. Raises `conflict` if the report was decided
    differently before.
    """

    report_id: str
    state: ReportState
    reason: str
    action: ReportAction | None = None


class ListReports(Query[Page[MessageReport]], frozen=True, tag="ListReports"):
    """Lists reports of messages, newest first, optionally only those in one state (open, dismissed, resolved). Only for
    operators."""

    state: ReportState | None = None
    cursor: str | None = None
    limit: int = 50
