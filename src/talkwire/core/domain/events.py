"""The events of the chat. Durable events are stored in the log, the ordered list of all committed events; ephemeral
events are sent to connected clients and not stored."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import msgspec

from talkwire.core.domain.desk.teams import Team
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
    Restriction,
    User,
)
from talkwire.core.domain.moderation.reports import MessageReport
from talkwire.core.domain.nodes.user_moves import CompactMove, UserMove
from talkwire.core.domain.parts.growing_parts import PartChange
from talkwire.core.domain.parts.streams import StreamError

WebhookAction = Literal["created", "updated", "rewound", "secret_rotated", "deleted"]


class EventReach(NamedTuple):
    """Says for a class of events whom they concern, as four functions. Each takes an event and returns an id, or None
    or an empty text if there is none.

    The event is for the members of the conversation `members_of`, or else for the user `user`, or else only for the
    server itself. Which of the members may see it, and in which version, is decided by `audience.py`. `about` is the
    conversation that the event is about, also if its members do not receive it. `actor` is the user to whom the event
    is attributed: the one who caused it or, for an event that only one user receives, that user. None: the
    application's backend or the server caused it, or that was not recorded.
    """

    members_of: Callable[[Any], str | None]
    user: Callable[[Any], str | None]
    about: Callable[[Any], str | None]
    actor: Callable[[Any], str | None]


def to_members_of(conversation: str, *, actor: str | None = None) -> EventReach:
    """Returns the reach of events that all members of a conversation receive. `conversation` and `actor` are paths to
    the event's fields with the ids of the conversation and the actor, such as `message.sender_id`."""
    conversation_id = attrgetter(conversation)
    return EventReach(conversation_id, _none, conversation_id, _field(actor))


def to_user(user: str, *, about: str | None = None, actor: str | None = None) -> EventReach:
    """Returns the reach of events that only one user receives. The parameters are paths to the event's fields with the
    ids of that user, of the conversation that the event is about, and of the user who caused it, such as
    `message.sender_id`."""
    return EventReach(_none, attrgetter(user), _field(about), _field(actor))


def to_nobody(*, about: str | None = None, actor: str | None = None) -> EventReach:
    """Returns the reach of events that only the server receives, and no user. The parameters are paths to the event's
    fields with the ids of the conversation that the event is about and of the user who caused it, such as
    `message.sender_id`."""
    return EventReach(_none, _none, _field(about), _field(actor))


def _field(path: str | None) -> Callable[[Any], str | None]:
    return _none if path is None else attrgetter(path)


def _none(event: Any) -> None:  # noqa: ANN401 (any event)
    del event


class DurableEvent(msgspec.Struct, frozen=True, gc=False, tag_field="type"):
    """The base class of events in the log, the ordered list of all committed events. `pos` is the event's position in
    the log, `at_ms` the time when it was written, in milliseconds since 1970 UTC. Each class says in `reach` whom its
    events concern."""

    reach: ClassVar[EventReach]
    pos: int
    at_ms: int


class UserCreated(DurableEvent, frozen=True):
    """A user was stored for the first time."""

    reach = to_nobody()
    user: User


class UserRenamed(DurableEvent, frozen=True):
    """A user whose name was only the id received a name from a token."""

    reach = to_nobody()
    user_id: str
    name: str


class UserUpdated(DurableEvent, frozen=True):
    """A user's public profile changed. `user` has the new one."""

    reach = to_user("user.id")
    user: User


class UserBlocked(DurableEvent, frozen=True):
    """`user_id` blocked `blocked_id`: neither can write to the other in their direct conversation or call the other,
    and `blocked_id` cannot add `user_id` to a group. In groups, messages of `blocked_id` still reach `user_id`, without
    a notification."""

    reach = to_user("user_id", actor="user_id")
    user_id: str
    blocked_id: str


class UserUnblocked(DurableEvent, frozen=True):
    reach = to_user("user_id", actor="user_id")
    user_id: str
    blocked_id: str


class UserBanned(DurableEvent, frozen=True, omit_defaults=True):
    """A user was banned from the server, or the reason or the end of the ban changed. Without `until_ms`, the ban lasts
    until it is lifted."""

    reach = to_nobody()
    user_id: str
    reason: str | None = None
    until_ms: int | None = None


class UserUnbanned(DurableEvent, frozen=True):
    reach = to_nobody()
    user_id: str


class UserErased(DurableEvent, frozen=True, omit_defaults=True):
    """A user was erased: the profile, the account and what they had set are deleted; the id, their memberships and
    their messages stay. `by` is the id of the user who did it, empty for the application's backend.

    With `redact`, the user's messages become tombstones (messages without content), and each message has its own
    MessageDeleted soon after this event.
    """

    reach = to_user("user.id", actor="by")
    user: User
    redact: bool = False
    by: str = ""


class HoldChanged(DurableEvent, frozen=True, omit_defaults=True):
    """A hold, which forbids deleting anything in a conversation or of a user, was placed or lifted. Exactly one of
    `conversation_id` and `user_id` is set. No client receives this event, because holds are not disclosed to
    members."""

    reach = to_nobody(about="conversation_id", actor="by")
    hold: bool
    conversation_id: str = ""
    user_id: str = ""
    by: str = ""


class LoginOpened(DurableEvent, frozen=True):
    """A device signed in. `session_id` identifies its sign-in."""

    reach = to_nobody(actor="user_id")
    user_id: str
    session_id: str


class LoginRenewed(DurableEvent, frozen=True):
    """A device received its next refresh token."""

    reach = to_nobody(actor="user_id")
    user_id: str
    session_id: str


class LoginEnded(DurableEvent, frozen=True):
    """A device signed out, or its refresh token was used twice, which suggests that it was stolen. The server closes
    the device's sockets."""

    reach = to_nobody(actor="user_id")
    user_id: str
    session_id: str


class InvitationCreated(DurableEvent, frozen=True):
    reach = to_nobody(actor="invitation.creator_id")
    invitation: Invitation


class InvitationUsed(DurableEvent, frozen=True):
    """A user registered with an invitation, or joined the conversations that it names. Each joined conversation has its
    own MemberAdded event."""

    reach = to_nobody(actor="user_id")
    invitation_id: str
    user_id: str


class InvitationDeleted(DurableEvent, frozen=True):
    """An invitation was deleted. `by` is the id of the user who deleted it, empty for the application's backend."""

    reach = to_nobody(actor="by")
    invitation_id: str
    by: str = ""


class WebhookChanged(DurableEvent, frozen=True):
    """A webhook, an endpoint that receives the chat's events, was created, changed or deleted. `by` is the id of the
    user who did it, empty for the application's backend. The event never contains a webhook's secret."""

    reach = to_nobody(actor="by")
    webhook_id: str
    action: WebhookAction
    by: str = ""


class ConversationCreated(DurableEvent, frozen=True):
    """A conversation was created. `by` is the id of the user who created it, empty for the application's backend."""

    reach = to_members_of("conversation.id", actor="by")
    conversation: Conversation
    members: tuple[Member, ...]
    by: str = ""


class MemberAdded(DurableEvent, frozen=True):
    """Members were added to a conversation. `by` is the id of the user who added them, empty for the application's
    backend. `notify` is the conversation's default for notifications, which a node needs before it has loaded the
    conversation.

    All of them are members in their own right, or all only through teams (`of_teams`): then only the teams' members
    see the event.
    """

    reach = to_members_of("conversation_id", actor="by")
    conversation_id: str
    members: tuple[Member, ...]
    by: str = ""
    notify: Notify | None = None

    @property
    def of_teams(self) -> bool:
        return not self.members[0].own


class ConversationUpdated(DurableEvent, frozen=True, omit_defaults=True):
    """A conversation's name, texts, picture or rules changed. `by` is the id of the user who changed it, empty for the
    application's backend. `changed` are the names of the changed fields."""

    reach = to_members_of("conversation.id", actor="by")
    conversation: Conversation
    by: str = ""
    changed: tuple[str, ...] = ()


class ConversationDeleted(DurableEvent, frozen=True):
    """The actor `user_id` deleted a conversation, or it ended because its last member left. It has no members any more,
    and its id is never reused. `team_ids` are the teams that it had."""

    reach = to_members_of("conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    team_ids: tuple[str, ...] = ()


class MemberRemoved(DurableEvent, frozen=True):
    """A member left a conversation or was removed from it. `by` is the user id of the actor who removed the member, or
    the member's own id. `by_backend`: that actor is the application's backend.

    `via` names the teams through which the user was a member. If `own` is False, they were so only through these teams,
    and only members of teams see the event.
    """

    reach = to_members_of("conversation_id", actor="by")
    conversation_id: str
    user_id: str
    by: str = ""
    by_backend: bool = False
    own: bool = True
    via: tuple[str, ...] = ()


class MembershipGroundsChanged(DurableEvent, frozen=True):
    """A user stays a member of a conversation, but on other grounds: a team has come or gone through which the user is
    a member, or the user has become a member in their own right or is one no longer (`was_own`). `by` is the user id of
    the actor who did so, empty for the application's backend.

    Members of teams see this event. Others see MemberAdded or MemberRemoved if `was_own` has changed, else nothing.
    """

    reach = to_members_of("member.conversation_id", actor="by")
    member: Member
    was_own: bool
    by: str = ""


class MembersListed(DurableEvent, frozen=True):
    """Members of a conversation who are there through a team have it in their list, unread counts and notifications
    from now on (`listed`), or no longer. Only these members, in `user_ids`, receive the event."""

    reach = to_members_of("conversation_id")
    conversation_id: str
    user_ids: tuple[str, ...]
    listed: bool


class MemberUpdated(DurableEvent, frozen=True):
    """A member's role in a conversation changed. Giving a member the role of owner transfers the conversation to
    them."""

    reach = to_members_of("member.conversation_id")
    member: Member


class MemberRestricted(DurableEvent, frozen=True):
    """A moderator muted a member of a conversation or banned a user from it. Only that user receives this event. A ban
    of a member is accompanied by MemberRemoved."""

    reach = to_user("restriction.user_id", about="restriction.conversation_id", actor="restriction.by")
    restriction: Restriction


class MemberUnrestricted(DurableEvent, frozen=True):
    reach = to_user("restriction.user_id", about="restriction.conversation_id", actor="restriction.by")
    restriction: Restriction


class TeamUpdated(DurableEvent, frozen=True):
    """A team was created, renamed or deleted, or its members changed. `added` and `removed` are the ids of users. `by`
    is the id of the user who did it, empty for the application's backend. Sockets of the team's members and of the
    removed users receive it, which `reach` does not say."""

    reach = to_nobody(actor="by")
    team: Team
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    deleted: bool = False
    by: str = ""


class TeamSettled(DurableEvent, frozen=True):
    """All memberships are written that follow from the change at the log position `change_pos`: of the team `team_id`,
    or of the teams of the conversation `conversation_id`. Sockets of members who are in that conversation through a
    team receive it, which `reach` does not say."""

    reach = to_nobody(about="conversation_id")
    change_pos: int
    team_id: str = ""
    conversation_id: str = ""


class ConversationHandled(DurableEvent, frozen=True, omit_defaults=True):
    """A conversation with teams has another handler, None for nobody, or was closed or opened. `former_id` is the
    handler before. `by` is the id of the user who did it, empty for the application's backend."""

    reach = to_members_of("conversation_id", actor="by")
    conversation_id: str
    handler_id: str | None
    closed: bool
    former_id: str | None
    team_ids: tuple[str, ...]
    by: str = ""


class DeskConversationChanged(DurableEvent, frozen=True, omit_defaults=True):
    """What only the teams of a conversation and the backend see of it has changed: since when a customer waits, the
    conversation with the teams' notes, or the teams, which were `former_team_ids` before. `note` is what the user `by`
    wrote for the next handler. `by` is empty for the application's backend."""

    reach = to_members_of("conversation_id", actor="by")
    conversation_id: str
    waiting_since_ms: int | None
    notes_id: str | None
    team_ids: tuple[str, ...]
    by: str = ""
    note: str | None = None
    former_team_ids: tuple[str, ...] = ()


class ReportCreated(DurableEvent, frozen=True):
    """A user reported a message to the admins. Webhooks and the backend's event stream receive this event; clients do
    not."""

    reach = to_nobody(about="report.conversation_id", actor="report.reporter_id")
    report: MessageReport


class ReportDecided(DurableEvent, frozen=True):
    """An admin closed a user's report of a message. Deleting the message, or muting or banning its author, has its own
    events. No client receives this event."""

    reach = to_nobody(about="report.conversation_id", actor="report.decided_by")
    report: MessageReport


class ConversationPreferred(DurableEvent, frozen=True):
    """A member changed their settings for one conversation. Only the member receives this event.

    `archived_seq` is the number of the newest message when the member archived the conversation, None if it is not
    archived. `muted` ends at `unmute_ms`, or never if that is None. `section` is the name of the section of the
    member's list in which the conversation is shown.
    """

    reach = to_user("user_id", about="conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    muted: bool
    notify: Notify | None
    sound: str | None
    favourite: bool = False
    archived_seq: int | None = None
    unmute_ms: int | None = None
    section: str | None = None


class SavedChanged(DurableEvent, frozen=True):
    """A user saved a message for later or, with `saved` false, removed it from their saved messages. Only the user
    receives this event."""

    reach = to_user("user_id", about="conversation_id", actor="user_id")
    user_id: str
    conversation_id: str
    message_id: int
    saved: bool


COVERED_MESSAGES_MAX = 100
"""Most messages whose authors are notified of one move of a member's position."""


class MessagesRead(DurableEvent, frozen=True, omit_defaults=True):
    """A member has read all messages of a conversation up to number `seq`, which has the id `message_id`.

    In a large conversation only the reader and `authors`, the senders of the messages that were read, receive the
    event; `authors` is None when all members receive it. Members in `withheld`, whom the reader has blocked, never do.
    With `private`, the reader does not share receipts, so only the reader's own devices receive the event.

    `since` is the number of the message up to which the member had read before. `covered` are the newest messages of
    other senders after `since` and up to `seq`, as (message id, sender id), oldest first, at most
    `COVERED_MESSAGES_MAX`. The log stores neither `covered` nor `withheld`: in an event from the log, `covered` is None
    until `SyncLog.with_covered_messages` has set it.
    """

    reach = to_members_of("conversation_id", actor="user_id")
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
    """A member's devices have received all messages of a conversation up to number `seq`, which has the id
    `message_id`; until then they had received those up to number `since`.

    `covered` are the newest messages of others in between, as (message id, sender id); an event from the log lacks
    them. Members in `withheld`, whom the member has blocked, do not receive the event.
    """

    reach = to_members_of("conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    seq: int
    message_id: int
    since: int = 0
    covered: tuple[tuple[int, str], ...] | None = None
    withheld: tuple[str, ...] = ()


class ReadPositionMoved(DurableEvent, frozen=True):
    """A member's own read position in a conversation moved to message number `seq` in a way that other members do not
    see.

    The position moved back because the member marked messages as unread, or forward again over messages that others had
    already seen as read. Only the member receives this event. `unread_count` and `mention_count` count the unread
    messages and mentions after `seq` at that time.
    """

    reach = to_user("user_id", about="conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    seq: int
    unread_count: int
    mention_count: int


class ThreadMarked(DurableEvent, frozen=True):
    """A member started or stopped following a thread (the replies to message `root_id`), or has read its replies up to
    `read_seq`. Only the member receives this event. `unread_count` is the number of unread replies at that time."""

    reach = to_user("user_id", about="conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    root_id: int
    following: bool
    read_seq: int
    unread_count: int


class MessageEvent(DurableEvent, frozen=True):
    """The base class of events about one message. The log of events stores only the message's id, so an event that is
    read from the log contains the message's current content."""

    reach = to_members_of("message.conversation_id", actor="message.sender_id")
    message: Message


class MessageSent(MessageEvent, frozen=True):
    pass


class MessageEdited(MessageEvent, frozen=True):
    """A message was edited. `read` says whether a user other than the author had read it before; None in a large
    conversation, where this is not computed. `mentions_changed` says whether it mentions other users than before."""

    read: bool | None = None
    mentions_changed: bool = False


class MessageMetadataChanged(MessageEvent, frozen=True):
    """The metadata of a message was replaced or removed, and its text stayed the same. The message does not count as
    edited."""


class StreamStateChanged(MessageEvent, frozen=True):
    """The stream of a message has ended, or with `continues` an interrupted one is being continued. `is_first`: it is
    the first end, from which on the message has a text for those who do not see streams."""

    is_first: bool = False
    continues: bool = False


class MessageDeleted(MessageEvent, frozen=True):
    """A message was deleted. `message` is what remains of it (its tombstone), with the time of the deletion and the
    user who did it."""

    reach = to_members_of("message.conversation_id", actor="message.deleted_by")


class LinkPreviewsChanged(MessageEvent, frozen=True):
    """The previews of a message's links were fetched or removed. The message does not count as edited."""


class ThreadUpdated(MessageEvent, frozen=True):
    """A reply was deleted from the thread below `message`. A new reply is announced by its own MessageSent event
    instead."""

    reach = to_members_of("message.conversation_id")


class MessageReacted(MessageEvent, frozen=True):
    """A reaction was added or, with `added` false, removed. `message.reactions` has all reactions after the change or,
    in an event that was read from the log later, all of that time."""

    reach = to_members_of("message.conversation_id", actor="user_id")
    user_id: str
    emoji: str
    added: bool


class MessageRated(MessageEvent, frozen=True):
    """The user `user_id` rated a message of an agent: `rating` is 1, -1 or, for a rating that was taken back, 0. `up`
    and `down` are how many users have rated it so since then. Only this user, the agent and its owner `owner_id`
    receive the event, as far as they see the message, and this user without `up` and `down`."""

    reach = to_members_of("message.conversation_id", actor="user_id")
    user_id: str
    rating: int
    comment: str | None = None
    up: int | None = None
    down: int | None = None
    owner_id: str | None = None


class CardActed(MessageEvent, frozen=True):
    """The user `user_id` chose actions of a message's card, or took the choice in a poll back (no `action_ids`). Of the
    members, only this user receives the event; so does the application, unless it is `hidden`."""

    reach = to_members_of("message.conversation_id", actor="user_id")
    user_id: str
    action_ids: tuple[str, ...]
    hidden: bool = False


class CardDecided(MessageEvent, frozen=True):
    """The decision about a message's card has ended. The card says how, and so does the message's text."""

    reach = to_members_of("message.conversation_id")


class CardReminded(MessageEvent, frozen=True):
    """Three quarters of the time of a message's card are over. The users in `user_ids` have not chosen yet, and are
    notified a second time."""

    reach = to_nobody(about="message.conversation_id", actor="message.sender_id")
    user_ids: tuple[str, ...]


class TurnReady(DurableEvent, frozen=True):
    """A turn of an agent can be claimed."""

    reach = to_user("agent_id", about="conversation_id")
    turn_id: int
    conversation_id: str
    agent_id: str


class TurnUnanswered(DurableEvent, frozen=True):
    """A turn of an agent has been open for too long. `created_ms` is when it began, in milliseconds since 1970. The
    agent's owner receives the event."""

    reach = to_user("owner_id", about="conversation_id", actor="agent_id")
    turn_id: int
    conversation_id: str
    agent_id: str
    created_ms: int
    owner_id: str | None = None


class TurnFailed(DurableEvent, frozen=True):
    """A turn of an agent has failed too often, or at once because agents have answered each other too often. The
    agent's owner receives the event."""

    reach = to_user("owner_id", about="conversation_id", actor="agent_id")
    turn_id: int
    conversation_id: str
    agent_id: str
    error: StreamError
    owner_id: str | None = None


class MessagePinned(MessageEvent, frozen=True):
    reach = to_members_of("message.conversation_id", actor="user_id")
    user_id: str


class MessageUnpinned(MessageEvent, frozen=True):
    reach = to_members_of("message.conversation_id", actor="user_id")
    user_id: str


class OfferCreated(DurableEvent, frozen=True):
    reach = to_members_of("offer.conversation_id", actor="offer.author_id")
    offer: Offer


class OfferUpdated(DurableEvent, frozen=True):
    """An offer (a price proposed in a conversation) was closed: accepted, rejected, withdrawn, answered by a
    counter-offer, or expired; or it was deleted, and its texts are gone (`deleted_ms`)."""

    reach = to_members_of("offer.conversation_id", actor="offer.changed_by")
    offer: Offer


class PreferencesChanged(DurableEvent, frozen=True):
    """A user changed which notifications they want. Only the user receives this event."""

    reach = to_user("user_id", actor="user_id")
    user_id: str
    preferences: Preferences


class NotificationsRead(DurableEvent, frozen=True):
    """A user has read notifications, explicitly or by reading the messages that they are about. Only the user receives
    this event.

    `ids` None means all notifications stored until now. `unread` is the number of unread notifications left.
    """

    reach = to_user("user_id", actor="user_id")
    user_id: str
    ids: tuple[int, ...] | None
    unread: int


class CallMissed(DurableEvent, frozen=True):
    """The user `caller_id` called the users in `user_ids`, who never accepted.

    Connected clients learn of the call's end from CallEnded. This event creates the notifications that disconnected
    users see later.
    """

    reach = to_nobody(about="conversation_id", actor="caller_id")
    conversation_id: str
    call_id: str
    caller_id: str
    user_ids: tuple[str, ...]


class CallRecorded(DurableEvent, frozen=True, omit_defaults=True):
    """A call that the user `caller_id` started has ended. `duration_s` is the time in seconds since the first user
    accepted, None if nobody did."""

    reach = to_members_of("conversation_id", actor="caller_id")
    conversation_id: str
    call_id: str
    caller_id: str
    reason: CallEndReason
    duration_s: int | None = None


class EphemeralEvent(msgspec.Struct, frozen=True, gc=False, tag_field="type"):
    """The base class of events that are sent to connected sockets on all nodes and not stored. An event that is lost
    between nodes is not repeated. `reach.actor` returns the id of the user who caused the event, and who does not
    receive it; None if there is no such user."""

    reach: ClassVar[EventReach] = to_nobody()


class TypingChanged(EphemeralEvent, frozen=True):
    """A member started or stopped typing in a conversation. Not sent to the typing user's own sockets."""

    reach = to_members_of("conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    user_name: str
    is_typing: bool


class TurnWorking(EphemeralEvent, frozen=True):
    """An agent works on a turn. `label` says what it is doing, if it has said so. Not sent to the agent's own
    sockets."""

    reach = to_members_of("conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    label: str | None = None


class SignalSent(EphemeralEvent, frozen=True):
    """A member, or the application's backend, sent a custom signal to a conversation: the JSON `data` under a `name` of
    the application. Sent to all sockets that follow the conversation, except the socket `source` that sent it."""

    reach = to_members_of("conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    name: str
    data: object = None
    source: str | None = None


class MessageDelta(EphemeralEvent, frozen=True):
    """A part of a message that is being written has changed."""

    reach = to_members_of("conversation_id")
    conversation_id: str
    message_id: int
    change: PartChange


class CardUpdated(EphemeralEvent, frozen=True):
    """How often each action of the card of a message is chosen now. `seq` is the message's number."""

    reach = to_members_of("conversation_id")
    conversation_id: str
    message_id: int
    seq: int
    counts: dict[str, int]


class StreamStopped(EphemeralEvent, frozen=True):
    """The user `by` has asked the author of a message that is being written to stop. Sent to the author's sockets."""

    conversation_id: str
    message_id: int
    author_id: str
    by: str
    at_ms: int


class RoomEntered(EphemeralEvent, frozen=True):
    """A user's first socket started to follow a conversation, i.e. to receive its events. Sent to the other users'
    sockets that follow the conversation.

    Each node publishes the event for a user's first socket on that node. The copy for other nodes has the publishing
    node's id as `node_id`; they notify their own sockets only if the user followed the conversation on no other node
    before.
    """

    reach = to_members_of("conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    user_name: str
    node_id: str = ""


class RoomLeft(EphemeralEvent, frozen=True):
    """A user's last socket stopped following a conversation, i.e. receiving its events. Sent to the other users'
    sockets that follow the conversation.

    Each node publishes the event for the last socket on that node. In the copy for other nodes `node_id` is the
    publishing node; they notify their own sockets only if the user follows the conversation on no node any more.
    """

    reach = to_members_of("conversation_id", actor="user_id")
    conversation_id: str
    user_id: str
    user_name: str
    node_id: str = ""


class UnreadChanged(EphemeralEvent, frozen=True):
    """The unread counts of a conversation changed for one user, after a read, a deletion or a change of membership.
    Sent to the user's own sockets."""

    user_id: str
    conversation_id: str
    unread_count: int
    mention_count: int


class DeskUpdated(EphemeralEvent, frozen=True):
    """How many conversations of a team are open, how many of these nobody handles, in how many a customer waits, or
    since when the customer waits who has waited for the longest time (None: nobody waits) may have changed. Sent to the
    sockets of the users `to`."""

    team_id: str
    open: int
    unhandled: int
    waiting: int
    oldest_waiting_ms: int | None
    to: tuple[str, ...]


class ThreadUnreadChanged(EphemeralEvent, frozen=True):
    """The number of unread replies in a thread that the user follows changed, because a reply was sent or deleted. Sent
    to the user's own sockets."""

    user_id: str
    conversation_id: str
    root_id: int
    read_seq: int
    unread_count: int


class PresenceChanged(EphemeralEvent, frozen=True):
    """A user's status or text changed, merged from all of the user's devices. Sent to the user's contacts and to
    sockets that subscribed to the user.

    With `own`, `presence` is what the user's own devices show: it is sent only to them, except to the socket `source`,
    which caused it. With `came`, others saw the user as offline before.

    A node may not have loaded a user of another node, so the event says whom to notify: `circle_ids` are the
    conversations whose members are contacts of the user, `blocked_ids` the users whom the user has blocked.
    `circle_ids` is None for a user in the directory (the node's cache of users), which has both.
    """

    presence: Presence
    own: bool = False
    source: str | None = None
    came: bool = False
    circle_ids: tuple[str, ...] | None = None
    blocked_ids: tuple[str, ...] = ()


class CallEvent(EphemeralEvent, frozen=True):
    """The base class of what one user sends to others about a call, such as an invitation or a hang-up. Sent to the
    sockets of the users in `to`, except the socket `source` that sent it."""

    call_id: str
    conversation_id: str
    user_id: str
    to: tuple[str, ...]
    to_user_id: str | None = None
    data: object = None
    source: str | None = None


class CallInvited(CallEvent, frozen=True):
    """A user invites others to a call: their devices ring. With `only`, it is sent to the socket with this id alone,
    because that socket has connected while the call rang."""

    only: str | None = None


class CallAccepted(CallEvent, frozen=True):
    pass


class CallRejected(CallEvent, frozen=True):
    pass


class CallSignalled(CallEvent, frozen=True):
    pass


class CallHungUp(CallEvent, frozen=True):
    pass


class CallEnded(EphemeralEvent, frozen=True):
    """A call ended for the users in `to`. `missed_by` are the users who were called and never accepted. `is_over` says
    that nobody is in the call any more."""

    call_id: str
    conversation_id: str
    caller_id: str
    reason: CallEndReason
    to: tuple[str, ...]
    missed_by: tuple[str, ...] = ()
    is_over: bool = True


class Notified(EphemeralEvent, frozen=True):
    """A user received a notification. Sent to the user's own sockets.

    With `quiet`, the user has set "do not disturb", so clients count the notification and do not announce it.
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
    """An event of the application's own, sent as `name` with the JSON `payload`. It is the same in every dialect (a
    client application's vocabulary).

    Sent to all sockets of one user, or to the sockets that follow one conversation, i.e. receive its events. Exactly
    one of `user_id` and `conversation_id` is set.
    """

    name: str
    payload: object
    user_id: str | None = None
    conversation_id: str | None = None


class StreamAdvanced(EphemeralEvent, frozen=True):
    """A message that is being written has changed in several parts. `SignalDelivery` sends each change as a
    `MessageDelta`, and to sockets that lack earlier ones the whole parts. `source` is the socket of the author.

    Between nodes, `number` counts the events of an `attempt` from the node `home_id`, and `is_whole` says that the
    changes are everything, whatever the receiving node has.
    """

    conversation_id: str
    message_id: int
    seq: int
    changes: tuple[PartChange, ...]
    source: str | None = None
    attempt: int = 0
    number: int = 0
    home_id: str = ""
    is_whole: bool = False


class OpenStreamAt(NamedTuple):
    """A message that is being written, and the `number` of the last `StreamAdvanced` of its `attempt`."""

    message_id: int
    conversation_id: str
    attempt: int
    number: int


class StreamsOpen(EphemeralEvent, frozen=True):
    """Some messages are being written, and the node `home_id` sends what is new to the nodes that have readers. Only
    the other nodes receive this event."""

    home_id: str
    streams: tuple[OpenStreamAt, ...]


class StreamsRead(EphemeralEvent, frozen=True):
    """The node `node_id` has readers of these messages, which are being written. It has nothing of those that are in
    `lacking`, or not everything. Only their home receives this event."""

    node_id: str
    message_ids: tuple[int, ...]
    lacking: tuple[int, ...] = ()


class MailStored(EphemeralEvent, frozen=True):
    """A custom event was stored in the offline queue of a user, i.e. for the user's next connection. Only the server
    receives this event, in case the user has connected meanwhile."""

    user_id: str


class UsersMoved(EphemeralEvent, frozen=True):
    """The list of users who are connected to the node `node_id` changed, from version `since` to `version` (the number
    of changes until then). Only the other nodes receive this event."""

    node_id: str
    since: int
    version: int
    moves: tuple[UserMove, ...]


class UsersMovedCompactly(EphemeralEvent, frozen=True):
    """`UsersMoved`, with the changes in their compact forms."""

    node_id: str
    since: int
    version: int
    moves: tuple[CompactMove, ...]


CallNews = CallInvited | CallAccepted | CallRejected | CallSignalled | CallHungUp | CallEnded
"""Event about a call that is sent to users."""

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
    | SavedChanged
    | MemberAdded
    | MemberRemoved
    | MembershipGroundsChanged
    | MembersListed
    | MemberUpdated
    | TeamUpdated
    | TeamSettled
    | ConversationHandled
    | DeskConversationChanged
    | MemberRestricted
    | MemberUnrestricted
    | ReportCreated
    | ReportDecided
    | MessagesRead
    | MessagesDelivered
    | ReadPositionMoved
    | ThreadMarked
    | MessageSent
    | MessageEdited
    | MessageMetadataChanged
    | StreamStateChanged
    | MessageDeleted
    | LinkPreviewsChanged
    | ThreadUpdated
    | MessageReacted
    | MessageRated
    | CardActed
    | CardDecided
    | CardReminded
    | TurnReady
    | TurnUnanswered
    | TurnFailed
    | MessagePinned
    | MessageUnpinned
    | OfferCreated
    | OfferUpdated
    | PreferencesChanged
    | NotificationsRead
    | CallMissed
    | CallRecorded
)
for _event_type in get_args(Durable):
    if not hasattr(_event_type, "reach"):
        raise TypeError(f"{_event_type.__name__} does not say whom it concerns; give it a `reach`")

RoomNews = RoomEntered | RoomLeft
UnreadNews = UnreadChanged | ThreadUnreadChanged | DeskUpdated
Ephemeral = (
    TypingChanged
    | TurnWorking
    | SignalSent
    | MessageDelta
    | StreamStopped
    | CardUpdated
    | RoomNews
    | UnreadNews
    | PresenceChanged
    | CallNews
    | Notified
    | UploadProgressed
)

Event = Durable | Ephemeral
"""Event that every dialect must translate or explicitly leave out."""

Between = UsersMoved | UsersMovedCompactly
"""Event between nodes, which is not sent to clients or observers."""

UnstoredEvent = Ephemeral | CustomEvent | StreamAdvanced | StreamsOpen | StreamsRead | MailStored | Between
"""Event that is not stored in the log."""


class PositionsPassed(msgspec.Struct, frozen=True, gc=False):
    """Tells the chat's listeners that the log positions up to `pos` belong to events that this node does not need
    (`log.announced`), and has not loaded."""

    pos: int


News = Event | UnstoredEvent | PositionsPassed
"""Event that listeners of the chat receive."""


def moves_log(event: News) -> bool:
    """Returns whether an event says that the log has grown."""
    return isinstance(event, DurableEvent | PositionsPassed)


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
        ReportCreated,
        ReportDecided,
    }
)
CONTACT_EVENTS: frozenset[type[Event]] = frozenset({UserUpdated, UserErased, UserBlocked, UserUnblocked})
OFFER_EVENTS: frozenset[type[Event]] = frozenset({OfferCreated, OfferUpdated})

MANAGEMENT_EVENTS: frozenset[type[Event]] = frozenset(
    {
        *ACCOUNT_EVENTS,
        *CONTACT_EVENTS,
        ConversationCreated,
        ConversationUpdated,
        ConversationDeleted,
        ConversationPreferred,
        MemberAdded,
        MemberRemoved,
        MembershipGroundsChanged,
        MembersListed,
        MemberUpdated,
        TeamUpdated,
        TeamSettled,
        ConversationHandled,
        DeskConversationChanged,
        DeskUpdated,
        MemberRestricted,
        MemberUnrestricted,
        MessagePinned,
        MessageUnpinned,
        SavedChanged,
        MessageRated,
        CardActed,
        CardReminded,
        TurnReady,
        TurnUnanswered,
        TurnFailed,
        TurnWorking,
        LinkPreviewsChanged,
        MessageMetadataChanged,
        ThreadUpdated,
        ThreadMarked,
        ThreadUnreadChanged,
        UnreadChanged,
        ReadPositionMoved,
        PreferencesChanged,
        Notified,
        NotificationsRead,
        CallMissed,
        CallRecorded,
        SignalSent,
        MessageDelta,
        StreamStopped,
        CardUpdated,
    }
)
"""Types of all events but those of talking itself: messages, receipts, typing, presence, offers, uploads and calls."""
