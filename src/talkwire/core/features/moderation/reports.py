"""Reports: users report a message or an offer to the admins, admins decide what to do, and the reporter and the author
are notified of the decision."""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.command import Page
from talkwire.core.commands.messages import DeleteMessage
from talkwire.core.commands.moderation.reports import (
    DecideReport,
    GetReportContext,
    ListReports,
    RecordReportContext,
    ReportContext,
    ReportMessage,
    ReportOffer,
)
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.offers import DeleteOffer
from talkwire.core.domain.access import may_act, must_be_operator, require
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import ReportCreated, ReportDecided
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.domain.model import Actor, Conversation
from talkwire.core.domain.moderation.reports import MessageReport
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import check_id, check_short_text
from talkwire.core.features.conversations.moderation import RESTRICTION_REASON_MAX_LENGTH, restrict_member
from talkwire.core.features.messages.edits import delete_message
from talkwire.core.features.messages.messages import must_not_be_deleted, need_message, visible_message
from talkwire.core.features.messages.offers import delete_offer, visible_offer
from talkwire.core.features.users.users import ban_user
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

WORD_MAX_LENGTH = 64
"""Longest reason of a report, in characters."""

NOTE_MAX_LENGTH = 1000
"""Longest note of a report, in characters."""

CONTEXT_MESSAGES = 5
"""Number of messages before what was reported, and after it, that are shown to admins."""


def check_report(command: ReportMessage | ReportOffer) -> None:
    check_short_text("reason", command.reason, WORD_MAX_LENGTH)
    if command.note is not None:
        check_short_text("note", command.note, NOTE_MAX_LENGTH)


def needs_of_report(actor: Actor, command: ReportMessage, needs: Prefetch) -> None:
    """Adds the id of the reported message to `needs`, the keys of rows that the writer fetches for a whole batch of
    commands before it executes them."""
    need_message(needs, command.message_id)


def report_message(tx: Transaction, actor: Actor, command: ReportMessage) -> MessageReport:
    """Reports a message and returns the report; if an earlier report of it by the actor is still open, returns that
    one. Raises `forbidden` if the actor may not see the message, and `invalid_request` if it is deleted or the actor's
    own."""
    message, _ = visible_message(tx, actor.user_id, command.message_id)
    open_report = tx.reports.open_of(message.id, actor.user_id)
    if open_report is not None:
        return open_report
    must_not_be_deleted(message)
    if message.sender_id == actor.user_id:
        raise invalid("messageId", "this is your own message; delete it instead")
    report = MessageReport(
        id="",
        message_id=message.id,
        conversation_id=message.conversation_id,
        author_id=message.sender_id,
        reporter_id=actor.user_id,
        reason=command.reason,
        created_ms=tx.now_ms,
        note=command.note,
        content=message.content or None,
        copied_from=() if message.forwarded_from is None else (message.forwarded_from.sender_id,),
    )
    return _record(tx, report)


def report_offer(tx: Transaction, actor: Actor, command: ReportOffer) -> MessageReport:
    """Reports an offer (a proposed price) and returns the report; if an earlier report of it by the actor is still
    open, returns that one. Raises `forbidden` if the actor may not see the offer, and `invalid_request` if it is
    deleted or the actor's own."""
    offer = visible_offer(tx, actor, command.offer_id)
    open_report = tx.reports.open_of(offer.id, actor.user_id)
    if open_report is not None:
        return open_report
    if offer.deleted_ms is not None:
        raise invalid("offerId", "the offer is deleted")
    if offer.author_id == actor.user_id:
        raise invalid("offerId", "this is your own offer; withdraw it instead")
    report = MessageReport(
        id="",
        message_id=offer.id,
        conversation_id=offer.conversation_id,
        author_id=offer.author_id,
        reporter_id=actor.user_id,
        reason=command.reason,
        created_ms=tx.now_ms,
        note=command.note,
        content="\n\n".join(filter(None, (offer.title, offer.description))),
        about="offer",
        copied_from=tuple(filter(None, (offer.title_by, offer.description_by))),
    )
    return _record(tx, report)


def _record(tx: Transaction, report: MessageReport) -> MessageReport:
    pos = tx.next_pos()
    numbered = replace(report, id=own_id_at(pos))
    tx.record(ReportCreated(pos, tx.now_ms, numbered))
    return numbered


def check_decision(command: DecideReport) -> None:
    check_id("reportId", command.report_id)
    check_short_text("reason", command.reason, RESTRICTION_REASON_MAX_LENGTH)
    if command.state == "open":
        raise invalid("state", 'must be "dismissed" or "resolved"')
    if command.state == "dismissed" and command.action is not None:
        raise invalid("action", 'needs the state "resolved"')


def decide_report(tx: Transaction, actor: Actor, command: DecideReport) -> MessageReport:
    """Decides a report: takes the chosen action (delete the message or offer, mute or ban its author, or none), closes
    the report and returns it. Deciding again in the same way changes nothing; another decision raises `conflict`. Only
    for operators."""
    must_be_operator(actor)
    require(may_act(tx.user(actor.user_id)))
    report = tx.reports.find(command.report_id)
    if report is None:
        raise ChatError("not_found", "There is no such report.")
    if report.state != "open":
        if (report.state, report.action) == (command.state, command.action):
            return report
        raise ChatError(
            "conflict", f"This report was {report.state} already.", {"state": report.state}, cause="state_changed"
        )
    _take_action(tx, actor, command, report)
    decided = replace(
        report,
        content=None,
        state=command.state,
        action=command.action,
        decision=command.reason,
        decided_ms=tx.now_ms,
        decided_by=actor.user_id,
    )
    tx.record(ReportDecided(tx.next_pos(), tx.now_ms, decided))
    return decided


def _take_action(tx: Transaction, actor: Actor, command: DecideReport, report: MessageReport) -> None:
    match command.action:
        case "delete":
            conversation = tx.conversation(report.conversation_id)
            if conversation is not None and conversation.deleted_ms is None:
                _delete_reported(tx, actor, report)
        case "mute":
            mute = RestrictMember(report.conversation_id, report.author_id, "mute", reason=command.reason)
            restrict_member(tx, actor, mute)
        case "ban":
            ban_user(tx, actor, BanUser(report.author_id, command.reason))
        case None:
            pass


def _delete_reported(tx: Transaction, actor: Actor, report: MessageReport) -> None:
    if report.about == "offer":
        delete_offer(tx, actor, DeleteOffer(str(report.message_id)))
    elif tx.message(report.message_id) is not None:
        delete_message(tx, actor, DeleteMessage(str(report.message_id)))


def list_reports(snapshot: Snapshot, actor: Actor, query: ListReports) -> Page[MessageReport]:
    """Returns a page of reports in the given state or in all states, newest first. Only for operators."""
    must_be_operator(actor)
    if query.cursor is not None:
        check_id("cursor", query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.reports.page(query.state, query.cursor, limit + 1)
    return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)


# --- what is around ---------------------------------------------------------------------------------------------------


def record_context(tx: Transaction, actor: Actor, command: RecordReportContext) -> None:
    """Checks that the actor is an operator. Changes nothing itself; the audit log gets an entry for the command
    (`acts.py`)."""
    must_be_operator(actor)
    require(may_act(tx.user(actor.user_id)))


def get_context(snapshot: Snapshot, actor: Actor, query: GetReportContext) -> ReportContext:
    """Returns the `CONTEXT_MESSAGES` messages before and after what was reported. Raises `not_found` for an unknown
    report, and for one whose conversation was deleted. Only for operators."""
    must_be_operator(actor)
    report = snapshot.reports.find(query.report_id)
    conversation = None if report is None else snapshot.conversation(report.conversation_id)
    if report is None or conversation is None or conversation.deleted_ms is not None:
        raise ChatError("not_found", "There is no such report, or its conversation was deleted.")
    message = None if report.about == "offer" else snapshot.message(report.message_id)
    root = None if message is None or message.thread_id is None else snapshot.message(message.thread_id)
    if root is None:
        read = partial(snapshot.parts.without_replies, conversation.id, limit=CONTEXT_MESSAGES)
    else:
        read = partial(snapshot.parts.replies, root.id, limit=CONTEXT_MESSAGES)
    seq = _first_seq_from(snapshot, conversation, report.message_id) if message is None else message.seq
    before = tuple(read(before_seq=seq))
    if root is not None and len(before) < CONTEXT_MESSAGES:
        before = (root, *before)
    return ReportContext(conversation.id, before, tuple(read(after_seq=seq - 1 if message is None else seq)))


def _first_seq_from(snapshot: Snapshot, conversation: Conversation, number: int) -> int:
    """Returns the `seq` from which a conversation's messages have ids of at least `number`. Ids grow with `seq`."""

    def id_from(seq: int) -> int:
        found = snapshot.messages(conversation.id, after_seq=seq - 1, limit=1)
        return found[0].id if found else number

    return 1 + bisect_left(range(1, conversation.last_seq + 1), number, key=id_from)


CHANGES: Changes = MappingProxyType(
    {
        ReportMessage: ChangeHandler(report_message, check_report, needs_of_report),
        ReportOffer: ChangeHandler(report_offer, check_report),
        DecideReport: ChangeHandler(decide_report, check_decision),
        RecordReportContext: ChangeHandler(record_context),
    }
)

QUERIES: Queries = MappingProxyType({ListReports: list_reports, GetReportContext: get_context})
