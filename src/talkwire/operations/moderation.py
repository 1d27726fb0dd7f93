"""The operations of moderation: users report messages to the admins."""

from __future__ import annotations

from talkwire.core.commands.moderation.reports import ReportMessage
from talkwire.operations.operation import TAKES_PART, One, Operation
from talkwire.operations.shapes import Shape
from talkwire.payloads.moderation.reports import report_payload

REPORT = One(report_payload, "report")

OPERATIONS = (
    Operation(
        ReportMessage,
        event="message:report",
        tag="messages",
        summary="Report a message to the admins",
        event_summary="Report a message to the admins. Reporting it again returns the open report.",
        answer=REPORT,
        payload=Shape(
            "ReportMessagePayload",
            "A message to report to the admins, and the reason: a short word such as `spam`, `abuse` or `other`, and "
            "an optional note.",
        ),
        unaudited=TAKES_PART,
    ),
)
