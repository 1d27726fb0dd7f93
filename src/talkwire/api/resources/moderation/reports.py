"""Routes of `/api/v1/reports`, with which admins decide about the reports of messages and offers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Router, get, patch
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.moderation.reports import (
    DecideReport,
    GetReportContext,
    ListReports,
    RecordReportContext,
)
from talkwire.core.domain.moderation.reports import ReportAction, ReportState
from talkwire.payloads.messages import MessagePayload, message_payload
from talkwire.payloads.moderation.reports import ReportPayload, report_payload

State = Annotated[ReportState | None, QueryParameter(name="state", description="Only reports in this state")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]


class DecideReportBody(Body, frozen=True):
    """An admin's decision about a report. With `resolved`, `action` may delete the message or offer, mute its author in
    the conversation, or ban its author from the server; a mute or ban lasts until it is lifted. The users who are
    notified of the decision see the reason."""

    state: Literal["dismissed", "resolved"]
    reason: str
    action: ReportAction | None = None


@get("/", operation_id="listReports", summary="List reports, newest first (role admin)")
async def list_reports(
    caller: GivenCaller,
    chat: GivenChat,
    in_state: State = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[ReportPayload]:
    page = await chat.execute(caller.actor, ListReports(in_state, cursor, limit))
    return ListAnswer(tuple(map(report_payload, page.items)), page.next)


class ReportContextAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The five messages before and after what was reported, from older to newer: those of its thread, with the thread's
    first message, for a reply in a thread, otherwise those of the conversation without replies in threads."""

    before: tuple[MessagePayload, ...]
    after: tuple[MessagePayload, ...]


@get(
    "/{report_id:str}/context",
    operation_id="getReportContext",
    summary="List the messages around what was reported (role admin)",
    description="Each request is an entry of the audit log, `report-context`.",
    opt=may_refuse(404),
)
async def get_report_context(report_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> ReportContextAnswer:
    context = await chat.execute(caller.actor, GetReportContext(report_id))
    await chat.execute(caller.actor, RecordReportContext(report_id, context.conversation_id))
    return ReportContextAnswer(tuple(map(message_payload, context.before)), tuple(map(message_payload, context.after)))


@patch(
    "/{report_id:str}",
    operation_id="decideReport",
    summary="Decide about a report (role admin)",
    description="The action and the decision are stored together, or neither. The reporter is notified, and the "
    "author if there is an action.",
    opt=may_refuse(404, 409),
)
async def decide_report(
    report_id: FromPath[str], data: JSONBody[DecideReportBody], caller: GivenCaller, chat: GivenChat
) -> ReportPayload:
    command = DecideReport(report_id, data.state, data.reason, data.action)
    return report_payload(await chat.execute(caller.actor, command))


reports_router = Router(
    "/reports", route_handlers=[list_reports, get_report_context, decide_report], tags=["moderation"]
)
