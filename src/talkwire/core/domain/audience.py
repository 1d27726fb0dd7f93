"""Which users an event concerns: the members of a conversation, one user, or nobody but the server.

Live delivery, the index columns of the log, `sync` and recovery all use these functions, so that live and replayed
events cannot differ. `event_as_seen` decides how much of an event one member may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from msgspec.structs import replace

from talkwire.core.domain.access import as_seen, may_see_offer
from talkwire.core.domain.events import (
    CallMissed,
    ConversationCreated,
    ConversationDeleted,
    ConversationPreferred,
    ConversationUpdated,
    Durable,
    Event,
    InvitationCreated,
    InvitationDeleted,
    InvitationUsed,
    LoginEnded,
    LoginOpened,
    LoginRenewed,
    MemberAdded,
    MemberRemoved,
    MemberRestricted,
    MemberUnrestricted,
    MemberUpdated,
    MessageDeleted,
    MessageEvent,
    MessagePinned,
    MessageReacted,
    MessagesDelivered,
    MessagesRead,
    MessageUnpinned,
    NotificationsRead,
    OfferCreated,
    OfferUpdated,
    PreferencesChanged,
    ReadPositionMoved,
    RoomEntered,
    RoomLeft,
    TypingChanged,
    UserBanned,
    UserBlocked,
    UserCreated,
    UserRenamed,
    UserUnbanned,
    UserUnblocked,
    UserUpdated,
)
from talkwire.core.domain.model import HistoryStart


@dataclass(frozen=True, slots=True)
class Audience:
    """The recipients of an event: a conversation's members or one user. At most one of the two ids is set."""

    conversation_id: str | None = None
    user_id: str | None = None


NOBODY = Audience()


def audience_of(event: Durable) -> Audience:  # noqa: C901 (a table with a row an event)
    """Returns who may see the event, before a member's own history narrows it (`event_as_seen`).

    A changed user profile is also sent to connected contacts; other clients read it with messages and members.
    """
    match event:
        case MessageEvent():
            return Audience(conversation_id=event.message.conversation_id)
        case ConversationCreated() | ConversationUpdated():
            return Audience(conversation_id=event.conversation.id)
        case MemberUpdated():
            return Audience(conversation_id=event.member.conversation_id)
        case OfferCreated() | OfferUpdated():
            return Audience(conversation_id=event.offer.conversation_id)
        case MemberAdded() | MemberRemoved() | ConversationDeleted() | MessagesRead() | MessagesDelivered():
            return Audience(conversation_id=event.conversation_id)
        case (ConversationPreferred() | PreferencesChanged() | UserBlocked() | UserUnblocked()) | (
            ReadPositionMoved() | NotificationsRead()
        ):
            return Audience(user_id=event.user_id)
        case MemberRestricted() | MemberUnrestricted():
            return Audience(user_id=event.restriction.user_id)
        case UserUpdated():
            return Audience(user_id=event.user.id)
        case UserCreated() | UserRenamed() | UserBanned() | UserUnbanned():
            return NOBODY
        case LoginOpened() | LoginRenewed() | LoginEnded() | CallMissed():
            return NOBODY
        case InvitationCreated() | InvitationUsed() | InvitationDeleted():
            return NOBODY
        case _:
            assert_never(event)


def event_as_seen(event: Durable, user_id: str, history: HistoryStart) -> Durable | None:
    """Returns an event of a conversation as a member with this history may see it, or None if the member may not.

    Receipts of a user who has blocked the member are never visible to the member.
    """
    match event:
        case MessageEvent(message=message):
            seen = as_seen(message, history)
            if seen is None or seen is message:
                return None if seen is None else event
            return replace(event, message=seen)
        case OfferCreated(offer=offer) | OfferUpdated(offer=offer):
            return event if may_see_offer(offer.id, history) else None
        case MessagesRead(withheld=withheld) | MessagesDelivered(withheld=withheld) if user_id in withheld:
            return None
        case MessagesRead(authors=authors) if authors is not None:
            return event if user_id == event.user_id or user_id in authors else None
        case _:
            return event


def depends_on_history(event: Durable) -> bool:
    """Returns whether `event_as_seen` can return different results for members with different histories."""
    return isinstance(event, MessageEvent | OfferCreated | OfferUpdated)


def doer_of(event: Event) -> str | None:
    """Returns the id of the conversation member who caused the event, or None if no member did."""
    match event:
        case MessageReacted() | MessagePinned() | MessageUnpinned() | MessagesRead() | MessagesDelivered():
            return event.user_id
        case TypingChanged() | RoomEntered() | RoomLeft():
            return event.user_id
        case MessageDeleted():
            return event.message.deleted_by
        case MessageEvent():
            return event.message.sender_id
        case OfferCreated():
            return event.offer.author_id
        case OfferUpdated():
            return event.offer.closed_by
        case _:
            return None
