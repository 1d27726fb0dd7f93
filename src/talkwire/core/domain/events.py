"""The events of the chat. Durable events have a position in the log; ephemeral events are sent and not stored."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.domain.model import (
    CallEndReason,
    Conversation,
    Invitation,
    Member,
    Message,
    Notification,
    Notify,
    Offer,
    Preferences,
    Presence,
    PresenceRecord,
    Restriction,
    User,
)

WebhookAction = Literal["created", "updated", "rewound", "secret_rotated", "deleted"]


class DurableEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """An event in the log. `pos` is its position, `at_ms` the time when it was written, in milliseconds since 1970
    UTC."""

    pos: int
    at_ms: int


class UserCreated(DurableEvent, frozen=True, omit_defaults=True):
    """A user was stored for the first time. `is_backend`: the user is the application's backend, known by its token's
    role."""

    user: User
    is_backend: bool = False


class UserRenamed(DurableEvent, frozen=True):
    """A user whose name was only their id received a name."""

    user_id: str
    name: str


class UserUpdated(DurableEvent, frozen=True):
    """A user changed their public profile."""

    user: User


class UserBlocked(DurableEvent, frozen=True):
    """A user blocked another: `user_id` no longer receives anything from `blocked_id`."""

    user_id: str
    blocked_id: str


class UserUnblocked(DurableEvent, frozen=True):
    user_id: str
    blocked_id: str


class UserBanned(DurableEvent, frozen=True):
    user_id: str


class UserUnbanned(DurableEvent, frozen=True):
    user_id: str


class UserErased(DurableEvent, frozen=True, omit_defaults=True):
    """A user was erased. `user` has nothing left but the id. `by` is the id of the user who did it, empty for the
    application's backend.

    With `redact`, the user's messages become tombstones: each of them has its own MessageDeleted, soon after this
    event.
    """

    user: User
    redact: bool = False
    by: str = ""


class HoldChanged(DurableEvent, frozen=True, omit_defaults=True):
    """A hold was placed on a conversation or a user, or lifted: exactly one of both ids is set. Only the server
    receives this event, because a hold is not disclosed to members."""

    hold: bool
    conversation_id: str = ""
    user_id: str = ""
    by: str = ""


class LoginOpened(DurableEvent, frozen=True):
    """A device signed in. `session_id` identifies its sign-in."""

    user_id: str
    session_id: str


class LoginRenewed(DurableEvent, frozen=True):
    """A device received its next refresh token."""

    user_id: str
    session_id: str


class LoginEnded(DurableEvent, frozen=True):
    """A device signed out, or its refresh token was used twice. The server closes its sockets."""

    user_id: str
    session_id: str


class InvitationCreated(DurableEvent, frozen=True):
    invitation: Invitation


class InvitationUsed(DurableEvent, frozen=True):
    """A user registered with an invitation or joined its conversations. Each joined conversation has its own
    MemberAdded."""

    invitation_id: str
    user_id: str


class InvitationDeleted(DurableEvent, frozen=True):
    """An invitation was deleted. `by` is the id of the user who deleted it, empty for the application's backend."""

    invitation_id: str
    by: str = ""


class WebhookChanged(DurableEvent, frozen=True):
    """A webhook was created, changed or deleted. `by` is the id of the user who did it, empty for the application's
    backend. The log never contains a webhook's secret."""

    webhook_id: str
    action: WebhookAction
    by: str = ""


class ConversationCreated(DurableEvent, frozen=True):
    """A conversation was created. `by` is the id of the user who created it, empty for the application's backend."""

    conversation: Conversation
    members: tuple[Member, ...]
    by: str = ""


class MemberAdded(DurableEvent, frozen=True):
    """Members were added. `by` is the id of the user who added them, empty for the application's backend."""

    conversation_id: str
    members: tuple[Member, ...]
    by: str = ""


class ConversationUpdated(DurableEvent, frozen=True):
    """A conversation's name, picture or rules changed."""

    conversation: Conversation


class ConversationDeleted(DurableEvent, frozen=True):
    """A conversation was deleted. It has no members any more, and its id is never reused."""

    conversation_id: str
    user_id: str


class MemberRemoved(DurableEvent, frozen=True):
    """A member left or was removed. `by` is the id of the user who removed the member, or the member's own id."""

    conversation_id: str
    user_id: str
    by: str = ""


class MemberUpdated(DurableEvent, frozen=True):
    """A member's role changed. Giving a member the role of owner transfers the conversation to them."""

    member: Member


class MemberRestricted(DurableEvent, frozen=True):
    """A moderator muted a member or banned a user. A ban of a member is accompanied by MemberRemoved."""

    restriction: Restriction


class MemberUnrestricted(DurableEvent, frozen=True):
    restriction: Restriction


class ConversationPreferred(DurableEvent, frozen=True):
    """A member changed their notification settings for one conversation. Only the member receives this event."""

    conversation_id: str
    user_id: str
    muted: bool
    notify: Notify | None
    sound: str | None


class MessagesRead(DurableEvent, frozen=True, omit_defaults=True):
    """A member has read all messages up to one.

    In a large conversation only the reader and `authors`, the senders of the messages that were read, receive it;
    `authors` is None when all members do.

    `since` is the `seq` up to which the member had read before. `covered` are the newest messages of other senders in
    between, as (message id, sender id), oldest first, at most `receipts.COVERED_MAX`. The log does not store them: None
    until `SyncLog.with_covered_messages` has filled them in. `withheld` are the members whom the reader has blocked;
    they do not receive the event. The log does not store them either. `private`: the reader does not share receipts, so
    only their own devices receive it.
    """

    conversation_id: str
    user_id: str
    seq: int
    message_id: int
    authors: tuple[str, ...] | None = None
    since: int = 0
    covered: tuple[tuple[int, str], ...] | None = None
    withheld: tuple[str, ...] = ()
    private: bool = False


class MessagesDelivered(DurableEvent, frozen=True, omit_defaults=True):
    """A member's devices have received all messages up to one. `since`, `covered` and `withheld` are as in
    `MessagesRead`."""

    conversation_id: str
    user_id: str
    seq: int
    message_id: int
    since: int = 0
    covered: tuple[tuple[int, str], ...] | None = None
    withheld: tuple[str, ...] = ()


class ReadPositionMoved(DurableEvent, frozen=True):
    """A member's own read position moved in a way that other members do not see.

    It moved back because the member marked messages as unread, or forward again over messages whose receipts others had
    received before. Only the member receives this event. The counts are the unread messages and mentions after `seq` at
    that time.
    """

    conversation_id: str
    user_id: str
    seq: int
    unread_count: int
    mention_count: int


class MessageEvent(DurableEvent, frozen=True):
    """The base of events about one message. The log stores only the message's id, so a replay has its current
    content."""

    message: Message


class MessageSent(MessageEvent, frozen=True):
    pass


class MessageEdited(MessageEvent, frozen=True):
    """A message was edited. `read`: whether a user other than the author had read it before; None in a large
    conversation, where this is not computed."""

    read: bool | None = None


class MessageDeleted(MessageEvent, frozen=True):
    """A message was deleted. `message` is the tombstone, which has the time of the deletion and the user who did it."""


class MessageReacted(MessageEvent, frozen=True):
    """A reaction was added or, with `added` false, removed. `message.reactions` has all reactions after the change."""

    user_id: str
    emoji: str
    added: bool


class MessagePinned(MessageEvent, frozen=True):
    user_id: str


class MessageUnpinned(MessageEvent, frozen=True):
    user_id: str


class OfferCreated(DurableEvent, frozen=True):
    offer: Offer


class OfferUpdated(DurableEvent, frozen=True):
    """An offer was closed: accepted, rejected, withdrawn, countered or expired."""

    offer: Offer


class PreferencesChanged(DurableEvent, frozen=True):
    """A user changed which notifications they want. Only the user receives this event."""

    user_id: str
    preferences: Preferences


class NotificationsRead(DurableEvent, frozen=True):
    """A user has read notifications, explicitly or by reading their messages. Only the user receives this event.

    `ids` None means all notifications stored so far. `unread` is the number of unread notifications left.
    """

    user_id: str
    ids: tuple[int, ...] | None
    unread: int


class CallMissed(DurableEvent, frozen=True):
    """`caller_id` called `user_ids`, who never accepted.

    Connected clients learn of the call's end from CallEnded. This event creates the notifications that disconnected
    users see later.
    """

    conversation_id: str
    call_id: str
    caller_id: str
    user_ids: tuple[str, ...]


class EphemeralEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """An event that is sent to connected sockets on all nodes, as far as the bus delivers it, and not stored."""


class TypingChanged(EphemeralEvent, frozen=True):
    """A member started or stopped typing. Not sent to the typing user's own sockets."""

    conversation_id: str
    user_id: str
    user_name: str
    is_typing: bool


class RoomEntered(EphemeralEvent, frozen=True):
    """A user's first socket started to follow a conversation. Sent to the sockets that follow the conversation.

    Between nodes: the user's first socket on the node `node_id`.
    """

    conversation_id: str
    user_id: str
    user_name: str
    node_id: str = ""


class RoomLeft(EphemeralEvent, frozen=True):
    """A user's last socket stopped following a conversation. Sent to the sockets that follow the conversation."""

    conversation_id: str
    user_id: str
    user_name: str
    node_id: str = ""


class UnreadChanged(EphemeralEvent, frozen=True):
    """A conversation's unread counts changed after a read, a deletion or a change of membership. Sent to the user's own
    sockets."""

    user_id: str
    conversation_id: str
    unread_count: int
    mention_count: int


class PresenceChanged(EphemeralEvent, frozen=True):
    """A user's merged status or text changed. Sent to the user's contacts and to sockets that subscribed to the user.

    An event of the user's `own` view is sent to the user's devices except the socket `source`, which caused it. `came`:
    others saw the user as offline before.

    Other nodes may not know the user, so the event carries what they need: `circle_ids` are the conversations that make
    their members contacts of the user, `blocked_ids` the users whom the user has blocked. `circle_ids` is None on a
    server with one node.
    """

    presence: Presence
    own: bool = False
    source: str | None = None
    came: bool = False
    circle_ids: tuple[str, ...] | None = None
    blocked_ids: tuple[str, ...] = ()


class CallEvent(EphemeralEvent, frozen=True):
    """A user's message about a call. Sent to the sockets of the users in `to`, except the socket `source` that sent
    it."""

    call_id: str
    conversation_id: str
    user_id: str
    to: tuple[str, ...]
    to_user_id: str | None = None
    data: object = None
    source: str | None = None


class CallInvited(CallEvent, frozen=True):
    pass


class CallAccepted(CallEvent, frozen=True):
    pass


class CallRejected(CallEvent, frozen=True):
    pass


class CallSignalled(CallEvent, frozen=True):
    pass


class CallHungUp(CallEvent, frozen=True):
    pass


class CallEnded(EphemeralEvent, frozen=True):
    """A call ended for the users in `to`. `missed_by` are the users who were called and never accepted."""

    call_id: str
    conversation_id: str
    caller_id: str
    reason: CallEndReason
    to: tuple[str, ...]
    missed_by: tuple[str, ...] = ()


class Notified(EphemeralEvent, frozen=True):
    """A user received a notification. Sent to the user's own sockets.

    `quiet`: the user is in "do not disturb", so clients count the notification and do not announce it.
    """

    user_id: str
    notification: Notification
    quiet: bool = False


class UploadProgressed(EphemeralEvent, frozen=True):
    """The server has received `received` of an upload's `size` bytes. Sent to the uploader's own sockets."""

    user_id: str
    upload_id: str
    received: int
    size: int


class CustomEvent(EphemeralEvent, frozen=True):
    """An event of the application's own, sent as `name` with the JSON `payload`, unchanged by every dialect.

    Sent to all sockets of one user, or to the sockets that follow one conversation. Exactly one of the two ids is set.
    """

    name: str
    payload: object
    user_id: str | None = None
    conversation_id: str | None = None


class MailStored(EphemeralEvent, frozen=True):
    """An item was stored in the offline queue of a user, who may have connected meanwhile. Only the server receives
    this event."""

    user_id: str


class PresenceChosen(EphemeralEvent, frozen=True):
    """A user's chosen status or text was stored. Only the other nodes receive this event. `everywhere`: it applies to
    all of the user's devices."""

    record: PresenceRecord
    everywhere: bool


class UsersMoved(EphemeralEvent, frozen=True):
    """The recorded online users of the node `node_id` changed. Only the other nodes receive this event.

    `came`: users on the node, also online on other nodes, who connected or changed between active and away. `first`:
    users who connected and were online nowhere. `away`: the users in `came` whose devices on the node are all away.
    `left`: users who disconnected from the node and are still online on another one. `gone`: users who disconnected and
    are online nowhere.
    """

    node_id: str
    first: tuple[str, ...] = ()
    came: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


CallNews = CallInvited | CallAccepted | CallRejected | CallSignalled | CallHungUp | CallEnded
"""Everything that is sent to users about a call."""

Durable = (
    UserCreated
    | UserRenamed
    | UserUpdated
    | UserBlocked
    | UserUnblocked
    | UserBanned
    | UserUnbanned
    | UserErased
    | HoldChanged
    | LoginOpened
    | LoginRenewed
    | LoginEnded
    | InvitationCreated
    | InvitationUsed
    | InvitationDeleted
    | WebhookChanged
    | ConversationCreated
    | ConversationUpdated
    | ConversationDeleted
    | ConversationPreferred
    | MemberAdded
    | MemberRemoved
    | MemberUpdated
    | MemberRestricted
    | MemberUnrestricted
    | MessagesRead
    | MessagesDelivered
    | ReadPositionMoved
    | MessageSent
    | MessageEdited
    | MessageDeleted
    | MessageReacted
    | MessagePinned
    | MessageUnpinned
    | OfferCreated
    | OfferUpdated
    | PreferencesChanged
    | NotificationsRead
    | CallMissed
)
RoomNews = RoomEntered | RoomLeft
Ephemeral = TypingChanged | RoomNews | UnreadChanged | PresenceChanged | CallNews | Notified | UploadProgressed
Event = Durable | Ephemeral
"""The events that every dialect must translate or explicitly leave out."""

Between = PresenceChosen | UsersMoved
"""Events between nodes, which are not sent to clients or observers."""

UnstoredEvent = Ephemeral | CustomEvent | MailStored | Between
"""Every event that is not stored in the log."""

News = Event | UnstoredEvent
"""Every event that listeners of the chat receive."""

# --- groups of events by subject, for dialects that have no words for them --------------------------------------------

ACCOUNT_EVENTS: frozenset[type[Event]] = frozenset(
    {
        UserCreated,
        UserRenamed,
        UserBanned,
        UserUnbanned,
        HoldChanged,
        LoginOpened,
        LoginRenewed,
        LoginEnded,
        InvitationCreated,
        InvitationUsed,
        InvitationDeleted,
        WebhookChanged,
    }
)
CONTACT_EVENTS: frozenset[type[Event]] = frozenset({UserUpdated, UserErased, UserBlocked, UserUnblocked})
CONVERSATION_EVENTS: frozenset[type[Event]] = frozenset(
    {ConversationCreated, ConversationUpdated, ConversationDeleted, MemberAdded, MemberRemoved, MemberUpdated}
)
MODERATION_EVENTS: frozenset[type[Event]] = frozenset({MemberRestricted, MemberUnrestricted})
PIN_EVENTS: frozenset[type[Event]] = frozenset({MessagePinned, MessageUnpinned})
OFFER_EVENTS: frozenset[type[Event]] = frozenset({OfferCreated, OfferUpdated})
NOTIFICATION_EVENTS: frozenset[type[Event]] = frozenset(
    {Notified, NotificationsRead, PreferencesChanged, ConversationPreferred, CallMissed}
)
UNREAD_EVENTS: frozenset[type[Event]] = frozenset({UnreadChanged, ReadPositionMoved})
