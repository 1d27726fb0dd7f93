"""The routes of `/api/v1/reports`, with which admins decide about the reports of messages and offers."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import FromQuery, QueryParameter

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.moderation.reports import (
    GetReportContext,
    ListReports,
    RecordReportContext,
    ReportContext,
)
from talkwire.core.domain.moderation.reports import ReportState
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.operations.moderation import reports
from talkwire.payloads.messages import MessagePayload, message_payload
from talkwire.payloads.moderation.reports import ReportPayload, report_payload

# A parameter with the name `state` would be Litestar's application state.
State = Annotated[ReportState | None, QueryParameter(name="state", description="Only reports in this state")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]


class ReportContextAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The five messages before and after what was reported, from older to newer: those of its thread, with the thread's
    first message, for a reply in a thread, otherwise those of the conversation without replies in threads."""

    before: tuple[MessagePayload, ...]
    after: tuple[MessagePayload, ...]


async def list_reports(
    caller: GivenCaller,
    chat: GivenChat,
    in_state: State = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[ReportPayload]:
    page = await chat.execute(caller.actor, ListReports(in_state, cursor, limit))
    return ListAnswer(tuple(map(report_payload, page.items)), page.next)


async def _context(
    context: ReportContext, asked: GetReportContext, caller: Caller, chat: LimitedChat
) -> ReportContextAnswer:
    await chat.execute(caller.actor, RecordReportContext(asked.report_id, context.conversation_id))
    return ReportContextAnswer(tuple(map(message_payload, context.before)), tuple(map(message_payload, context.after)))


decision_routes = routes_of(
    reports.DECISIONS,
    answers={"GET /reports/{report_id}/context": _context},
    handlers={"GET /reports": list_reports},
)
