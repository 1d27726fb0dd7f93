"""The payloads of the log's events (the ordered list of all committed events) for the application's backend and admins,
who receive them in the event stream and by webhooks.

They have the names and payloads of the messenger dialect where that dialect has the event. They also contain data that
the dialect hides from users: a user's e-mail address and metadata, and the members of a new group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import structlog
from msgspec.structs import asdict

from talkwire.core.domain.audience import actor_of, conversation_of
from talkwire.core.domain.errors import did_you_mean, invalid
from talkwire.core.domain.events import (
    CallMissed,
    CallRecorded,
    CardActed,
    CardDecided,
    CardReminded,
    ConversationCreated,
    ConversationDeleted,
    ConversationHandled,
    ConversationPreferred,
    ConversationUpdated,
    DeskConversationChanged,
    Durable,
    HoldChanged,
    InvitationCreated,
    InvitationDeleted,
    InvitationUsed,
    LinkPreviewsChanged,
    LoginEnded,
    LoginOpened,
    LoginRenewed,
    MemberAdded,
    MemberRemoved,
    MemberRestricted,
    MembershipGroundsChanged,
    MembersListed,
    MemberUnrestricted,
    MemberUpdated,
    MessageDeleted,
    MessageEdited,
    MessageMetadataChanged,
    MessagePinned,
    MessageRated,
    MessageReacted,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    MessageUnpinned,
    NotificationsRead,
    OfferCreated,
    OfferUpdated,
    PreferencesChanged,
    ReadPositionMoved,
    ReportCreated,
    ReportDecided,
    SavedChanged,
    StreamStateChanged,
    TeamSettled,
    TeamUpdated,
    ThreadMarked,
    ThreadUpdated,
    TurnFailed,
    TurnReady,
    TurnUnanswered,
    UserBanned,
    UserBlocked,
    UserCreated,
    UserErased,
    UserRenamed,
    UserUnbanned,
    UserUnblocked,
    UserUpdated,
    WebhookAction,
    WebhookChanged,
)
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.messenger.blocks import UserIdPayload
from talkwire.dialects.messenger.members import AddedMemberPayload, added_member_payload
from talkwire.dialects.messenger.outbound import OUTBOUND
from talkwire.payloads.cards.cards import card_reminded_payload
from talkwire.payloads.conversations import ConversationPayload, shared_conversation_payload
from talkwire.payloads.invitations import InvitationPayload, invitation_payload
from talkwire.payloads.moderation.reports import ReportPayload, report_payload
from talkwire.payloads.moderation.restrictions import RestrictionPayload, restriction_payload
from talkwire.payloads.payload import Payload, iso, iso_or_none
from talkwire.payloads.users import UserPayload, whole_user_payload

_SHOWN = 64
"""Most characters of an unknown name that an error message repeats."""

_logger = structlog.get_logger(__name__)


class LogEventPayload(Payload, frozen=True):
    """An event of the log. `id` identifies it permanently. `actorId` is the user that caused the event (of what the
    backend does in a user's name, that user), or the only user that the event concerns; it is missing if the
    application's backend or the server caused it for itself. The schema of `data` depends on `type`."""

    id: str
    type: str
    time: str
    data: Any
    conversation_id: str | None = None
    actor_id: str | None = None


class WebhookEventPayload(LogEventPayload, frozen=True, kw_only=True):
    """The body of a request to a webhook: one event of the log. `timestamp` equals `time`."""

    timestamp: str


class WebhookChangedPayload(Payload, frozen=True):
    """A webhook that was created, changed or deleted, and which of these happened (`action`)."""

    webhook_id: str
    action: WebhookAction


class CreatedConversationPayload(ConversationPayload, frozen=True):
    """A new conversation with all its members."""

    members: tuple[AddedMemberPayload, ...] | None = None  # type: ignore[assignment]  # the users' names are not known


class UserBanPayload(Payload, frozen=True):
    """A user who is banned from the server. Without `until`, the ban lasts until it is lifted."""

    user_id: str
    reason: str | None = None
    until: str | None = None


class ErasedUserPayload(Payload, frozen=True):
    """A user whose data was erased. With `redact`, each of the user's messages is deleted soon afterwards."""

    user_id: str
    redact: bool


class HoldPayload(Payload, frozen=True):
    """A change of a hold, which stops all deletions in a conversation or of a user's messages: `hold` says whether it
    is in force now. Exactly one of `conversationId` and `userId` is set."""

    hold: bool
    conversation_id: str | None = None
    user_id: str | None = None


class LoginPayload(Payload, frozen=True):
    """A signed-in device of a user."""

    session_id: str
    user_id: str


class UsedInvitationPayload(Payload, frozen=True):
    """The use of an invitation: the user `userId` registered or joined conversations with it."""

    invitation_id: str
    user_id: str


class InvitationIdPayload(Payload, frozen=True):
    invitation_id: str


class MissedCallPayload(Payload, frozen=True):
    """A call that the users `userIds` were invited to and did not accept."""

    call_id: str
    conversation_id: str
    caller_id: str
    user_ids: tuple[str, ...]


def _user(event: UserCreated | UserUpdated) -> UserPayload:
    return whole_user_payload(event.user)


def _ban(event: UserBanned) -> UserBanPayload:
    return UserBanPayload(event.user_id, event.reason, iso_or_none(event.until_ms))


def _user_id(event: UserUnbanned) -> UserIdPayload:
    return UserIdPayload(event.user_id)


def _erased_user(event: UserErased) -> ErasedUserPayload:
    return ErasedUserPayload(event.user.id, event.redact)


def _hold(event: HoldChanged) -> HoldPayload:
    return HoldPayload(event.hold, event.conversation_id or None, event.user_id or None)


def _login(event: LoginOpened | LoginRenewed | LoginEnded) -> LoginPayload:
    return LoginPayload(event.session_id, event.user_id)


def _invitation(event: InvitationCreated) -> InvitationPayload:
    return invitation_payload(event.invitation)


def _used_invitation(event: InvitationUsed) -> UsedInvitationPayload:
    return UsedInvitationPayload(event.invitation_id, event.user_id)


def _deleted_invitation(event: InvitationDeleted) -> InvitationIdPayload:
    return InvitationIdPayload(event.invitation_id)


def _conversation(event: ConversationCreated) -> CreatedConversationPayload:
    shared = asdict(shared_conversation_payload(event.conversation))
    return CreatedConversationPayload(**{**shared, "members": tuple(map(added_member_payload, event.members))})


def _restriction(event: MemberRestricted | MemberUnrestricted) -> RestrictionPayload:
    return restriction_payload(event.restriction, for_moderators=True)


def _report(event: ReportCreated | ReportDecided) -> ReportPayload:
    return report_payload(event.report)


def _webhook(event: WebhookChanged) -> WebhookChangedPayload:
    return WebhookChangedPayload(event.webhook_id, event.action)


def _missed_call(event: CallMissed) -> MissedCallPayload:
    return MissedCallPayload(event.call_id, event.conversation_id, event.caller_id, event.user_ids)


_AS_SENT: tuple[type[Durable], ...] = (
    UserBlocked,
    UserUnblocked,
    ConversationUpdated,
    ConversationDeleted,
    ConversationPreferred,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    MembershipGroundsChanged,
    MembersListed,
    TeamUpdated,
    TeamSettled,
    ConversationHandled,
    DeskConversationChanged,
    MessagesRead,
    MessagesDelivered,
    ReadPositionMoved,
    ThreadMarked,
    MessageSent,
    MessageEdited,
    MessageMetadataChanged,
    StreamStateChanged,
    MessageDeleted,
    LinkPreviewsChanged,
    ThreadUpdated,
    MessageReacted,
    MessageRated,
    CardDecided,
    TurnReady,
    TurnUnanswered,
    TurnFailed,
    MessagePinned,
    MessageUnpinned,
    OfferCreated,
    OfferUpdated,
    PreferencesChanged,
    SavedChanged,
    NotificationsRead,
    CallRecorded,
)
"""Types of events that have the name and the payload that messenger clients receive."""

LOG_EVENTS: Mapping[type[Durable], Outbound] = MappingProxyType(
    {
        **{event_type: OUTBOUND[event_type][0] for event_type in _AS_SENT},
        CardActed: replace(OUTBOUND[CardActed][0], when=lambda event: not event.hidden),
        UserCreated: Outbound("user:created", _user, summary="A user was stored for the first time."),
        UserUpdated: Outbound("user:updated", _user, summary="A user's profile changed."),
        # Readers of the log return it as `UserUpdated`, since it contains no more than a name.
        UserRenamed: Outbound("user:updated", _user, summary="A user received a name."),
        UserBanned: Outbound(
            "user:banned", _ban, summary="A user was banned from the server, or the ban's reason or end changed."
        ),
        UserUnbanned: Outbound("user:unbanned", _user_id, summary="A user's ban was lifted."),
        UserErased: Outbound("user:erased", _erased_user, summary="A user was erased: nothing is left but the id."),
        HoldChanged: Outbound(
            "hold:changed",
            _hold,
            summary="A hold, which stops deletions, was placed on a conversation or a user, or lifted.",
        ),
        LoginOpened: Outbound("session:started", _login, summary="A user signed in with an account on a device."),
        LoginRenewed: Outbound(
            "session:renewed", _login, summary="A signed-in device received its next refresh token."
        ),
        LoginEnded: Outbound("session:ended", _login, summary="A device was signed out."),
        InvitationCreated: Outbound("invitation:created", _invitation, summary="An invitation was created."),
        InvitationUsed: Outbound(
            "invitation:used", _used_invitation, summary="A user registered or joined conversations with an invitation."
        ),
        InvitationDeleted: Outbound("invitation:deleted", _deleted_invitation, summary="An invitation was deleted."),
        ConversationCreated: Outbound(
            "conversation:new", _conversation, summary="A conversation was created, with these members."
        ),
        MemberRestricted: Outbound(
            "member:restricted", _restriction, summary="A moderator muted or banned a user in a conversation."
        ),
        MemberUnrestricted: Outbound(
            "member:unrestricted", _restriction, summary="A mute or a ban of a user was lifted, or has ended."
        ),
        ReportCreated: Outbound("report:created", _report, summary="A user reported a message to the admins."),
        ReportDecided: Outbound("report:decided", _report, summary="An admin decided about a report of a message."),
        WebhookChanged: Outbound("webhook:changed", _webhook, summary="A webhook was created, changed or deleted."),
        CardReminded: Outbound(
            "card:reminded", card_reminded_payload, summary="Three quarters of the time of an open card are over."
        ),
        CallMissed: Outbound("call:missed", _missed_call, summary="Users did not accept a call."),
    }
)
"""The name, the payload and the meaning of every event of the log."""


def webhook_event_payload(event: LogEventPayload) -> WebhookEventPayload:
    """Returns the body of a webhook's request for an event of the log: the event with the member `timestamp` added."""
    return WebhookEventPayload(
        event.id, event.type, event.time, event.data, event.conversation_id, event.actor_id, timestamp=event.time
    )


def log_event_payloads(events: Iterable[Durable], epoch: str) -> tuple[LogEventPayload, ...]:
    """Returns the payloads of events of the log, for a caller that may read the whole log. `epoch` names the history of
    the database that the events belong to; it becomes a part of their ids.

    Choices in polls with hidden names are left out. An event whose payload cannot be built is logged and left out, so
    that it does not block readers of the log forever.
    """
    payloads = []
    for event in events:
        try:
            packet = LOG_EVENTS[type(event)]
            if packet.when is None or packet.when(event):
                payloads.append(_payload(packet, event, epoch))
        except Exception:
            _logger.exception("event_not_rendered", kind=type(event).__name__, pos=event.pos)
    return tuple(payloads)


def _payload(packet: Outbound, event: Durable, epoch: str) -> LogEventPayload:
    return LogEventPayload(
        id=cursor_of(epoch, event.pos),
        type=packet.name,
        time=iso(event.at_ms),
        data=packet.payload(event),
        conversation_id=conversation_of(event),
        actor_id=actor_of(event),
    )


LOG_EVENT_NAMES: tuple[str, ...] = tuple(sorted({packet.name for packet in LOG_EVENTS.values()}))
"""Names of the log's events that a client can choose by the parameter `types`, such as `message:new`."""


def log_types_named(names: Iterable[str], path: str = "types") -> frozenset[str]:
    """Returns the internal type names of the events with these public names, such as `message:new`, for a `LogFilter`.

    Raises `invalid_request` for an unknown name; `path` is the request's field that contains the names.
    """
    found: set[str] = set()
    for name in names:
        types = {event_type.__name__ for event_type, packet in LOG_EVENTS.items() if packet.name == name}
        if not types:
            raise invalid(path, f'"{name[:_SHOWN]}" is no event of the log{did_you_mean(name, LOG_EVENT_NAMES)}')
        found |= types
    return frozenset(found)
