"""The database interfaces of the chat: a `Transaction` to change it, a `Snapshot` to read it.

Both are synchronous and belong to one thread. The storage package implements them.
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
    Erasures,
    ExportReads,
    Files,
    Invitations,
    MessageParts,
    NodeTable,
    Notifications,
    Offers,
    OfflineQueue,
    PresenceTable,
    Pushes,
    PushSubscriptions,
    Restrictions,
    Retention,
    Search,
    Sessions,
    StoredAnswers,
    SyncLog,
    Unreads,
    Webhooks,
)


class Prefetch:
    """The keys that a batch of commands will look up, so that each kind is fetched with one statement."""

    __slots__ = ("files", "marked", "members", "messages", "names", "sent_messages", "unread_notifications")

    def __init__(self) -> None:
        self.members: set[tuple[str, str]] = set()
        """(conversation id, user id): the conversation, the user and the membership"""
        self.sent_messages: set[tuple[str, str, str]] = set()
        """(conversation id, sender id, client message id): a message that may have been sent before"""
        self.messages: set[int] = set()
        """ids"""
        self.marked: set[tuple[str, int]] = set()
        """(conversation id, message id): a message up to which a cursor is to move"""
        self.files: set[str] = set()
        """ids"""
        self.names: set[tuple[str, str]] = set()
        """(conversation id, casefolded name or id that a member may have)"""
        self.unread_notifications: set[tuple[str, str]] = set()
        """(conversation id, user id): the unread notifications of messages"""


class Transaction(Protocol):
    """A write transaction at the head of the log, which is locked.

    Reads include what earlier commands of the same batch have recorded.
    """

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

    def next_owner(self, conversation_id: str, leaving_id: str) -> Member | None:
        """Returns the member who inherits a conversation when its owner leaves or is erased: the admin who joined
        first, else the member. Erased users inherit nothing."""
        ...

    def members_named(self, conversation_id: str, folded_names: Collection[str]) -> Mapping[str, Collection[str]]:
        """Returns casefolded name or id -> the ids of the members it fits."""
        ...

    def message(self, message_id: int) -> Message | None: ...

    def seq_of(self, conversation: Conversation, message_id: int) -> int | None:
        """Returns the `seq` of a message, None if the conversation has no such message."""
        ...

    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None: ...

    def newest_message_ms(self, conversation: Conversation) -> int | None:
        """Returns when the newest message of a conversation was sent, in milliseconds since 1970, also if it was
        deleted."""
        ...

    @property
    def parts(self) -> MessageParts: ...
    @property
    def offers(self) -> Offers: ...
    @property
    def notifications(self) -> Notifications: ...
    @property
    def push_subscriptions(self) -> PushSubscriptions: ...
    @property
    def offline_queue(self) -> OfflineQueue: ...
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
    @property
    def webhooks(self) -> Webhooks: ...

    def unread(self, conversation_id: str, user_id: str) -> Unread:
        """Returns a member's unread counts, including this transaction's changes."""
        ...

    def unread_after(self, conversation_id: str, user_id: str, seq: int) -> Unread:
        """Returns the unread counts a member would have with the read position `seq`, including this transaction's
        changes."""
        ...

    def newest_of_others(self, conversation_id: str, user_id: str, after_seq: int) -> int | None:
        """Returns the `seq` of the newest message after `after_seq` from another sender, neither deleted nor imported.

        Only the conversation's newest messages are searched; None if there is none among them.
        """
        ...

    def authors(self, conversation_id: str, after_seq: int, up_to_seq: int) -> Sequence[str]:
        """Returns the senders of the newest messages in the given range of `seq`."""
        ...

    def has_been_read(self, message: Message) -> bool:
        """Returns whether a user other than the sender has read the message, including this transaction's changes.

        Users who have blocked the sender do not count.
        """
        ...

    @property
    def retention(self) -> Retention: ...
    @property
    def erasures(self) -> Erasures: ...
    @property
    def sessions(self) -> Sessions: ...

    def next_pos(self) -> int:
        """Returns the log position that the next recorded event must have."""
        ...

    def record(self, event: Durable) -> None:
        """Appends the event to the log and applies it to the tables."""
        ...

    def put_account(self, account: Account) -> None:
        """Stores sign-in data. There is no event for it, because the log must never contain a password's hash."""
        ...

    def put_login(self, session: LoginSession) -> None: ...
    def drop_login(self, session_id: str) -> None: ...

    def drop_expired_logins(self, user_id: str) -> None:
        """Deletes the user's signed-in devices that were not used before they expired."""
        ...


class LeaseTransaction(Protocol):
    """A transaction on the tables of leases and of what ends with them. It does not lock the head of the log."""

    @property
    def now_ms(self) -> int:
        """The current time by the database's clock, which all nodes share."""
        ...

    @property
    def nodes(self) -> NodeTable: ...
    @property
    def presence(self) -> PresenceTable: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def pushes(self) -> Pushes: ...


class Snapshot(Protocol):
    """A consistent, read-only view of the committed data."""

    @property
    def now_ms(self) -> int:
        """The current time by the database's clock, which all nodes share."""
        ...

    def head(self) -> tuple[str, int]:
        """Returns (epoch, position of the newest event). Raises LogReplaced if the database holds another log than
        before."""
        ...

    def user(self, user_id: str) -> User | None: ...
    def users(self, user_ids: Collection[str]) -> Mapping[str, User]: ...
    def users_after(self, cursor: str | None, limit: int) -> Sequence[User]: ...

    def users_named(
        self, folded_prefix: str, after: tuple[str, str] | None, limit: int, *, with_banned: bool = False
    ) -> Sequence[User]:
        """Returns users whose casefolded name starts with the prefix, in the order of (name, id). `after` is such a
        pair."""
        ...

    def contacts_named(
        self, user_id: str, reach_max: int, folded_prefix: str, after: tuple[str, str] | None, limit: int
    ) -> Sequence[User] | None:
        """As `users_named`, but only users who share a conversation with the user.

        Returns None if the user's conversations together have more than `reach_max` members.
        """
        ...

    def sharing_with(self, user_id: str, other_ids: Collection[str]) -> Collection[str]:
        """Returns which of `other_ids` share a conversation with the user."""
        ...

    def logins_of(self, user_id: str, now_ms: int) -> Sequence[LoginSession]:
        """Returns the signed-in devices, most recently used first."""
        ...

    def login_addresses(self, user_id: str, now_ms: int) -> frozenset[str]:
        """Returns the known addresses of the signed-in devices."""
        ...

    def account_record(self, email: str) -> AccountRecord | None: ...
    def account_record_of(self, user_id: str) -> AccountRecord | None: ...
    def conversation(self, conversation_id: str) -> Conversation | None: ...
    def member(self, conversation_id: str, user_id: str) -> Member | None: ...
    def memberships(self, user_id: str, conversation_ids: Collection[str]) -> Mapping[str, Member]:
        """Returns conversation id -> the user's membership, for the conversations that the user is in."""
        ...

    def members_of(self, conversation_ids: Collection[str]) -> Mapping[str, Sequence[MemberView]]: ...
    def memberships_of(self, user_ids: Collection[str]) -> Memberships: ...

    def login_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]: ...
    def blocked_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]: ...

    def blockers_of(self, user_id: str) -> frozenset[str]:
        """Returns the ids of the users who have blocked this user."""
        ...

    def blocked_by(self, user_id: str, after_id: str | None, limit: int) -> Sequence[User]:
        """Returns the users whom a user has blocked, in the order of their ids."""
        ...

    def conversations_of(self, user_id: str, before_pos: int | None, limit: int) -> Sequence[tuple[Conversation, int]]:
        """Returns (conversation, position of its newest message), newest first."""
        ...

    def all_conversations(self, member_id: str | None, after_id: str | None, limit: int) -> Sequence[Conversation]:
        """Returns conversations in the order of their ids; only those of the user `member_id` if it is set."""
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
        """Returns at most `limit` messages after `history_seq`, in ascending `seq`.

        These are the first ones after `after_seq`, else the last ones before `before_seq`, else the newest.
        """
        ...

    def readers(self, conversation_id: str, asker_id: str, limit: int) -> Sequence[MessageReader]:
        """Returns the members who have read furthest, furthest first, without members who have read nothing and users
        who have blocked the asker."""
        ...

    def least_progress(self, message: Message, asker_id: str) -> tuple[int, int] | None:
        """Returns the `seq` up to which all other members have received, and up to which they have read.

        Only members who can see the message count; None if there is nobody but the sender. Members who have blocked the
        asker count as having received and read nothing.
        """
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
    def push_subscriptions(self) -> PushSubscriptions: ...
    @property
    def pushes(self) -> Pushes: ...
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
    def webhooks(self) -> Webhooks: ...
    @property
    def search(self) -> Search: ...
    @property
    def exports(self) -> ExportReads: ...
    @property
    def erasures(self) -> Erasures: ...
    @property
    def offline_queue(self) -> OfflineQueue: ...
    @property
    def sessions(self) -> Sessions: ...

    def events_after(self, pos: int, limit: int) -> Sequence[Durable]:
        """Returns events after a position of the log. Messages in them are in their current state, not in that of the
        event."""
        ...
