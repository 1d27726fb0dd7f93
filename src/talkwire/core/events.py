"""What happened. A durable event has a position in the log; an ephemeral one is gone once it was sent."""

from __future__ import annotations

import msgspec

from talkwire.core.model import Conversation, Member, Message, User


class DurableEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """`pos` is the event's position in the one log, `at_ms` when it was written."""

    pos: int
    at_ms: int


class UserCreated(DurableEvent, frozen=True):
    user: User


class UserRenamed(DurableEvent, frozen=True):
    """A user who was known by the id alone got a name."""

    user_id: str
    name: str


class UserBanned(DurableEvent, frozen=True):
    user_id: str


class UserUnbanned(DurableEvent, frozen=True):
    user_id: str


class LoginOpened(DurableEvent, frozen=True):
    """A device signed in."""

    user_id: str
    session_id: str


class LoginEnded(DurableEvent, frozen=True):
    """A device signed out, or its refresh token was used twice: its sockets close."""

    user_id: str
    session_id: str


class ConversationCreated(DurableEvent, frozen=True):
    conversation: Conversation
    members: tuple[Member, ...]


class MemberAdded(DurableEvent, frozen=True):
    conversation_id: str
    members: tuple[Member, ...]


class MemberRemoved(DurableEvent, frozen=True):
    conversation_id: str
    user_id: str


class MessageSent(DurableEvent, frozen=True):
    message: Message


class TypingChanged(msgspec.Struct, frozen=True):
    """Ephemeral; the typing user's own sockets do not hear of it."""

    conversation_id: str
    user_id: str
    user_name: str
    is_typing: bool


Durable = (
    UserCreated
    | UserRenamed
    | UserBanned
    | UserUnbanned
    | LoginOpened
    | LoginEnded
    | ConversationCreated
    | MemberAdded
    | MemberRemoved
    | MessageSent
)
Ephemeral = TypingChanged
Event = Durable | Ephemeral
