"""Rules that decide which users are notified of which events, as pure functions.

A `NotificationTrigger` describes the event; a `NotificationRecipient` has the settings of a user. Live notifications
(`core.engine.live_notifications`) and stored ones for offline users follow the same rules.

A user is notified once for an event, for the most specific reason that the user has not switched off: a decision that
waits for the user comes before a mention, a mention before a reply, a reply before a direct message.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from talkwire.core.domain.access import may_see_offer, message_for_reader
from talkwire.core.domain.events import (
    CallMissed,
    CardReminded,
    ConversationCreated,
    Durable,
    MemberAdded,
    MemberRemoved,
    MessageSent,
    OfferCreated,
    OfferUpdated,
    ReportDecided,
    StreamStateChanged,
)
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import (
    LARGE_CONVERSATION,
    WHOLE,
    DoNotDisturb,
    HistoryStart,
    MemberPreferences,
    Message,
    Notification,
    NotificationType,
    Notify,
    Preferences,
)
from talkwire.core.domain.moderation.reports import Outcome
from talkwire.core.domain.time_zones import zone_of

EVERYONE_MAX = LARGE_CONVERSATION
"""Most members of a conversation whose `@all`, offers and default `notify="all"` notify all members."""

STORED_FOR_ALL: frozenset[NotificationType] = frozenset(
    {"decision", "mention", "reply", "offer", "invitation", "missed-call", "moderation"}
)
"""Notification types that are stored for every recipient.

Other types are stored only for disconnected users; for connected ones the unread count suffices.
"""

NO_OUTCOMES: Mapping[str, Outcome] = MappingProxyType({})

BODY_MAX_LENGTH = 200
"""Most characters of a message's text that a notification has."""

DEFAULT_SOUND = "default"

_DESPITE_MUTE: frozenset[NotificationType] = frozenset({"decision", "mention", "reply", "offer"})
"""Notification types that are stored also in conversations that the recipient has muted, but not pushed. Only those
offers are among them that answer the recipient's own ones."""


class NotificationTrigger(NamedTuple):
    """An event that may cause notifications, with what the notifications show. `id` becomes their id.

    `type` is set if all recipients get the same type, `message` if the event is a message. Recipients are the users in
    `user_ids`, and with `everyone` all members of the conversation. `outcomes` is set for what moderators did: the
    users to notify, even if they have left the conversation, with what concerns each. `notes_of` is set for a note: the
    conversation that it is about. `asked_ids` are the users for whose decision the message waits. Notifications of a
    `quiet` trigger make no sound and no alert.
    """

    id: int
    at_ms: int
    conversation_id: str
    actor_id: str
    type: NotificationType | None = None
    message: Message | None = None
    offer_id: int | None = None
    body: str = ""
    user_ids: Collection[str] = ()
    everyone: bool = False
    outcomes: Mapping[str, Outcome] = NO_OUTCOMES
    notes_of: str | None = None
    asked_ids: Collection[str] = ()
    quiet: bool = False

    @property
    def listed_in(self) -> str:
        """The conversation that recipients have in their lists, whose settings apply: notes are in no list, and belong
        to the conversation that they are about."""
        return self.notes_of or self.conversation_id


class NotificationRecipient(NamedTuple):
    """A member of a conversation with everything that decides whether they are notified: settings and blocked users.

    `dnd_until_ms`: until when the member's status is `dnd` (do not disturb). `history` is where the part
    of the conversation that the member may see begins.
    """

    user_id: str
    member_preferences: MemberPreferences
    preferences: Preferences
    blocked_ids: Collection[str]
    dnd_until_ms: int = 0
    history: HistoryStart = WHOLE


def trigger_of(event: Durable) -> NotificationTrigger | None:
    """Returns a description of the notifications that an event may cause, or None if such events never cause any."""
    match event:
        case MessageSent(message=message):
            return None if message.imported or message.state is not None else trigger_of_message(event)
        case StreamStateChanged(is_first=True, message=message):
            return trigger_of_message(event) if message.content or message.attachments else None
        case OfferCreated() | OfferUpdated():
            return _trigger_of_offer(event)
        case ConversationCreated(conversation=conversation, by=by) if by and conversation.kind != "direct":
            user_ids = tuple(member.user_id for member in event.members)
            body = conversation.name or ""
            return _trigger(event, conversation.id, by, "invitation", body=body, user_ids=user_ids)
        case MemberAdded(by=by) if by and not event.of_teams:
            user_ids = tuple(member.user_id for member in event.members)
            return _trigger(event, event.conversation_id, by, "invitation", user_ids=user_ids)
        case MemberRemoved(user_id=user_id, by=by, by_backend=False) if event.own and by not in {"", user_id}:
            return _trigger_of_moderation(event, event.conversation_id, {user_id: "remove"})
        case ReportDecided():
            return _trigger_of_decision(event)
        case CardReminded():
            return _trigger_of_reminder(event)
        case CallMissed():
            return _trigger(event, event.conversation_id, event.caller_id, "missed-call", user_ids=event.user_ids)
        case _:
            return None


def _trigger_of_offer(event: OfferCreated | OfferUpdated) -> NotificationTrigger | None:
    offer = event.offer
    if isinstance(event, OfferCreated):
        by, user_ids = offer.author_id, tuple[str, ...]()
    elif offer.status in {"accepted", "rejected"} and offer.closed_by is not None and offer.deleted_ms is None:
        by, user_ids = offer.closed_by, (offer.author_id,)
    else:
        return None
    return _trigger(
        event,
        offer.conversation_id,
        by,
        "offer",
        offer_id=offer.id,
        body=offer.title,
        user_ids=user_ids,
        everyone=isinstance(event, OfferCreated),
    )


def _trigger_of_decision(event: ReportDecided) -> NotificationTrigger:
    """Returns the notifications for a decision about a report: for the reporter in any case, for the author only if
    something was done."""
    report = event.report
    assert report.state != "open", "it was decided"
    outcomes: dict[str, Outcome] = {report.reporter_id: report.state}
    if report.action is not None:
        outcomes[report.author_id] = report.action
    return _trigger_of_moderation(event, report.conversation_id, outcomes, report.decision or "")


def _trigger_of_moderation(
    event: Durable, conversation_id: str, outcomes: Mapping[str, Outcome], body: str = ""
) -> NotificationTrigger:
    """Returns notifications of what a moderator did, for the users in `outcomes`. They do not name the moderator, to
    protect moderators from the users concerned."""
    return NotificationTrigger(
        id=id_at(event.pos),
        at_ms=event.at_ms,
        conversation_id=conversation_id,
        actor_id="",
        type="moderation",
        body=body[:BODY_MAX_LENGTH],
        user_ids=outcomes,
        outcomes=outcomes,
    )


def trigger_of_message(event: MessageSent | StreamStateChanged) -> NotificationTrigger:
    """Returns the notifications of a new message. A message that is written as a stream is new at its first end."""
    message = event.message
    quoted = () if message.reply_to is None else (message.reply_to.sender_id,)
    asked_ids = () if message.card is None else message.card.notified_ids
    return NotificationTrigger(
        id=message.id,
        at_ms=event.at_ms,
        conversation_id=message.conversation_id,
        actor_id=message.sender_id,
        message=message,
        body=body_of(message),
        user_ids=dict.fromkeys((*message.mentions, *quoted, *asked_ids)),
        everyone=message.mentions_all,
        notes_of=message.notes_of,
        asked_ids=asked_ids,
    )


def _trigger_of_reminder(event: CardReminded) -> NotificationTrigger:
    message = event.message
    return NotificationTrigger(
        id=id_at(event.pos),
        at_ms=event.at_ms,
        conversation_id=message.conversation_id,
        actor_id=message.sender_id,
        type="decision",
        message=message,
        body=body_of(message),
        user_ids=event.user_ids,
        notes_of=message.notes_of,
        asked_ids=event.user_ids,
        quiet=True,
    )


def was_read_as_stream(trigger: NotificationTrigger, read_seq: int) -> bool:
    """Returns whether a member has read a message while it was written, given the member's read position. Such a
    member, if connected, is not notified of its end. Replies in threads have a read position of their own."""
    message = trigger.message
    return message is not None and message.state is not None and message.thread_id is None and message.seq <= read_seq


def _trigger(  # noqa: PLR0913 (a trigger's fields)
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
        id=id_at(event.pos),
        at_ms=event.at_ms,
        conversation_id=conversation_id,
        actor_id=actor_id,
        type=type_,
        offer_id=offer_id,
        body=body,
        user_ids=dict.fromkeys(user_ids),
        everyone=everyone,
    )


def body_of(message: Message) -> str:
    """Returns the beginning of a message's text, or the names of its attachments if it has no text, as a notification's
    text."""
    return message.content[:BODY_MAX_LENGTH] or ", ".join(each.name for each in message.attachments)[:BODY_MAX_LENGTH]


def notifies_all(conversation: ConversationFacts) -> bool:
    """Returns whether each message of a conversation notifies its members who have chosen nothing themselves, by the
    conversation's default. A large conversation's default `all` has no effect, since a message would cost a
    notification for each member."""
    return conversation.notify == "all" and conversation.member_count <= EVERYONE_MAX


def notify_of(own: Notify | None, conversation: ConversationFacts) -> Notify | None:
    """Returns what a member is notified of: their own choice, else the conversation's default. None means the default
    of the conversation's kind."""
    if own is not None or conversation.notify != "all":
        return own or conversation.notify
    return "all" if notifies_all(conversation) else None


def reason_of(
    trigger: NotificationTrigger, conversation: ConversationFacts, recipient: NotificationRecipient
) -> NotificationType | None:
    """Returns the type of the notification that a recipient receives for an event, such as a mention or a reply; None
    if they receive none."""
    if trigger.outcomes:  # a decision concerns its users whatever they have switched off
        return trigger.type if recipient.user_id in trigger.outcomes else None
    if not _concerns(trigger, recipient):
        return None
    here = recipient.member_preferences
    is_muted = here.is_muted(trigger.at_ms)
    is_answered = trigger.offer_id is not None or trigger.message is not None
    is_named = is_answered and recipient.user_id in trigger.user_ids
    if notify_of(here.notify, conversation) == "none" or (is_muted and not is_named):
        return None
    for reason in _reasons(trigger, conversation, recipient):
        if reason not in recipient.preferences.off and (reason in _DESPITE_MUTE or not is_muted):
            return reason
    return None


def counts_only(trigger: NotificationTrigger, recipient: NotificationRecipient) -> bool:
    """Returns whether an offer counts as unread for a member although it does not notify them, because they have muted
    the conversation."""
    return (
        trigger.offer_id is not None
        and trigger.everyone
        and _concerns(trigger, recipient)
        and recipient.member_preferences.is_muted(trigger.at_ms)
        and "offer" not in recipient.preferences.off
    )


def _concerns(trigger: NotificationTrigger, recipient: NotificationRecipient) -> bool:
    """Returns whether an event concerns a recipient. It does not if they caused it, if they have blocked the user who
    did, or if it is about an offer from before the point from which they see the conversation."""
    if recipient.user_id == trigger.actor_id or trigger.actor_id in recipient.blocked_ids:
        return False
    return trigger.offer_id is None or may_see_offer(trigger.offer_id, recipient.history)


def _reasons(
    trigger: NotificationTrigger, conversation: ConversationFacts, recipient: NotificationRecipient
) -> tuple[NotificationType, ...]:
    """Returns the types of all notifications that a message or other event can cause for a recipient, the most specific
    first."""
    found: tuple[NotificationType, ...] = ("decision",) if recipient.user_id in trigger.asked_ids else ()
    if trigger.notes_of is not None:  # the conversation has customers, who are no members of its notes
        is_named = trigger.message is not None and recipient.user_id in trigger.message.mentions
        return (*found, "mention") if is_named else found
    is_small = conversation.member_count <= EVERYONE_MAX
    message = None if trigger.message is None else message_for_reader(trigger.message, recipient.history)
    if trigger.message is not None and message is None:
        return ()
    if message is None:
        assert trigger.type is not None
        is_recipient = recipient.user_id in trigger.user_ids or (trigger.everyone and is_small)
        return (trigger.type,) if is_recipient else ()
    if trigger.type == "decision":  # a reminder: the message itself has notified already
        return found
    notify = notify_of(recipient.member_preferences.notify, conversation)
    if recipient.user_id in message.mentions or (message.mentions_all and is_small):
        found += ("mention",)
    if notify != "mentions" and message.reply_to is not None and message.reply_to.sender_id == recipient.user_id:
        found += ("reply",)
    if conversation.kind == "direct" and notify != "mentions":
        found += ("direct",)
    elif notify == "all":
        found += ("message",)
    return found


def is_in_quiet_hours(quiet: DoNotDisturb, at_ms: int) -> bool:
    """Returns whether a time is within the user's "do not disturb" hours, in the user's time zone."""
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


def is_quiet(trigger: NotificationTrigger, recipient: NotificationRecipient) -> bool:
    """Returns whether a notification is quiet: stored without a sound, and not pushed. It is if the event asks for
    that, or if the recipient must not be disturbed because of their status `dnd` or their "do not disturb" hours, or
    because they have muted the conversation."""
    at_ms = trigger.at_ms
    return (
        trigger.quiet
        or at_ms < recipient.dnd_until_ms
        or recipient.member_preferences.is_muted(at_ms)
        or is_in_quiet_hours(recipient.preferences.do_not_disturb, at_ms)
    )


def sound_of(reason: NotificationType, recipient: NotificationRecipient) -> str | None:
    """Returns the name of a notification's sound: the one in the recipient's settings for the conversation, else their
    sound for this type of notification. None means no sound."""
    return recipient.member_preferences.sound or recipient.preferences.sounds.get(reason, DEFAULT_SOUND)


def notification(
    trigger: NotificationTrigger,
    recipient: NotificationRecipient,
    reason: NotificationType,
    title: str,
    *,
    quiet: bool = False,
) -> Notification:
    message = trigger.message
    return Notification(
        id=trigger.id,
        user_id=recipient.user_id,
        type=reason,
        title=title,
        body=trigger.body,
        conversation_id=trigger.conversation_id,
        actor_id=trigger.actor_id,
        created_ms=trigger.at_ms,
        message_id=None if message is None else message.id,
        offer_id=trigger.offer_id,
        sound=None if quiet else sound_of(reason, recipient),
        outcome=trigger.outcomes.get(recipient.user_id),
        thread_id=None if message is None else message.thread_id,
        notes_of=trigger.notes_of,
    )
