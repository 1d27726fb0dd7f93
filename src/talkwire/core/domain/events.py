"""What happened. A durable event has a position in the log; an ephemeral one is gone once it was sent."""

from __future__ import annotations

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


class DurableEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """`pos` is the event's position in the one log, `at_ms` when it was written."""

    pos: int
    at_ms: int


class UserCreated(DurableEvent, frozen=True, omit_defaults=True):
    """A user who is new here. `is_backend`: it is the application's backend, known by a token of its role."""

    user: User
    is_backend: bool = False


class UserRenamed(DurableEvent, frozen=True):
    """A user who was known by the id alone got a name."""

    user_id: str
    name: str


class UserUpdated(DurableEvent, frozen=True):
    """A user changed how others see them."""

    user: User


class UserBlocked(DurableEvent, frozen=True):
    """`user_id` does not want to hear of `blocked_id` any more."""

    user_id: str
    blocked_id: str


class UserUnblocked(DurableEvent, frozen=True):
    user_id: str
    blocked_id: str


class UserBanned(DurableEvent, frozen=True):
    user_id: str


class UserUnbanned(DurableEvent, frozen=True):
    user_id: str


class LoginOpened(DurableEvent, frozen=True):
    """A device signed in."""

    user_id: str
    session_id: str


class LoginRenewed(DurableEvent, frozen=True):
    """A device got its next refresh token."""

    user_id: str
    session_id: str


class LoginEnded(DurableEvent, frozen=True):
    """A device signed out, or its refresh token was used twice: its sockets close."""

    user_id: str
    session_id: str


class InvitationCreated(DurableEvent, frozen=True):
    invitation: Invitation


class InvitationUsed(DurableEvent, frozen=True):
    """A user registered by an invitation, or joined its conversations, which MemberAdded says for each."""

    invitation_id: str
    user_id: str


class InvitationDeleted(DurableEvent, frozen=True):
    """`by` is whoever did it, empty when it was the application's backend."""

    invitation_id: str
    by: str = ""


class ConversationCreated(DurableEvent, frozen=True):
    """`by` is who opened it, empty when it was the application's backend."""

    conversation: Conversation
    members: tuple[Member, ...]
    by: str = ""


class MemberAdded(DurableEvent, frozen=True):
    """`by` is who let them in, empty when it was the application's backend."""

    conversation_id: str
    members: tuple[Member, ...]
    by: str = ""


class ConversationUpdated(DurableEvent, frozen=True):
    """Its name, picture or rules changed."""

    conversation: Conversation


class ConversationDeleted(DurableEvent, frozen=True):
    """Nobody is in it any more, and its id is never given again."""

    conversation_id: str
    user_id: str


class MemberRemoved(DurableEvent, frozen=True):
    """`by` is whoever did it: the member themselves when they left."""

    conversation_id: str
    user_id: str
    by: str = ""


class MemberUpdated(DurableEvent, frozen=True):
    """A member's role changed. A member who becomes the owner takes the conversation over."""

    member: Member


class MemberRestricted(DurableEvent, frozen=True):
    """A moderator muted a member or banned a user; a ban of a member goes with MemberRemoved."""

    restriction: Restriction


class MemberUnrestricted(DurableEvent, frozen=True):
    restriction: Restriction


class ConversationPreferred(DurableEvent, frozen=True):
    """What a member wants to hear of a conversation; only they learn of it."""

    conversation_id: str
    user_id: str
    muted: bool
    notify: Notify | None
    sound: str | None


class MessagesRead(DurableEvent, frozen=True, omit_defaults=True):
    """A member has read everything up to a message. In a large conversation only the `authors` of what was read learn
    of it, beside the reader; None: all members do.

    `since` is the `seq` up to which they had read before. `covered` are the newest messages of others in between, each
    with its sender (`receipts.COVERED_MAX` at most, oldest first). The log does not hold them: whoever reads it asks
    for them (`SyncLog.with_covered`), and None means that nobody has. `withheld` are members that the reader has
    blocked: they do not receive the event. The log does not hold them either.
    """

    conversation_id: str
    user_id: str
    seq: int
    message_id: int
    authors: tuple[str, ...] | None = None
    since: int = 0
    covered: tuple[tuple[int, str], ...] | None = None
    withheld: tuple[str, ...] = ()


class MessagesDelivered(DurableEvent, frozen=True, omit_defaults=True):
    """A member's devices have received everything up to a message. `since`, `covered` and `withheld` as in
    `MessagesRead`."""

    conversation_id: str
    user_id: str
    seq: int
    message_id: int
    since: int = 0
    covered: tuple[tuple[int, str], ...] | None = None
    withheld: tuple[str, ...] = ()


class ReadPositionMoved(DurableEvent, frozen=True):
    """A member's own read position moved where others do not see it: back, because they marked messages as unread, or
    forward again over messages whose receipts others have received before. Only the member learns of it. The counts are
    what is unread behind `seq` at this moment."""

    conversation_id: str
    user_id: str
    seq: int
    unread_count: int
    mention_count: int


class MessageEvent(DurableEvent, frozen=True):
    """About one message. The log holds its id only: a replay gives the message as it is by then."""

    message: Message


class MessageSent(MessageEvent, frozen=True):
    pass


class MessageEdited(MessageEvent, frozen=True):
    """`read`: somebody beside its author had read it by then; None: nobody looked, in a large conversation."""

    read: bool | None = None


class MessageDeleted(MessageEvent, frozen=True):
    """`message` is the tombstone, which says when and by whom."""


class MessageReacted(MessageEvent, frozen=True):
    """`added` or taken back; `message.reactions` are all there are now."""

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
    """It is not pending any more."""

    offer: Offer


class PreferencesChanged(DurableEvent, frozen=True):
    """What a user wants to be notified of; only they learn of it."""

    user_id: str
    preferences: Preferences


class NotificationsRead(DurableEvent, frozen=True):
    """A user has read notifications, by themselves or with their messages; only they learn of it. `ids` None: all that
    were stored until then. `unread` is how many are left."""

    user_id: str
    ids: tuple[int, ...] | None
    unread: int


class CallMissed(DurableEvent, frozen=True):
    """`caller_id` called `user_ids`, who never answered. Clients hear of the call's end from CallEnded; this is what
    those who are away are told later."""

    conversation_id: str
    call_id: str
    caller_id: str
    user_ids: tuple[str, ...]


class EphemeralEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """Told to whoever is there, on all nodes as far as the bus brings it, and kept nowhere."""


class TypingChanged(EphemeralEvent, frozen=True):
    """Ephemeral; the typing user's own sockets do not hear of it."""

    conversation_id: str
    user_id: str
    user_name: str
    is_typing: bool


class RoomEntered(EphemeralEvent, frozen=True):
    """Ephemeral, to who follows the conversation: a user's first socket that asked to follow it does so now. Between
    nodes, the first on the node `node_id`."""

    conversation_id: str
    user_id: str
    user_name: str
    node_id: str = ""


class RoomLeft(EphemeralEvent, frozen=True):
    """Ephemeral: a user's last such socket follows it no more."""

    conversation_id: str
    user_id: str
    user_name: str
    node_id: str = ""


class UnreadChanged(EphemeralEvent, frozen=True):
    """Ephemeral, to the user's own sockets: how much is unread after a read, a delete or a change of membership."""

    user_id: str
    conversation_id: str
    unread_count: int
    mention_count: int


class PresenceChanged(EphemeralEvent, frozen=True):
    """Ephemeral: a user's merged status or text is another. To their contacts and to who asked to be told; or, when it
    is their `own` view of it, to their own devices except `source`, which said so. `came`: others saw them as offline
    until now.

    Other nodes may not know the user: `circle_ids` are the conversations that make contacts of the user, and
    `blocked_ids` whom the user has blocked. None: there are no other nodes."""

    presence: Presence
    own: bool = False
    source: str | None = None
    came: bool = False
    circle_ids: tuple[str, ...] | None = None
    blocked_ids: tuple[str, ...] = ()


class CallEvent(EphemeralEvent, frozen=True):
    """Ephemeral: what `user_id` says about a call, to the sockets of `to` except `source`, from which it came."""

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
    """Ephemeral: a call is over for the users in `to`. `missed_by` are those who were called and never answered."""

    call_id: str
    conversation_id: str
    caller_id: str
    reason: CallEndReason
    to: tuple[str, ...]
    missed_by: tuple[str, ...] = ()


class Notified(EphemeralEvent, frozen=True):
    """Ephemeral, to the user's own sockets. `quiet`: the user does not want to be disturbed, so clients count the
    notification and do not announce it."""

    user_id: str
    notification: Notification
    quiet: bool = False


class UploadProgressed(EphemeralEvent, frozen=True):
    """Ephemeral, to the uploader's own sockets: `received` of `size` bytes are here."""

    user_id: str
    upload_id: str
    received: int
    size: int


class CustomEvent(EphemeralEvent, frozen=True):
    """Ephemeral: something of the application's own, for which no dialect has words: it goes out as `name` with
    `payload`, any JSON. To all sockets of one user, or to those that follow one conversation; one of both is given."""

    name: str
    payload: object
    user_id: str | None = None
    conversation_id: str | None = None


class MailStored(EphemeralEvent, frozen=True):
    """Ephemeral, to nobody but the server: something was stored for a user who may have connected meanwhile."""

    user_id: str


class PresenceChosen(EphemeralEvent, frozen=True):
    """Ephemeral, to nobody but the other nodes: what a user has said of themselves is stored; `everywhere`: on all
    devices."""

    record: PresenceRecord
    everywhere: bool


class UsersMoved(EphemeralEvent, frozen=True):
    """Ephemeral, to nobody but the other nodes: what was recorded of who is at the node `node_id`. Who is there and on
    other nodes too `came`, those of whom all devices there are away are in `away`, and who was on none came `first`;
    who is not there any more `left`, and who is on none now is `gone`."""

    node_id: str
    first: tuple[str, ...] = ()
    came: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


CallNews = CallInvited | CallAccepted | CallRejected | CallSignalled | CallHungUp | CallEnded
"""What is told of a call."""

Durable = (
    UserCreated
    | UserRenamed
    | UserUpdated
    | UserBlocked
    | UserUnblocked
    | UserBanned
    | UserUnbanned
    | LoginOpened
    | LoginRenewed
    | LoginEnded
    | InvitationCreated
    | InvitationUsed
    | InvitationDeleted
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
"""What dialects have words for, or keep silent about."""

Between = PresenceChosen | UsersMoved
"""What nodes tell each other, and is not for listeners."""

UnstoredEvent = Ephemeral | CustomEvent | MailStored | Between
"""What is told and not kept."""

News = Event | UnstoredEvent
"""What listeners are told."""
