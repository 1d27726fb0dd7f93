"""Data types for reports, with which users ask admins to look at a message or an offer."""

from __future__ import annotations

from typing import Literal

import msgspec

ReportState = Literal["open", "dismissed", "resolved"]

ReportAction = Literal["delete", "mute", "ban"]
"""Act of an admin on a reported message or offer, or on its author: delete it, mute the author in the conversation
until the mute is lifted, or ban the author from the server until the ban is lifted."""

ReportSubject = Literal["message", "offer"]

Outcome = Literal["dismissed", "resolved", "delete", "mute", "ban", "remove"]
"""Content of a notification of moderation: to the reporter the report's state, to the author the action, and `remove`
to a member whom somebody has removed from a conversation."""


ERASED_REASON = "other"
"""Reason that remains of a report whose reporter was erased: reasons are texts of theirs."""


class MessageReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user's report of a message or an offer to the admins, and the admins' decision. A report can still be decided
    after the message was deleted.

    `message_id` is the id of the message or, with `about="offer"`, of the offer. `reason` is a short word such as
    `spam`, `note` what the reporter adds. `content` is the text as it was reported, while the report is open: the
    author may have edited or deleted the message since. `copied_from` has the ids of users, other than the author,
    whose text it contains: a forwarded message, or an offer with the texts of the one that it counters. `decision` is
    the reason that the admin `decided_by` gave.
    """

    id: str
    message_id: int
    conversation_id: str
    author_id: str
    reporter_id: str
    reason: str
    created_ms: int
    note: str | None = None
    content: str | None = None
    state: ReportState = "open"
    action: ReportAction | None = None
    decision: str | None = None
    decided_ms: int | None = None
    decided_by: str | None = None
    about: ReportSubject = "message"
    copied_from: tuple[str, ...] = ()
