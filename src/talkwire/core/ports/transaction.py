"""What the domain asks of a database: a `Transaction` to change the chat in, a `Snapshot` to read it from.

Both are synchronous and belong to one thread. Storage implements them; nothing here says how.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from talkwire.core.commands.accounts import AccountRecord
from talkwire.core.commands.conversations import MemberView
from talkwire.core.commands.receipts import MessageReader, Unread
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.events import Durable
from talkwire.core.domain.membership_facts import Memberships
from talkwire.core.domain.model import Account, Conversation, LoginSession, Member, Message, User
from talkwire.core.ports.stores import (
    Calls,
    Files,
    Invitations,
    MessageParts,
    NodeTable,
    Notifications,
    Offers,
    OfflineQueue,
    PresenceTable,
    Restrictions,
    Retention,
    Search,
    Sessions,
    StoredAnswers,
    SyncLog,
    Unreads,
)


class Prefetch:
    """What a batch of commands will ask its transaction for, so that each kind is fetched by one statement."""

    __slots__ = ("files", "members", "messages", "names", "sent_messages", "unread_notifications")

    def __init__(self) -> None:
        self.members: set[tuple[str, str]] = set()
        """(conversation id, user id): the conversation, the user and the membership"""
        self.sent_messages: set[tuple[str, str, str]] = set()
        """(conversation id, sender id, client message id)"""
        self.messages: set[int] = set()
        """ids"""
        self.files: set[str] = set()
        """ids"""
        self.names: set[tuple[str, str]] = set()
        """(conversation id, what a member's casefolded name or id may be)"""
        self.unread_notifications: set[tuple[str, str]] = set()
        """(conversation id, user id): the unread notifications of messages"""


class Transaction(Protocol):
    """The chat as of the log's head, locked. Sees what earlier commands of the same batch recorded."""

    @property
    def now_ms(self) -> int: ...

    @property
    def policy(self) -> AccessPolicy:
        """The operator's rules for users."""
        ...

    def user(self, user_id: str) -> User | None: ...
    def users(self, user_ids: Collection[str]) -> Mapping[str, User]: ...
    def account(self, email: str) -> Account | None: ...
    def account_of(self, user_id: str) -> Account | None: ...
    def login(self, session_id: str) -> LoginSession | None: ...
    def logins_of(self, user_id: str) -> Sequence[LoginSession]: ...
    def conversation(self, conversation_id: str) -> Conversation | None: ...
    def direct_conversation(self, user_id: str, other_id: str) -> Conversation | None: ...
    def has_blocked(self, user_id: str, other_id: str) -> bool: ...
    def member(self, conversation_id: str, user_id: str) -> Member | None: ...
    def members(self, conversation_id: str, user_ids: Collection[str]) -> Mapping[str, Member]: ...

    def heir(self, conversation_id: str, leaving_id: str) -> Member | None:
        """Who takes a conversation over when its owner leaves: the admin, else the member, who joined first."""
        ...

    def members_named(self, conversation_id: str, folded_names: Collection[str]) -> Mapping[str, Collection[str]]:
        """Casefolded name or id -> the ids of the members who are called so."""
        ...

    def message(self, message_id: int) -> Message | None: ...
    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None: ...

    def newest_message_ms(self, conversation: Conversation) -> int | None:
        """When the newest message of a conversation was sent, deleted or not."""
        ...

    @property
    def parts(self) -> MessageParts: ...
    @property
    def offers(self) -> Offers: ...
    @property
    def notifications(self) -> Notifications: ...
    @property
    def mail(self) -> OfflineQueue: ...
    @property
    def presence(self) -> PresenceTable: ...
    @property
    def files(self) -> Files: ...
    @property
    def restrictions(self) -> Restrictions: ...
    @property
    def invitations(self) -> Invitations: ...
    @property
    def answers(self) -> StoredAnswers: ...

    def unread(self, conversation_id: str, user_id: str) -> Unread:
        """What a member has not read, this transaction's changes included."""
        ...

    def unread_behind(self, conversation_id: str, user_id: str, seq: int) -> Unread:
        """What a member would not have read if their read position were `seq`, this transaction's changes included."""
        ...

    def newest_of_others(self, conversation_id: str, user_id: str, after_seq: int) -> int | None:
        """Returns the `seq` of the newest message behind `after_seq` that another user has sent, and that is neither
        deleted nor imported, where it is among the conversation's newest."""
        ...

    def authors(self, conversation_id: str, after_seq: int, up_to_seq: int) -> Sequence[str]:
        """Who has sent the newest messages of a stretch."""
        ...

    def has_been_read(self, message: Message) -> bool:
        """Whether somebody has read it beside its sender and users that have blocked its sender, this transaction's
        changes included."""
        ...

    @property
    def retention(self) -> Retention: ...
    @property
    def sessions(self) -> Sessions: ...

    def next_pos(self) -> int:
        """The position that the next recorded event has to carry."""
        ...

    def record(self, event: Durable) -> None:
        """Appends the event to the log and makes the tables show it."""
        ...

    def put_account(self, account: Account) -> None:
        """Stores sign-in data, which is no event: the log never holds a password's hash."""
        ...

    def put_login(self, session: LoginSession) -> None: ...
    def drop_login(self, session_id: str) -> None: ...

    def drop_expired_logins(self, user_id: str) -> None:
        """Forgets the user's devices that have not been used for too long."""
        ...


class LeaseTransaction(Protocol):
    """What nodes hold for a while. The log's head is not locked."""

    @property
    def now_ms(self) -> int:
        """By the clock that all nodes share."""
        ...

    @property
    def nodes(self) -> NodeTable: ...
    @property
    def presence(self) -> PresenceTable: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def calls(self) -> Calls: ...


class Snapshot(Protocol):
    """A consistent, read-only view of what is committed."""

    @property
    def now_ms(self) -> int:
        """By the clock that all nodes share."""
        ...

    def head(self) -> tuple[str, int]:
        """Answers (epoch, position of the newest event). Raises LogReplaced."""
        ...

    def user(self, user_id: str) -> User | None: ...
    def users(self, user_ids: Collection[str]) -> Mapping[str, User]: ...
    def users_after(self, cursor: str | None, limit: int) -> Sequence[User]: ...

    def users_named(
        self, folded_prefix: str, after: tuple[str, str] | None, limit: int, *, with_banned: bool = False
    ) -> Sequence[User]:
        """Users whose casefolded name begins so, by that name and id; `after` is such a pair."""
        ...

    def contacts_named(
        self, user_id: str, reach_max: int, folded_prefix: str, after: tuple[str, str] | None, limit: int
    ) -> Sequence[User] | None:
        """As `users_named`, of those who share a conversation with a user. None where all conversations of the user
        have more than `reach_max` members together."""
        ...

    def sharing_with(self, user_id: str, other_ids: Collection[str]) -> Collection[str]:
        """Those of `other_ids` who share a conversation with the user."""
        ...

    def logins_of(self, user_id: str, now_ms: int) -> Sequence[LoginSession]:
        """The devices that are signed in, the one that was used last first."""
        ...

    def login_addresses(self, user_id: str, now_ms: int) -> frozenset[str]:
        """The addresses of the devices that are signed in, as far as they are known."""
        ...

    def account_record(self, email: str) -> AccountRecord | None: ...
    def account_record_of(self, user_id: str) -> AccountRecord | None: ...
    def conversation(self, conversation_id: str) -> Conversation | None: ...
    def member(self, conversation_id: str, user_id: str) -> Member | None: ...
    def memberships(self, user_id: str, conversation_ids: Collection[str]) -> Mapping[str, Member]:
        """Conversation id -> the user in it, where they are a member."""
        ...

    def members_of(self, conversation_ids: Collection[str]) -> Mapping[str, Sequence[MemberView]]: ...
    def memberships_of(self, user_ids: Collection[str]) -> Memberships: ...

    def login_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]: ...
    def blocked_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]: ...

    def blockers_of(self, user_id: str) -> frozenset[str]:
        """Who has blocked a user."""
        ...

    def blocked_by(self, user_id: str, after_id: str | None, limit: int) -> Sequence[User]:
        """Whom a user has blocked, by id."""
        ...

    def conversations_of(self, user_id: str, before_pos: int | None, limit: int) -> Sequence[tuple[Conversation, int]]:
        """(conversation, position of its newest message), newest first."""
        ...

    def all_conversations(self, member_id: str | None, after_id: str | None, limit: int) -> Sequence[Conversation]:
        """In the order of their ids; `member_id`: those of one user."""
        ...

    def message(self, message_id: int) -> Message | None: ...
    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None: ...

    def messages(
        self,
        conversation_id: str,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        """At most `limit` messages behind `history_seq`, in ascending `seq`: the first ones after `after_seq`, else the
        last ones before `before_seq`, else the newest."""
        ...

    def readers(self, conversation_id: str, asker_id: str, limit: int) -> Sequence[MessageReader]:
        """Who has read furthest of those who have read anything, the furthest first; without users that have blocked
        the asker."""
        ...

    def least_progress(self, message: Message, asker_id: str) -> tuple[int, int] | None:
        """The `seq` up to which all members but the sender have received, and that up to which they have read, of those
        whom the message is for; None: it is for nobody else. Who has blocked the asker counts as having neither."""
        ...

    def last_messages(self, conversations: Collection[Conversation]) -> Mapping[str, Message]: ...

    @property
    def unreads(self) -> Unreads: ...

    @property
    def sync(self) -> SyncLog: ...

    @property
    def parts(self) -> MessageParts: ...
    @property
    def offers(self) -> Offers: ...
    @property
    def notifications(self) -> Notifications: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def presence(self) -> PresenceTable: ...
    @property
    def files(self) -> Files: ...
    @property
    def answers(self) -> StoredAnswers: ...

    @property
    def restrictions(self) -> Restrictions: ...
    @property
    def invitations(self) -> Invitations: ...
    @property
    def search(self) -> Search: ...
    @property
    def mail(self) -> OfflineQueue: ...
    @property
    def sessions(self) -> Sessions: ...

    def events_after(self, pos: int, limit: int) -> Sequence[Durable]:
        """The log after a position. Messages are given as they are now, not as they were."""
        ...
