"""The operations of reports: users report messages and offers to the admins, who decide about the reports."""

from __future__ import annotations

from typing import Literal

from talkwire.core.commands.moderation.reports import (
    DecideReport,
    GetReportContext,
    ListReports,
    RecordReportContext,
    ReportMessage,
    ReportOffer,
)
from talkwire.operations.operation import TAKES_PART, One, Operation, Paged
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.moderation.reports import report_payload

_REPORT = One(report_payload, "report")

_REPORTED = Shape(
    "ReportBody",
    "The reason for reporting a message or an offer: a short word such as `spam`, `abuse` or `other`, and an optional "
    "note.",
)

REPORT_MESSAGE = Operation(
    ReportMessage,
    event="message:report",
    route="POST /messages/{message_id}/report",
    tag="messages",
    summary="Report a message to the admins",
    event_summary="Report a message to the admins. Reporting it again returns the open report.",
    description="While the caller's report of the message is open, a further one returns the first.",
    answer=_REPORT,
    body=_REPORTED,
    payload=Shape(
        "ReportMessagePayload",
        "A message to report to the admins, and the reason: a short word such as `spam`, `abuse` or `other`, and "
        "an optional note.",
    ),
    unaudited=TAKES_PART,
)

REPORT_OFFER = Operation(
    ReportOffer,
    event="offer:report",
    route="POST /offers/{offer_id}/report",
    tag="offers",
    summary="Report a price offer to the admins",
    event_summary="Report a price offer to the admins. Reporting it again returns the open report.",
    description="While the caller's report of the offer is open, a further one returns the first.",
    answer=_REPORT,
    body=_REPORTED,
    payload=Shape(
        "ReportOfferPayload",
        "An offer to report to the admins, and the reason: a short word such as `spam`, `abuse` or `other`, and an "
        "optional note.",
    ),
    unaudited=TAKES_PART,
)

DECISIONS = (
    Operation(
        ListReports,
        route="GET /reports",
        tag="moderation",
        summary="List reports, newest first (role admin)",
        answer=Paged(report_payload),
    ),
    Operation(
        GetReportContext,
        also=(RecordReportContext,),
        route="GET /reports/{report_id}/context",
        tag="moderation",
        summary="List the messages around what was reported (role admin)",
        description="Each request is an entry of the audit log, `report-context`.",
        refuses=(404,),
    ),
    Operation(
        DecideReport,
        route="PATCH /reports/{report_id}",
        tag="moderation",
        summary="Decide about a report (role admin)",
        description="The action and the decision are stored together, or neither. The reporter is notified, and the "
        "author if there is an action.",
        refuses=(404, 409),
        answer=_REPORT,
        members={"state": InputMember(type=Literal["dismissed", "resolved"])},
        body=Shape(
            "DecideReportBody",
            "An admin's decision about a report. With `resolved`, `action` may delete the message or offer, mute its "
            "author in the conversation, or ban its author from the server; a mute or ban lasts until it is lifted. "
            "The users who are notified of the decision see the reason.",
        ),
    ),
)

OPERATIONS = (REPORT_MESSAGE, REPORT_OFFER, *DECISIONS)
