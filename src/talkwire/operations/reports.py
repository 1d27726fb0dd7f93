"""The operations of reports: users report messages and offers to the admins."""

from __future__ import annotations

from talkwire.core.commands.moderation.reports import ReportMessage, ReportOffer
from talkwire.operations.operation import TAKES_PART, One, Operation
from talkwire.operations.shapes import Shape
from talkwire.payloads.moderation.reports import report_payload

_REPORT = One(report_payload, "report")

_REPORTED = Shape(
    "ReportBody",
    "The reason for reporting a message or an offer: a short word such as `spam`, `abuse` or `other`, and an optional "
    "note.",
)

MESSAGES = Operation(
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

OFFERS = Operation(
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

OPERATIONS = (MESSAGES, OFFERS)
