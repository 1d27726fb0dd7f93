"""Who is notified of what: pure rules.

An event is a `NotificationTrigger`; a `NotificationRecipient` has the settings that decide whether a user is notified.
The same rules apply to live notifications (`core.engine.live_notifications`) and to those stored for offline users.

The most specific reason that the user has not switched off counts: a mention before a reply, a reply before a direct
message.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from talkwire.core.domain.access import as_seen, may_see_offer
from talkwire.core.domain.events import (
    CallMissed,
    ConversationCreated,
    Durable,
    MemberAdded,
    MessageSent,
    OfferCreated,
    OfferUpdated,
)
from talkwire.core.domain.model import (
    LARGE_CONVERSATION,
    MESSAGE_ID_BASE,
    WHOLE,
    ConversationKind,
    DoNotDisturb,
    HistoryStart,
    MemberPreferences,
    Message,
    Notification,
    NotificationType,
    Preferences,
)
from talkwire.core.domain.time_zones import zone_of

EVERYONE_MAX = LARGE_CONVERSATION
"""Up to this many members, all of them are notified of what concerns all: `@all`, and offers."""

STORED_FOR_ALL: frozenset[NotificationType] = frozenset({"mention", "reply", "offer", "invitation", "missed-call"})
"""These are stored for every user that they are for. The others are stored only for users that are away: to users that
are connected the unread count says the same."""

BODY_MAX_LENGTH = 200
DEFAULT_SOUND = "default"


class NotificationTrigger(NamedTuple):
    """Something that calls for attention. `type` is given where it is the same for all, `message` where it is one.

    `user_ids` are those whom it concerns by name; `everyone` says that it concerns all members.
    """

    id: int
    at_ms: int
    conversation_id: str
    actor_id: str
    type: NotificationType | None = None
    message: Message | None = None
    offer_id: int | None = None
    body: str = ""
    user_ids: tuple[str, ...] = ()
    everyone: bool = False


class NotificationRecipient(NamedTuple):
    """A member of the conversation: what they want to hear there and anywhere, and of whom not. `wants_quiet` is what
    their presence says (`dnd`), `history` what of the conversation they may see."""

    user_id: str
    here: MemberPreferences
    preferences: Preferences
    blocked_ids: Collection[str]
    wants_quiet: bool = False
    history: HistoryStart = WHOLE


def occasion_of(event: Durable) -> NotificationTrigger | None:
    """None for what nobody is notified of."""
    match event:
        case MessageSent(message=message):
            return None if message.imported else occasion_of_message(event)
        case OfferCreated(offer=offer):
            return _occasion(
                event,
                offer.conversation_id,
                offer.author_id,
                "offer",
                offer_id=offer.id,
                body=offer.title,
                everyone=True,
            )
        case OfferUpdated(offer=offer) if offer.status in {"accepted", "rejected"} and offer.closed_by is not None:
            return _occasion(
                event,
                offer.conversation_id,
                offer.closed_by,
                "offer",
                offer_id=offer.id,
                body=offer.title,
                user_ids=(offer.author_id,),
            )
        case ConversationCreated(conversation=conversation, by=by) if by and conversation.kind != "direct":
            user_ids = tuple(member.user_id for member in event.members)
            body = conversation.name or ""
            return _occasion(event, conversation.id, by, "invitation", body=body, user_ids=user_ids)
        case MemberAdded(by=by) if by:
            user_ids = tuple(member.user_id for member in event.members)
            return _occasion(event, event.conversation_id, by, "invitation", user_ids=user_ids)
        case CallMissed():
            return _occasion(event, event.conversation_id, event.caller_id, "missed-call", user_ids=event.user_ids)
        case _:
            return None


def occasion_of_message(event: MessageSent) -> NotificationTrigger:
    message = event.message
    quoted = () if message.reply_to is None else (message.reply_to.sender_id,)
    return NotificationTrigger(
        id=message.id,
        at_ms=event.at_ms,
        conversation_id=message.conversation_id,
        actor_id=message.sender_id,
        message=message,
        body=body_of(message),
        user_ids=(*message.mentions, *quoted),
        everyone=message.mentions_all,
    )


def _occasion(  # noqa: PLR0913 (an occasion's fields)
    event: Durable,
    conversation_id: str,
    actor_id: str,
    type_: NotificationType,
    *,
    offer_id: int | None = None,
    body: str = "",
    user_ids: tuple[str, ...] = (),
    everyone: bool = False,
) -> NotificationTrigger:
    return NotificationTrigger(
        id=MESSAGE_ID_BASE + event.pos,
        at_ms=event.at_ms,
        conversation_id=conversation_id,
        actor_id=actor_id,
        type=type_,
        offer_id=offer_id,
        body=body,
        user_ids=user_ids,
        everyone=everyone,
    )


def body_of(message: Message) -> str:
    """The beginning of a message's text; where there is none, what is attached to it."""
    return message.content[:BODY_MAX_LENGTH] or ", ".join(each.name for each in message.attachments)[:BODY_MAX_LENGTH]


def reason_of(
    occasion: NotificationTrigger, kind: ConversationKind, member_count: int, listener: NotificationRecipient
) -> NotificationType | None:
    """Returns what somebody is notified of, None: of nothing. Nobody is of what they did, of who they blocked, and of
    what lies before their time."""
    if listener.user_id == occasion.actor_id or occasion.actor_id in listener.blocked_ids:
        return None
    if occasion.offer_id is not None and not may_see_offer(occasion.offer_id, listener.history):
        return None
    if listener.here.muted or listener.here.notify == "none":
        return None
    for reason in _reasons(occasion, kind, member_count, listener):
        if reason not in listener.preferences.off:
            return reason
    return None


def _reasons(
    occasion: NotificationTrigger, kind: ConversationKind, member_count: int, listener: NotificationRecipient
) -> tuple[NotificationType, ...]:
    """All that apply to somebody, the most particular first."""
    message = None if occasion.message is None else as_seen(occasion.message, listener.history)
    if occasion.message is not None and message is None:
        return ()
    if message is None:
        assert occasion.type is not None
        concerned = listener.user_id in occasion.user_ids or (occasion.everyone and member_count <= EVERYONE_MAX)
        return (occasion.type,) if concerned else ()
    notify = listener.here.notify
    found: tuple[NotificationType, ...] = ()
    if listener.user_id in message.mentions or (message.mentions_all and member_count <= EVERYONE_MAX):
        found += ("mention",)
    if notify != "mentions" and message.reply_to is not None and message.reply_to.sender_id == listener.user_id:
        found += ("reply",)
    if kind == "direct" and notify != "mentions":
        found += ("direct",)
    elif notify == "all":
        found += ("message",)
    return found


def is_quiet(quiet: DoNotDisturb, at_ms: int) -> bool:
    """Whether a moment lies in the hours in which somebody wants quiet, as their clocks show them."""
    if not quiet.enabled:
        return False
    zone = zone_of(quiet.time_zone) or UTC
    local = datetime.fromtimestamp(at_ms / 1000, zone)
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if quiet.start_minute < quiet.end_minute:
        return today in quiet.days and quiet.start_minute <= minute < quiet.end_minute
    if minute >= quiet.start_minute:
        return today in quiet.days
    return minute < quiet.end_minute and (today - 1) % 7 in quiet.days


def wants_quiet(listener: NotificationRecipient, at_ms: int) -> bool:
    """Returns whether a listener is not to be disturbed. Notifications have no sound then."""
    return listener.wants_quiet or is_quiet(listener.preferences.do_not_disturb, at_ms)


def sound_of(reason: NotificationType, listener: NotificationRecipient) -> str | None:
    """The conversation's own sound, else the user's for such a reason."""
    return listener.here.sound or listener.preferences.sounds.get(reason, DEFAULT_SOUND)


def notification(
    occasion: NotificationTrigger,
    listener: NotificationRecipient,
    reason: NotificationType,
    title: str,
    *,
    quiet: bool = False,
) -> Notification:
    return Notification(
        id=occasion.id,
        user_id=listener.user_id,
        type=reason,
        title=title,
        body=occasion.body,
        conversation_id=occasion.conversation_id,
        actor_id=occasion.actor_id,
        created_ms=occasion.at_ms,
        message_id=None if occasion.message is None else occasion.message.id,
        offer_id=occasion.offer_id,
        sound=None if quiet else sound_of(reason, listener),
    )
