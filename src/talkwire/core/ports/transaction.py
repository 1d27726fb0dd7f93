"""The main database interfaces of the chat: a `Transaction` to change it, a `Snapshot` to read it, and a
`LeaseTransaction` for the tables of nodes.

They are synchronous, and each instance is used by one thread only. The storage package implements them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from talkwire.core.commands.accounts import AccountRecord
from talkwire.core.commands.conversations import MemberView
from talkwire.core.commands.receipts import MessageReader, Unread
from talkwire.core.domain.access import AccessFacts
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.events import Durable
from talkwire.core.domain.membership_facts import Memberships
from talkwire.core.domain.model import (
    Account,
    Conversation,
    LoginSession,
    Member,
    Message,
    ProviderIdentity,
    User,
)
from talkwire.core.domain.search.name_search import NameKey, NamePage
from talkwire.core.ports import stores


class Prefetch:
    """The keys of the rows that a batch of commands will look up. Each command's `needs` function adds its keys; then
    `Transaction.prefetch` fetches the rows of each table with one statement."""

    __slots__ = (
        "conversations",
        "files",
        "marked",
        "members",
        "messages",
        "names",
        "sent_messages",
        "unread_notifications",
        "users",
    )

    def __init__(self) -> None:
        self.members: set[tuple[str, str]] = set()
        """Pairs of a conversation's id and a user's id, for the conversation, the user and the membership."""
        self.conversations: set[str] = set()
        """Ids of further conversations."""
        self.users: set[str] = set()
        """Ids of further users, who may not exist."""
        self.sent_messages: set[tuple[str, str, str]] = set()
        """Triples of a conversation's id, a sender's id and a client message id, for a message that may have been sent
        before."""
        self.messages: set[int] = set()
        """Ids of messages."""
        self.marked: set[tuple[str, int]] = set()
        """Pairs of a conversation's id and the id of a message up to which a read or delivery position is to move."""
        self.files: set[str] = set()
        """Ids of files."""
        self.names: set[tuple[str, str]] = set()
        """Pairs of a conversation's id and a casefolded name, handle or id that a member may have."""
        self.unread_notifications: set[tuple[str, str]] = set()
        """Pairs of a conversation's id and a user's id, for the unread notifications of messages."""


class Lookups(AccessFacts, Protocol):
    """The reads that a `Transaction` and a `Snapshot` share."""

    @property
    def now_ms(self) -> int:
        """The current time in milliseconds since 1970: by the database's clock, which all nodes share, or for SQLite by
        that of this machine."""
        ...

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]: ...
    def has_admin(self) -> bool: ...

    def blockers_of(self, user_id: str) -> frozenset[str]:
        """Returns the ids of the users who have blocked this user."""
        ...

    def message(self, message_id: int) -> Message | None: ...
    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None: ...

    @property
    def parts(self) -> stores.MessageParts: ...
    @property
    def threads(self) -> stores.Threads: ...
    @property
    def offers(self) -> stores.Offers: ...
    @property
    def saved(self) -> stores.SavedMessages: ...
    @property
    def ratings(self) -> stores.Ratings: ...
    @property
    def cards(self) -> stores.Cards: ...
    @property
    def notifications(self) -> stores.Notifications: ...
    @property
    def push_subscriptions(self) -> stores.PushSubscriptions: ...
    @property
    def offline_queue(self) -> stores.OfflineQueue: ...
    @property
    def presence(self) -> stores.PresenceTable: ...
    @property
    def files(self) -> stores.Files: ...
    @property
    def restrictions(self) -> stores.Restrictions: ...
    @property
    def invitations(self) -> stores.Invitations: ...
    @property
    def answers(self) -> stores.StoredAnswers: ...
    @property
    def webhooks(self) -> stores.Webhooks: ...
    @property
    def reports(self) -> stores.Reports: ...
    @property
    def audit(self) -> stores.AuditLog: ...
    @property
    def erasures(self) -> stores.Erasures: ...
    @property
    def sessions(self) -> stores.Sessions: ...
    @property
    def teams(self) -> stores.Teams: ...
    @property
    def timers(self) -> stores.Timers: ...
    @property
    def streams(self) -> stores.Streams: ...
    @property
    def turns(self) -> stores.Turns: ...


class Transaction(Lookups, Protocol):
    """A write transaction that has locked the newest position of the log (the ordered record of events), so that nobody
    else can append to it.

    Reads include what earlier commands of the same batch have recorded.
    """

    @property
    def policy(self) -> AccessPolicy:
        """The operator's rules for what users may do, such as creating conversations."""
        ...

    def prefetch(self, needs: Prefetch) -> None:
        """Reads the rows that the commands of a batch will look up, with at most one statement for each table, and
        keeps them for these lookups."""
        ...

    def has_nodes_before(self, revision: int) -> bool:
        """Returns whether a node runs whose version does not know a migration."""
        ...

    def user_with_handle(self, handle: str) -> User | None: ...
    def agents_of(self, owner_id: str) -> Sequence[str]:
        """Returns the ids of the agents that a user owns."""
        ...

    def account(self, email: str) -> Account | None:
        """Returns the account with a casefolded e-mail address."""
        ...

    def account_of(self, user_id: str) -> Account | None: ...
    def provider_identity(self, issuer: str, subject: str) -> ProviderIdentity | None: ...
    def users_without_sign_in(self, email: str) -> Sequence[str]:
        """Returns the ids of users who have this e-mail address, and neither an account nor an identity at an OpenID
        provider. Returns at most two, which is enough to see whether there is exactly one."""
        ...

    def login(self, session_id: str) -> LoginSession | None: ...
    def logins_of(self, user_id: str) -> Sequence[LoginSession]: ...
    def direct_conversation(self, user_id: str, other_id: str) -> Conversation | None: ...
    def has_blocked(self, user_id: str, other_id: str) -> bool: ...
    def members(self, conversation_id: str, user_ids: Collection[str]) -> Mapping[str, Member]: ...
    def members_at(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Member]:
        """Returns those of the memberships (conversation id, user id) that there are."""
        ...

    def next_owner(self, conversation_id: str, leaving_id: str) -> Member | None:
        """Returns the member who becomes the owner when a conversation's owner leaves or is erased: the admin who
        joined first, or else the ordinary member who joined first. Returns None if there is nobody; erased users do not
        count."""
        ...

    def members_named(self, conversation_id: str, folded_names: Collection[str]) -> Mapping[str, Collection[str]]:
        """Returns casefolded name, handle or id -> the ids of the conversation's members who have it. Names that no
        member has are left out."""
        ...

    def seq_of(self, conversation: Conversation, message_id: int) -> int | None:
        """Returns a message's number in the conversation (`seq`), or None if the conversation has no message with this
        id."""
        ...

    def newest_messages(
        self, conversation_id: str, *, after_seq: int, history_seq: int, limit: int
    ) -> Sequence[Message]:
        """Returns the newest messages of a conversation with a number above `after_seq` and `history_seq`, at most
        `limit`, in ascending order."""
        ...

    def newest_message_ms(self, conversation: Conversation) -> int | None:
        """Returns when the newest message of a conversation was sent, in milliseconds since 1970, even if that message
        was deleted. Returns None if the conversation never had a message."""
        ...

    @property
    def cards(self) -> stores.WritableCards: ...
    @property
    def notifications(self) -> stores.WritableNotifications: ...
    @property
    def push_subscriptions(self) -> stores.WritablePushSubscriptions: ...
    @property
    def offline_queue(self) -> stores.WritableOfflineQueue: ...
    @property
    def presence(self) -> stores.WritablePresenceTable: ...
    @property
    def files(self) -> stores.WritableFiles: ...
    @property
    def invitations(self) -> stores.WritableInvitations: ...
    @property
    def answers(self) -> stores.WritableStoredAnswers: ...
    @property
    def webhooks(self) -> stores.WritableWebhooks: ...
    @property
    def audit(self) -> stores.WritableAuditLog: ...
    @property
    def erasures(self) -> stores.WritableErasures: ...
    @property
    def sessions(self) -> stores.WritableSessions: ...
    @property
    def retention(self) -> stores.Retention: ...
    @property
    def teams(self) -> stores.WritableTeams: ...
    @property
    def timers(self) -> stores.WritableTimers: ...
    @property
    def streams(self) -> stores.WritableStreams: ...
    @property
    def turns(self) -> stores.WritableTurns: ...
    @property
    def conversation_keys(self) -> stores.ConversationKeys: ...

    def unread(self, conversation_id: str, user_id: str) -> Unread:
        """Returns a member's unread counts, including this transaction's changes. Raises KeyError if the user is not a
        member."""
        ...

    def unread_after(self, conversation_id: str, user_id: str, seq: int) -> Unread:
        """Returns the unread counts that a member would have with the read position `seq`, including this transaction's
        changes."""
        ...

    def newest_of_others(self, conversation_id: str, user_id: str, after_seq: int) -> int | None:
        """Returns the number (`seq`) of the newest message in the conversation after `after_seq` that another user sent
        and that is neither deleted nor imported.

        Searches only the newest 1000 messages after `after_seq`; returns None if none of them is such a message.
        """
        ...

    def authors(self, conversation_id: str, after_seq: int, up_to_seq: int) -> Sequence[str]:
        """Returns the ids of the users who sent the messages after `after_seq` up to `up_to_seq`. Considers only the
        newest 1000 of these messages."""
        ...

    def has_been_read(self, message: Message) -> bool:
        """Returns whether any member other than the sender has read the message, including this transaction's changes.

        Members who have blocked the sender do not count.
        """
        ...

    def next_pos(self) -> int:
        """Returns the position that the next recorded event will get in the log (the ordered record of events)."""
        ...

    def recorded_since(self, pos: int) -> Sequence[Durable]:
        """Returns the events that this transaction has recorded at position `pos` of the log (the ordered record of
        events) or later."""
        ...

    def record(self, event: Durable) -> None:
        """Appends an event to the log (the ordered record of events), and makes the event's changes in the tables."""
        ...

    def record_all(self, events: Sequence[Durable]) -> None:
        """Does the same with several events of one type, with fewer statements than one by one: `MemberAdded`,
        `MemberRemoved` or `MembershipGroundsChanged`. No two may concern the same membership."""
        ...

    def put_account(self, account: Account) -> None:
        """Stores an account's e-mail address, password hash and role, replacing those stored before. No event is
        recorded for this, because the log must never contain a password's hash."""
        ...

    def put_provider_identity(self, identity: ProviderIdentity) -> None:
        """Stores which user of this server belongs to a user of an OpenID provider. No event is recorded for this, as
        for all sign-in data."""
        ...

    def put_login(self, session: LoginSession) -> None: ...
    def drop_login(self, session_id: str) -> None: ...

    def drop_expired_logins(self, user_id: str) -> None:
        """Deletes the user's sign-ins (devices) that have expired because they were not used for too long."""
        ...


class LeaseTransaction(Protocol):
    """A transaction on the tables of nodes' leases (records of which nodes are alive), and on what ends with a node:
    presence, sessions, calls and pushes. It does not lock the log."""

    @property
    def now_ms(self) -> int:
        """The current time in milliseconds since 1970: by the database's clock, which all nodes share, or for SQLite by
        that of this machine."""
        ...

    @property
    def nodes(self) -> stores.NodeTable: ...
    @property
    def presence(self) -> stores.WritablePresenceTable: ...
    @property
    def sessions(self) -> stores.WritableSessions: ...
    @property
    def calls(self) -> stores.WritableCalls: ...
    @property
    def pushes(self) -> stores.WritablePushes: ...


class Snapshot(Lookups, Protocol):
    """A consistent view of the database's committed data at one moment. It has no method that writes."""

    def head(self) -> tuple[str, int]:
        """Returns (epoch, position of the newest event) of the log. The epoch identifies the log; it changes when a
        backup is restored.

        Raises LogReplaced if the database now holds another log than when the server opened it.
        """
        ...

    def users_after(self, cursor: str | None, limit: int) -> Sequence[User]: ...

    def users_with_handles(self, prefix: str, limit: int) -> Sequence[User]:
        """Returns at most `limit` users whose handles (unique names such as `ann.smith`) start with a prefix, in the
        order of handles."""
        ...

    def users_named(self, folded_text: str, after: NameKey | None, limit: int, *, only_offered: bool) -> NamePage[User]:
        """Returns a page of at most `limit` users whose name starts with the folded `folded_text`, at its beginning
        or at a later word, ordered by the part of the name from there on. `after` is `next` of the previous page, None
        for the first. With `only_offered`, users that are not offered to others (`User.is_offered`) are left out."""
        ...

    def contacts_named(
        self, user_id: str, reach_max: int, folded_text: str, after: NameKey | None, limit: int
    ) -> NamePage[User] | None:
        """Returns a page of at most `limit` users who are offered to others (`User.is_offered`), share a conversation
        with the user `user_id` and whose name starts with the folded `folded_text`, at its beginning or at a later
        word. `after` is `next` of the previous page, None for the first.

        Returns None if that user's conversations have more than `reach_max` members in total: too many to search.
        """
        ...

    def sharing_with(self, user_id: str, other_ids: Collection[str]) -> Collection[str]:
        """Returns which of the users `other_ids` are in a conversation with the user `user_id`."""
        ...

    def logins_of(self, user_id: str, now_ms: int) -> Sequence[LoginSession]:
        """Returns the devices on which the user is signed in at `now_ms`, most recently used first."""
        ...

    def login_addresses(self, user_id: str, now_ms: int) -> frozenset[str]:
        """Returns the network addresses that are recorded for the devices on which the user is signed in."""
        ...

    def account_record(self, email: str) -> AccountRecord | None: ...
    def account_record_of(self, user_id: str) -> AccountRecord | None: ...
    def provider_identities_of(self, user_id: str) -> Sequence[ProviderIdentity]: ...
    def staffed_by(self, user_id: str) -> Collection[str]:
        """Returns the ids of the conversations of which the user is a member through a team."""
        ...

    def memberships(self, user_id: str, conversation_ids: Collection[str]) -> Mapping[str, Member]:
        """Returns conversation id -> the user's membership, without conversations that the user is no member of."""
        ...

    def members_of(self, conversation_ids: Collection[str]) -> Mapping[str, Sequence[MemberView]]: ...
    def memberships_of(self, user_ids: Collection[str]) -> Memberships: ...

    def login_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]: ...
    def blocked_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]: ...

    def blocked_by(self, user_id: str, after_id: str | None, limit: int) -> Sequence[User]:
        """Returns at most `limit` of the users whom a user has blocked, in the order of their ids: those after the id
        `after_id`, or the first ones for None."""
        ...

    def conversations_of(
        self, user_id: str, before_pos: int | None, limit: int, *, archived: bool = False
    ) -> Sequence[tuple[Conversation, int]]:
        """Returns at most `limit` of the user's conversations, newest first, each with the log position that decides
        the order: that of its newest message or offer (proposed price), or that from which the user sees the
        conversation if it is later. `before_pos` is that position for the last entry of the previous page. Leaves out
        conversations in which the user is not listed (`Member.listed`).

        With `archived`, returns only conversations that the user has archived, even if a newer message has arrived in
        them since; otherwise all.
        """
        ...

    def all_conversations(
        self, member_id: str | None, after_id: str | None, limit: int, *, notes: bool = False
    ) -> Sequence[Conversation]:
        """Returns at most `limit` conversations in the order of their ids: those after the id `after_id`, or the first
        ones for None. `member_id` selects the conversations of one user; None selects all. Conversations with the notes
        of teams are among them only with `notes`."""
        ...

    def messages(
        self,
        conversation_id: str,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        """Returns at most `limit` messages of a conversation, in ascending order of their numbers (`seq`). Messages up
        to `history_seq` are left out, because the reader may not see them.

        With `after_seq` these are the first messages after it, with `before_seq` the last ones before it, otherwise the
        newest.
        """
        ...

    def readers(self, conversation_id: str, asker_id: str, limit: int) -> Sequence[MessageReader]:
        """Returns at most `limit` members with their read positions, the furthest first.

        Members who have read nothing, and members who have blocked the user `asker_id`, are left out.
        """
        ...

    def least_progress(self, message: Message, asker_id: str) -> tuple[int, int] | None:
        """Returns (received, read): the `seq` up to which all members other than the sender have received the
        conversation's messages, and up to which all of them have read.

        Only members who can see the message count, and of those who are not listed only the ones that have read it;
        returns None if there are none. Members who have blocked the user `asker_id` count as having received and read
        nothing.
        """
        ...

    def last_messages(self, conversations: Collection[Conversation]) -> Mapping[str, Message]: ...

    @property
    def lists(self) -> stores.ConversationLists: ...
    @property
    def unreads(self) -> stores.Unreads: ...

    @property
    def sync(self) -> stores.SyncLog: ...

    @property
    def notices(self) -> stores.Notices: ...
    @property
    def pushes(self) -> stores.Pushes: ...
    @property
    def calls(self) -> stores.Calls: ...

    @property
    def search(self) -> stores.Search: ...
    @property
    def exports(self) -> stores.ExportReads: ...
    @property
    def console(self) -> stores.ConsoleReads: ...

    def events_after(self, pos: int, limit: int) -> Sequence[Durable]:
        """Returns at most `limit` events after a position of the log (the ordered record of events). Their messages are
        in their current state, not in the state at the time of the event."""
        ...
