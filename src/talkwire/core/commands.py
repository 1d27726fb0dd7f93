"""What an actor may ask for. Each command names its result: `chat.execute(actor, command)` answers such a value.

    Command[R]
     ├── Change[R]      goes through the writer, in the next transaction
     ├── Query[R]       reads, on a reader thread
     └── Signal[R]      ephemeral: nothing is stored

Commands are tagged Structs, so that a running server can be asked by the command line in the same words.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from talkwire.core.model import (
    Conversation,
    ConversationKind,
    LoginSession,
    Member,
    Message,
    User,
)

R_co = TypeVar("R_co", covariant=True)


class Command(msgspec.Struct, Generic[R_co], frozen=True, tag_field="command", forbid_unknown_fields=True):
    """Something an actor asks for; `R_co` is what it is answered with."""


class Change(Command[R_co], Generic[R_co], frozen=True):
    """A command that may write. It is validated and carried out inside the writer's transaction."""


class Query(Command[R_co], Generic[R_co], frozen=True):
    """A command that only reads."""


class Signal(Command[R_co], Generic[R_co], frozen=True):
    """A command whose effect is an ephemeral event."""


class Page(msgspec.Struct, Generic[R_co], frozen=True):
    """One page of a list; `next` is the value to pass on for the following page, or None at the end."""

    items: tuple[R_co, ...]
    next: str | None


class MessagePage(msgspec.Struct, frozen=True):
    """Messages in ascending `seq`; `has_more` says whether there are more in the direction that was asked for."""

    items: tuple[Message, ...]
    has_more: bool
    next: str | None


class ConversationView(msgspec.Struct, frozen=True):
    """A conversation as one reader sees it: a direct one is named after the other member."""

    conversation: Conversation
    name: str | None
    avatar: str | None
    last_message: Message | None
    members: tuple[MemberView, ...] | None = None


class MemberView(msgspec.Struct, frozen=True):
    """A member with the name that others see."""

    member: Member
    name: str
    avatar: str | None


class Login(msgspec.Struct, frozen=True):
    """A signed-in device and the account it belongs to."""

    session: LoginSession
    user: User


# --- accounts -------------------------------------------------------------------------------------------------------


class RegisterAccount(Change[User], frozen=True, tag="RegisterAccount"):
    """A new account of our own. The password arrives hashed: hashing takes long and must not hold the writer."""

    email: str
    name: str
    password_hash: str
    id: str | None = None


class SetPassword(Change[None], frozen=True, tag="SetPassword"):
    """Gives the account of `user_id` a new password; an operator's command."""

    user_id: str
    password_hash: str


class OpenLogin(Change[Login], frozen=True, tag="OpenLogin"):
    """Records a device whose password was right. `token_hash` is the hash of its first refresh token."""

    user_id: str
    token_hash: str
    lifetime_ms: int


class RotateLogin(Change["Login | None"], frozen=True, tag="RotateLogin"):
    """Trades a refresh token for the next one. A token that was traded before ends its whole family and is answered
    None: a refusal that has to be stored."""

    session_id: str
    token_hash: str
    new_token_hash: str
    lifetime_ms: int


class CloseLogin(Change[None], frozen=True, tag="CloseLogin"):
    """Signs the actor's device out."""

    session_id: str


class EnsureUser(Change[User], frozen=True, tag="EnsureUser"):
    """The user of a token seen for the first time. Answers the stored user, banned or not."""

    user_id: str
    name: str


class BanUser(Change[User], frozen=True, tag="BanUser"):
    user_id: str


class UnbanUser(Change[User], frozen=True, tag="UnbanUser"):
    user_id: str


# --- conversations --------------------------------------------------------------------------------------------------


class CreateConversation(Change[ConversationView], frozen=True, tag="CreateConversation"):
    """`id` and unknown `member_ids` are for the role `service` only. A direct conversation exists once per pair: asking
    again answers the first one."""

    kind: ConversationKind
    member_ids: tuple[str, ...]
    name: str | None = None
    id: str | None = None


class AddMembers(Change[tuple[Member, ...]], frozen=True, tag="AddMembers"):
    """Answers those who were not members before."""

    conversation_id: str
    user_ids: tuple[str, ...]


class RemoveMember(Change[None], frozen=True, tag="RemoveMember"):
    conversation_id: str
    user_id: str


# --- messages -------------------------------------------------------------------------------------------------------


class SendMessage(Change[Message], frozen=True, tag="SendMessage"):
    """`client_message_id` is unique per conversation and sender for ever. `sender_id` is for the role `service`."""

    conversation_id: str
    content: str
    client_message_id: str | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None


class SetTyping(Signal[None], frozen=True, tag="SetTyping"):
    """`source` is the socket that types; what it said ends with it."""

    conversation_id: str
    is_typing: bool
    source: str | None = None


# --- queries --------------------------------------------------------------------------------------------------------


class FindAccount(Query["AccountRecord | None"], frozen=True, tag="FindAccount"):
    """Internal: what a sign-in is checked against."""

    email: str


class AccountRecord(msgspec.Struct, frozen=True):
    """An account with its user."""

    user: User
    password_hash: str


class GetUser(Query[User], frozen=True, tag="GetUser"):
    user_id: str


class ListUsers(Query[Page[User]], frozen=True, tag="ListUsers"):
    """An operator's list, by id."""

    cursor: str | None = None
    limit: int = 100


class GetConversation(Query[ConversationView], frozen=True, tag="GetConversation"):
    conversation_id: str


class ListConversations(Query[Page[ConversationView]], frozen=True, tag="ListConversations"):
    """The actor's conversations, the one with the newest event first. An operator (role `admin`) sees all."""

    cursor: str | None = None
    limit: int = 50


class GetMessage(Query[Message], frozen=True, tag="GetMessage"):
    message_id: str


class ListMessages(Query[MessagePage], frozen=True, tag="ListMessages"):
    """`before`, `after` and `around` are message ids, at most one of them; without them the newest page."""

    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50
