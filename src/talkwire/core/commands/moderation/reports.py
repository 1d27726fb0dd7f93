"""Commands with which users report messages and offers, and admins decide about the reports."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Message
from talkwire.core.domain.moderation.reports import MessageReport, ReportAction, ReportState


class ReportMessage(Change[MessageReport], frozen=True, tag="ReportMessage"):
    """Reports a message to the admins. Returns the report, or the actor's earlier report of the same message if that is
    still open. Raises `forbidden` if the actor may not see the message, and `invalid_request` for an own message."""

    message_id: str
    reason: str
    note: str | None = None


class ReportOffer(Change[MessageReport], frozen=True, tag="ReportOffer"):
    """Reports an offer (a proposed price) to the admins. Returns the report, or the actor's earlier report of the same
    offer if that is still open. Raises `forbidden` if the actor may not see the offer, and `invalid_request` for an own
    or deleted one."""

    offer_id: str
    reason: str
    note: str | None = None


class DecideReport(Change[MessageReport], frozen=True, tag="DecideReport"):
    """Closes a report as `dismissed` or `resolved` and returns it. With `action`, also deletes the reported message or
    offer, or mutes or bans its author. Only for operators.

    The reporter is notified, and the author if there is an action. Raises `conflict` if the report was decided
    differently before.
    """

    report_id: str
    state: ReportState
    reason: str
    action: ReportAction | None = None


class ReportContext(msgspec.Struct, frozen=True):
    """The messages around a reported message or offer, in ascending order: those of its thread for a reply in a thread,
    otherwise those of the conversation without replies in threads."""

    conversation_id: str
    before: tuple[Message, ...]
    after: tuple[Message, ...]


class GetReportContext(Query[ReportContext], frozen=True, tag="GetReportContext"):
    """Returns the messages before and after what was reported. Only for operators. A caller that shows them executes
    `RecordReportContext` first."""

    report_id: str


class RecordReportContext(Change[None], frozen=True, tag="RecordReportContext"):
    """Adds an entry to the audit log: the actor reads the messages around what was reported in the conversation
    `conversation_id`. Only for operators."""

    report_id: str
    conversation_id: str


class ListReports(Query[Page[MessageReport]], frozen=True, tag="ListReports"):
    """Lists reports, newest first, optionally only those in one state (open, dismissed, resolved). Only for
    operators."""

    state: ReportState | None = None
    cursor: str | None = None
    limit: int = 50
