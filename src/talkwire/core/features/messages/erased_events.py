"""Removes an erased user's personal content, such as names and reasons, from the events in the log, and keeps the rest
of the events."""

from __future__ import annotations

from msgspec.structs import replace

from talkwire.core.domain.events import (
    ConversationPreferred,
    DeskConversationChanged,
    Durable,
    MemberRestricted,
    MemberUnrestricted,
    MemberUpdated,
    MessageRated,
    MessageReacted,
    OfferCreated,
    OfferUpdated,
    PreferencesChanged,
    ReportCreated,
    ReportDecided,
    UserBanned,
    UserCreated,
    UserRenamed,
    UserUpdated,
)
from talkwire.core.domain.model import DELETED_NAME, PLAIN_PREFERENCES, Preferences, User
from talkwire.core.domain.moderation.reports import ERASED_REASON, MessageReport
from talkwire.core.features.messages.offers import without_texts_of as offer_without_texts_of

REDACTED_EMOJI = "\N{REPLACEMENT CHARACTER}"

WITH_TEXTS = tuple(
    kind.__name__
    for kind in (
        UserCreated,
        UserUpdated,
        UserRenamed,
        PreferencesChanged,
        ConversationPreferred,
        MemberRestricted,
        MemberUnrestricted,
        MemberUpdated,
        DeskConversationChanged,
        UserBanned,
        ReportCreated,
        ReportDecided,
        MessageRated,
        MessageReacted,
        OfferCreated,
        OfferUpdated,
    )
)
"""Types of the events that can contain texts of or about a user. Messages are not stored in the log."""


def without_texts_of(event: Durable, user_id: str, *, redact: bool) -> Durable:
    """Returns a copy of an event without the texts and settings of an erased user, and without texts about them.
    Returns the event itself if it contains none of these.

    Only with `redact` are the user's reactions and the texts of the user's offers (proposed prices) removed too.
    """
    cleaned = _profile_event(event, user_id) or _remark_event(event, user_id)
    return cleaned or (_content_event(event, user_id) if redact else None) or event


def _profile_event(event: Durable, user_id: str) -> Durable | None:
    match event:
        case UserCreated(user=user) | UserUpdated(user=user) if user.id == user_id:
            return replace(event, user=User(user_id, DELETED_NAME, user.created_ms, kind=user.kind))
        case UserRenamed() if event.user_id == user_id:
            return replace(event, name=DELETED_NAME)
        case PreferencesChanged() if event.user_id == user_id:
            return replace(event, preferences=Preferences())
        case ConversationPreferred() if event.user_id == user_id:
            return replace(event, **PLAIN_PREFERENCES)
        case MemberUpdated(member=member) if member.user_id == user_id:
            return replace(event, member=replace(member, **PLAIN_PREFERENCES))
        case MemberRestricted(restriction=found) | MemberUnrestricted(restriction=found) if user_id in {
            found.user_id,
            found.by,
        }:
            return replace(event, restriction=replace(found, reason=None))
        case UserBanned() if event.user_id == user_id:
            return replace(event, reason=None)
        case _:
            return None


def _remark_event(event: Durable, user_id: str) -> Durable | None:
    match event:
        case DeskConversationChanged(note=str()) if event.by == user_id:
            return replace(event, note=None)
        case MessageRated() if event.user_id == user_id:
            return replace(event, comment=None)
        case ReportCreated(report=report) | ReportDecided(report=report):
            return replace(event, report=_report_without(report, user_id))
        case _:
            return None


def _report_without(report: MessageReport, user_id: str) -> MessageReport:
    """Returns a copy of a report without an erased user's texts: its reason and note if the user is the reporter, the
    reported text if the user wrote it or a part of it. The decision's text is removed if the user is the reporter or
    the reported author, or made the decision."""
    if user_id == report.reporter_id:
        report = replace(report, reason=ERASED_REASON, note=None)
    if user_id in {report.author_id, *report.copied_from}:
        report = replace(report, content=None, copied_from=())
    if user_id in {report.reporter_id, report.author_id, report.decided_by}:
        report = replace(report, decision=None)
    return report


def _content_event(event: Durable, user_id: str) -> Durable | None:
    match event:
        case MessageReacted() if event.user_id == user_id:
            return replace(event, emoji=REDACTED_EMOJI)
        case OfferCreated(offer=offer) | OfferUpdated(offer=offer):
            return replace(event, offer=offer_without_texts_of(offer, user_id))
        case _:
            return None
