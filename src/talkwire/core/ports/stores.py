"""What single features ask of a database, beside what all share (`transaction.py`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from talkwire.core.commands.calls import CallRecord
from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.commands.messages import MessageVersion
from talkwire.core.commands.receipts import Unread
from talkwire.core.commands.server.offline_queue import Arrival, Mail
from talkwire.core.commands.server.recovery import StoredSession
from talkwire.core.domain.events import Durable
from talkwire.core.domain.model import (
    Conversation,
    File,
    HistoryStart,
    Invitation,
    MemberPreferences,
    Message,
    Notification,
    Offer,
    Preferences,
    PresenceRecord,
    Reaction,
    Restriction,
    RestrictionKind,
    Upload,
)
from talkwire.core.domain.peer import Peer
from talkwire.core.domain.search_terms import SearchScope, SearchTerms


class StoredAnswer(msgspec.Struct, frozen=True):
    """What a command was answered with, as JSON, and a hash of the command."""

    command_hash: int
    result: str
    expires_ms: int


class StoredAnswers(Protocol):
    """Answers by `Idempotency-Key`. A snapshot's are only read."""

    def find(self, key: IdempotencyKey) -> StoredAnswer | None: ...
    def keep(self, key: IdempotencyKey, answer: StoredAnswer) -> None: ...
    def drop_expired(self, now_ms: int) -> None: ...


class MessageParts(Protocol):
    """What messages have beside themselves: versions, replies, reactions, pins."""

    def versions(self, message_id: int, before_number: int | None, limit: int) -> Sequence[MessageVersion]:
        """The last ones of what an edited message said before, ascending."""
        ...

    def replies(
        self,
        root_id: int,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        """As `Snapshot.messages`, of one thread."""
        ...

    def pinned(
        self, conversation_id: str, history_seq: int, before: tuple[int, int] | None, limit: int
    ) -> Sequence[Message]:
        """The newest pin first; `before` is one's (time, message id)."""
        ...

    def count_pinned(self, conversation_id: str) -> int: ...
    def has_reacted(self, message_id: int, user_id: str, emoji: str) -> bool: ...

    def reactions_without(self, message_id: int, user_id: str, emoji: str) -> Sequence[Reaction]:
        """What a message's reactions are once one of them is taken back."""
        ...


class Retention(Protocol):
    def prune(self, before_ms: int, limit: int) -> bool:
        """Makes tombstones of the oldest messages and forgets the oldest events, at most `limit` of both, up to the
        first that is not from before `before_ms`; and of imported messages from before that time. Returns whether there
        may be more."""
        ...


class Search(Protocol):
    """Read behind the log: what was just sent may be missing, what was just deleted may still be proposed."""

    def proposals(self, terms: SearchTerms, scope: SearchScope, before_id: int | None, limit: int) -> Sequence[int]:
        """Ids of messages in the scope that may hold the terms, newest first; all that do, as far as they are
        indexed."""
        ...

    def messages(self, message_ids: Collection[int]) -> Sequence[Message]:
        """As they are now, newest first."""
        ...

    def public_conversations(self, after_id: str | None, limit: int) -> Sequence[Conversation]:
        """In the order of their ids."""
        ...


class Offers(Protocol):
    def find(self, offer_id: int) -> Offer | None: ...

    def of_conversation(
        self, conversation_id: str, after_pos: int, before_id: int | None, limit: int
    ) -> Sequence[Offer]:
        """Returns those that were made after a log position, the newest first."""
        ...

    def due(self, now_ms: int, limit: int) -> Sequence[Offer]:
        """Pending ones whose time has come."""
        ...

    def next_due_ms(self) -> int | None: ...


class Notifications(Protocol):
    """Preferences, and stored notifications. A snapshot's are only read."""

    def preferences(self, user_ids: Collection[str]) -> Mapping[str, Preferences]:
        """Of those who have said what they want."""
        ...

    def member_preferences(self, user_ids: Collection[str]) -> Mapping[str, Mapping[str, MemberPreferences]]:
        """User id -> conversation id -> what they want to hear there, where that is not the usual."""
        ...

    def of_user(
        self, user_id: str, since_ms: int, before_id: int | None, limit: int, *, unread: bool
    ) -> Sequence[Notification]:
        """The newest first, as their subjects are now."""
        ...

    def count_unread(self, user_id: str, since_ms: int) -> int:
        """Returns how many of those that `of_user` finds are unread."""
        ...

    def unread_of_messages(self, conversation_id: str, user_id: str, message_id: int) -> Sequence[int]:
        """Returns the ids of the unread ones of the conversation's messages up to this one."""
        ...

    def mark_read(self, user_id: str, ids: Collection[int] | None, now_ms: int) -> Collection[int]:
        """Returns the ids of those that were unread. None: all."""
        ...


class OfflineQueue(Protocol):
    """What waits for users who are not there. A snapshot's is only read."""

    def position(self, user_id: str) -> int:
        """Up to where in the log the user was told of messages; 0: of none."""
        ...

    def stored(self, user_id: str, after_id: int, since_ms: int, limit: int) -> Sequence[Mail]:
        """The oldest that are newer than `since_ms`, in their order."""
        ...

    def missed(self, user_id: str, after_pos: int, since_ms: int, limit: int) -> Sequence[int]:
        """The ids of the newest messages of others, in conversations that the user has not muted, which they have not
        read; in their order."""
        ...

    def keep(self, user_ids: Collection[str], event: str, payload: str, now_ms: int) -> None: ...
    def keep_newest(self, user_ids: Collection[str], kept: int) -> None: ...

    def forget(self, before_ms: int) -> None:
        """Some of what is from before then."""
        ...

    def confirm(self, arrivals: Collection[Arrival]) -> None:
        """Moves positions forward, never back, and removes the mail that has arrived."""
        ...


class LeaseRecord(msgspec.Struct, frozen=True):
    """A node is taken to be alive until then, and has been without a break `since_ms`. `pos`: up to where it had handed
    the log out `renewed_ms`. Milliseconds since 1970."""

    until_ms: int
    since_ms: int
    pos: int = 0
    renewed_ms: int = 0


class DeadNode(NamedTuple):
    """A node that is no more; its users are offline since then."""

    node_id: str
    ended_ms: int


class NodeTable(Protocol):
    """The nodes that run."""

    def lease(self, node_id: str) -> LeaseRecord | None:
        """Nobody else changes it before this transaction ends."""
        ...

    def lives(self, node_id: str, now_ms: int) -> bool: ...
    def put_lease(self, node: Peer, lease: LeaseRecord) -> None: ...
    def living(self, now_ms: int) -> Sequence[Peer]: ...

    def stop(self, node_id: str, now_ms: int, users_until_ms: int) -> None:
        """The node's lease is over, and its users are offline later."""
        ...

    def overdue(self, node_id: str, now_ms: int | None) -> Sequence[str]:
        """The other nodes that are over by then; None: all others."""
        ...

    def drop(self, node_id: str, overdue_ms: int | None) -> int | None:
        """Forgets a node, unless its lease goes on beyond `overdue_ms`. Answers until when it had one; None: it was not
        there, or is alive."""
        ...

    def left_behind(self) -> DeadNode | None:
        """A node that was forgotten, and whose users were not."""
        ...


class Calls(Protocol):
    """The calls that go on, at most one a conversation."""

    def claim(self, record: CallRecord) -> CallRecord | None:
        """Notes a call, unless another one goes on in its conversation. Answers the one that goes on now; None: another
        one has just ended."""
        ...

    def find(self, conversation_id: str) -> CallRecord | None: ...

    def ring(self, conversation_id: str, node_id: str, ringing_ids: Sequence[str]) -> None:
        """For whom a call of that node rings now."""
        ...

    def drop(self, conversation_id: str, node_id: str) -> bool:
        """Whether that node had a call there."""
        ...

    def drop_of(self, node_id: str) -> Sequence[CallRecord]:
        """Forgets those that a node carried on, and answers which they were."""
        ...


class OnlineRow(NamedTuple):
    """A user who is online on a node; `away`: all of their devices there are."""

    user_id: str
    node_id: str
    away: bool


class PresenceTable(Protocol):
    """Who is online on which node, and what users chose. Times are in milliseconds since 1970. A snapshot's is only
    read."""

    def records(self, user_ids: Collection[str]) -> Mapping[str, PresenceRecord]: ...

    def choose(self, record: PresenceRecord) -> None:
        """What a user chose; without `last_seen_ms`, when they were seen stays."""
        ...

    def see(self, seen: Mapping[str, int | None]) -> None:
        """When others saw them last. None: others did not see them, and do not learn that they were here. So it is for
        who is invisible by now."""
        ...

    def lock(self) -> None:
        """From here to the end of this transaction nobody else changes who is online where."""
        ...

    def online(self, user_ids: Collection[str]) -> Sequence[OnlineRow]:
        """On all nodes."""
        ...

    def arrive(self, node_id: str, users: Collection[tuple[str, bool]], pos: int) -> None:
        """(user id, whether they are away): they are online there. Those who were not before came when the log was at
        `pos`."""
        ...

    def tell_from(self, node_id: str, user_ids: Collection[str], pos: int | None) -> None:
        """Those of them who are online there have a socket without a break since the log was at `pos`; None: they have
        none."""
        ...

    def depart(self, node_id: str, user_ids: Collection[str]) -> None: ...

    def drop_node(self, node_id: str) -> Sequence[str]:
        """Forgets the node's users, and answers who they were."""
        ...

    def drop_some(self, node_id: str, limit: int) -> Sequence[OnlineRow]:
        """Forgets at most so many of the node's users."""
        ...

    def online_elsewhere_after(self, node_id: str, after: str | None, limit: int) -> Sequence[str]:
        """Everyone who is online on another node, in the order of their ids, from the one after `after` on."""
        ...

    def connected_after(self, node_id: str, after: str | None, limit: int, now_ms: int) -> Sequence[str]:
        """The same of other nodes that live."""
        ...

    def connected_elsewhere(self, user_ids: Collection[str], node_id: str, now_ms: int) -> Collection[str]:
        """Those who are online on another node that lives."""
        ...

    def acquaintances(self, user_id: str, other_ids: Collection[str]) -> Collection[str]:
        """Those of `other_ids` who share a conversation with the user, without a block in either direction."""
        ...

    def contacts(self, user_id: str, members_max: int, limit: int) -> Sequence[str]:
        """Those who share a direct conversation, or a group of at most `members_max`, without a block in either
        direction; in the order of their ids."""
        ...


class ExpiredUploads(NamedTuple):
    """Uploads that have expired by `now_ms`, in one of these folders or in none; those in other folders too when they
    have expired by `lost_ms`."""

    now_ms: int
    lost_ms: int
    folder_ids: tuple[str, ...]


class Files(Protocol):
    """Files, uploads under way, and which messages that are not deleted show them to whom. A snapshot's are only
    read."""

    def of_ids(self, file_ids: Collection[str]) -> Mapping[str, File]:
        """The finished ones among them."""
        ...

    def is_attached(self, file_id: str) -> bool:
        """Whether a message has it attached."""
        ...

    def attached_among(self, file_ids: Collection[str]) -> Collection[str]:
        """Those that a message has attached."""
        ...

    def pictures_among(self, urls: Collection[tuple[str, str]]) -> frozenset[str]:
        """Of (user id, address) the addresses that are the user's own picture, or that of a conversation that the user
        is in."""
        ...

    def is_due(self, file_id: str, now_ms: int) -> bool:
        """Whether something that referred to it has stopped doing so, or nothing has for too long; or whether that has
        to be looked at."""
        ...

    def due_files(self, now_ms: int, limit: int) -> Collection[str]:
        """The ids of such files, the longest due first; nobody else changes them until this transaction ends."""
        ...

    def keep(self, file_ids: Collection[str]) -> None:
        """They are not due any more."""
        ...

    def stored_bytes(self, owner_id: str, expired_since_ms: int) -> int:
        """Returns how many bytes a user's files have, and uploads are to have. An upload that expired after
        `expired_since_ms` counts until it is forgotten."""
        ...

    def is_shown_to(self, file_id: str, user_id: str) -> bool:
        """Whether a message has it attached that this user may see as a member."""
        ...

    def upload(self, upload_id: str) -> Upload | None: ...
    def uploads_among(self, upload_ids: Collection[str]) -> frozenset[str]: ...

    def count_uploads(self, owner_id: str, now_ms: int) -> int:
        """A user's uploads that have not expired."""
        ...

    def expired_uploads(self, which: ExpiredUploads, limit: int) -> Sequence[str]:
        """Returns the ids of those that nobody has claimed: first those never claimed, the oldest first, then those
        whose claim ended longest ago."""
        ...

    def claim_uploads(self, upload_ids: Collection[str], until_ms: int) -> None: ...

    def unplaced(self, after_id: str, limit: int) -> Sequence[str]:
        """Returns the ids of files without a folder id, in their order."""
        ...

    def place(self, file_ids: Collection[str], folder_id: str) -> None:
        """Gives files that have no folder id this one."""
        ...

    def put(self, file: File, due_ms: int) -> None:
        """`due_ms`: when it is looked at whether anything refers to it."""
        ...

    def drop(self, file_id: str) -> None: ...

    def put_upload(self, upload: Upload) -> None:
        """In the place of one with the same id."""
        ...

    def expire_upload(self, upload_id: str, now_ms: int) -> None: ...
    def drop_uploads(self, upload_ids: Collection[str]) -> None: ...


class Invitations(Protocol):
    """Links by which people join. A snapshot's are only read."""

    def find(self, invitation_id: str) -> Invitation | None: ...
    def with_code(self, code_hash: str) -> Invitation | None: ...

    def created_by(self, creator_id: str | None, before_id: str | None, limit: int) -> Sequence[Invitation]:
        """Returns a user's invitations, the newest first; None: those of all."""
        ...

    def drop_expired(self, before_ms: int) -> None:
        """Forgets those that had expired by then."""
        ...


class Restrictions(Protocol):
    """Whom moderators have muted or banned in a conversation."""

    def find(self, conversation_id: str, user_id: str, kind: RestrictionKind) -> Restriction | None: ...

    def on_users(self, conversation_id: str, user_ids: Collection[str]) -> Sequence[Restriction]:
        """Of both kinds, also those that have ended by themselves."""
        ...

    def of_keys(self, keys: Collection[tuple[str, str]]) -> Sequence[Restriction]:
        """`on_users` for (conversation id, user id) pairs of several conversations."""
        ...

    def of_conversation(
        self, conversation_id: str, kind: RestrictionKind, now_ms: int, after_id: str | None, limit: int
    ) -> Sequence[Restriction]:
        """Those that have not ended, by user id."""
        ...


class Unreads(Protocol):
    """How much somebody has not read: derived, each time it is asked."""

    def of(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Unread]:
        """(conversation id, user id) -> what is unread, for those who are members."""
        ...


class SyncLog(Protocol):
    """The log as far as it concerns one user."""

    def events_of(self, user_id: str, after_pos: int, limit: int) -> Sequence[tuple[Durable, HistoryStart]]:
        """Returns at most `limit` events after a position, in order, each with the user's history in its conversation
        now. Of conversations that they are not in now, there are only the events that ended their memberships."""
        ...

    def with_covered(self, events: Sequence[Durable]) -> Sequence[Durable]:
        """The same events, those of moved cursors (`MessagesRead`, `MessagesDelivered`) with the messages that they
        covered, which the log does not hold: for dialects that tell the authors of these."""
        ...

    def count_of(self, user_id: str, after_pos: int, limit: int) -> int:
        """How many `events_of` finds."""
        ...

    def looks_of_contacts(self, user_id: str, members_max: int, after_pos: int, limit: int) -> Sequence[Durable]:
        """The first times after a position that one of the user's contacts (`PresenceTable.contacts`) changed how
        others see them."""
        ...

    def floor(self) -> int:
        """Events up to this position have been pruned."""
        ...


class Sessions(Protocol):
    """What is stored of recoverable sessions, by the id of their sockets. Times are in milliseconds since 1970. A
    snapshot's is only read."""

    def ensure_secret(self, name: str, value: str) -> str:
        """The stored one; without one, `value` is stored."""
        ...

    def put(self, socket_id: str, node_id: str, ended_ms: int | None, now_ms: int) -> None:
        """The session goes on at this node, or was ended on purpose there."""
        ...

    def keep_room(self, socket_id: str, conversation_id: str, opened: bool | None, now_ms: int) -> None:  # noqa: FBT001
        """None forgets it."""
        ...

    def node_ended(self, node_id: str, ended_ms: int) -> None: ...

    def refresh(self, socket_ids: Collection[str], now_ms: int) -> None:
        """What is stored of these is still needed."""
        ...

    def prune(self, before_ms: int) -> None:
        """Forgets what was not needed since then."""
        ...

    def find(self, socket_id: str, node_id: str, now_ms: int) -> StoredSession: ...
