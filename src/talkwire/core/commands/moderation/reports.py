"""Commands with which users report messages, and admins decide about the reports."""

from __future__ import annotations

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.moderation.reports import MessageReport, ReportAction, ReportState


class ReportMessage(Change[MessageReport], frozen=True, tag="ReportMessage"):
    """Reports a message that the actor can see to the admins. While the actor's earlier report of the same message is
    open, returns that report."""

    message_id: str
    reason: str
    note: str | None = None


class DecideReport(Change[MessageReport], frozen=True, tag="DecideReport"):
    """Closes a report of a message, and deletes the message, mutes or bans its author if `action` is set. Only for
    operators.

    The reporter is notified, and the author if there is an action.
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
