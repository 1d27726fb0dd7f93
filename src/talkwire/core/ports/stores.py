"""The database interfaces of single features. `transaction.py` has what all features share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from talkwire.core.commands.calls import CallRecord
from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.commands.messages import MessageVersion
from talkwire.core.commands.receipts import Unread
from talkwire.core.commands.server.erasure import ErasureStep, LogRow, PendingErasure
from talkwire.core.commands.server.offline_queue import Arrival, Mail
from talkwire.core.commands.server.pushes import PushJob, PushResult
from talkwire.core.commands.server.recovery import StoredSession
from talkwire.core.commands.sync import LogFilter
from talkwire.core.domain.events import Durable
from talkwire.core.domain.integration.webhooks import Webhook, WebhookAttempt, WebhookSigning
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
    PushSubscription,
    Reaction,
    Restriction,
    RestrictionKind,
    Upload,
    User,
)
from talkwire.core.domain.peer import Peer
from talkwire.core.domain.search_terms import SearchScope, SearchTerms


class StoredAnswer(msgspec.Struct, frozen=True):
    """The stored result of a command as JSON, with a hash of the command."""

    command_hash: int
    result: str
    expires_ms: int


class StoredAnswers(Protocol):
    """The stored results of requests with an `Idempotency-Key`. Read-only in a snapshot."""

    def find(self, key: IdempotencyKey) -> StoredAnswer | None: ...
    def keep(self, key: IdempotencyKey, answer: StoredAnswer) -> None: ...
    def drop_expired(self, now_ms: int) -> None: ...


class MessageParts(Protocol):
    """The versions, replies, reactions and pins of messages."""

    def versions(self, message_id: int, before_number: int | None, limit: int) -> Sequence[MessageVersion]:
        """Returns earlier versions of an edited message, ascending: the last `limit` ones before `before_number`."""
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
        """Returns at most `limit` messages of one thread: the first ones after `after_seq`, or the last ones before
        `before_seq`. Messages up to `history_seq` are left out: the reader may not see them.
        """
        ...

    def pinned(
        self, conversation_id: str, history_seq: int, before: tuple[int, int] | None, limit: int
    ) -> Sequence[Message]:
        """Returns the pinned messages, newest pin first, after the pin with the (time, message id) `before`."""
        ...

    def count_pinned(self, conversation_id: str) -> int: ...
    def has_reacted(self, message_id: int, user_id: str, emoji: str) -> bool: ...

    def reactions_without(self, message_id: int, user_id: str, emoji: str) -> Sequence[Reaction]:
        """Returns a message's reactions as they are after removing one user's reaction."""
        ...


class Retention(Protocol):
    def prune(self, before_ms: int, limit: int) -> bool:
        """Deletes the content of old messages, and old events from the log.

        Handles at most `limit` messages and events, oldest first, until the first one from after `before_ms`; also
        imported messages sent before that time. Returns whether there may be more.

        Messages of held users, and of conversations with a retention time of their own, are left to `prune_apart`.
        """
        ...

    def prune_apart(self, now_ms: int, retention_ms: int | None, after_id: str, limit: int) -> str | None:
        """Deletes the content of old messages in some of the conversations that have, or had, their own retention time.

        Visits them in the order of their ids, after `after_id`, and clears at most `limit` messages. `retention_ms` is
        for conversations without a time of their own. Returns the id to continue after, or None at the end.
        """
        ...

    def held_conversations(self, user_id: str) -> Sequence[str]:
        """Returns some of the conversations on hold that the user is or was a member of."""
        ...

    def held_members(self, conversation_id: str) -> Sequence[User]:
        """Returns some of the users on hold that are or were members of a conversation."""
        ...


class Search(Protocol):
    """The search index. It follows the log with a delay: new messages may be missing, and deleted ones still be
    found."""

    def candidate_ids(
        self, terms: SearchTerms, scope: SearchScope, before_id: int | None, limit: int, *, roughly: bool
    ) -> Sequence[int]:
        """Returns ids of messages in the scope that may match the terms, newest first.

        All indexed messages that match are included; callers check the texts. With `roughly` many others may be
        included too, where finding the newest of them is much cheaper than finding all that match.
        """
        ...

    def messages(self, message_ids: Collection[int]) -> Sequence[Message]:
        """Returns the messages in their current state, newest first."""
        ...

    def public_conversations(self, after_id: str | None, limit: int) -> Sequence[Conversation]:
        """Returns public conversations in the order of their ids."""
        ...


class Erasures(Protocol):
    """The erasures of users that are not finished. Read-only in a snapshot."""

    def next_pending(self) -> PendingErasure | None: ...
    def pending(self, user_id: str) -> PendingErasure | None: ...

    def texts(self, pending: PendingErasure) -> ErasureStep:
        """Returns the next messages of the user, copies of them, messages with reactions of the user, and offers."""
        ...

    def log_rows(self, pending: PendingErasure) -> ErasureStep:
        """Returns the next events of the log that contain texts of the user, without them."""
        ...

    def put(self, pending: PendingErasure) -> None: ...
    def end(self, user_id: str) -> None: ...

    def forget_client_ids(self, user_id: str, message_ids: Collection[int]) -> None:
        """Removes the client message ids of the user's tombstones among these, and the words of all of them from the
        search index."""
        ...

    def rewrite_log(self, rows: Sequence[LogRow]) -> None: ...

    def owned_conversations(self, user_id: str) -> Sequence[str]:
        """Returns some of the conversations that the user owns as a member."""
        ...

    def drop_rows(self, user_id: str) -> bool:
        """Deletes some of the user's notifications, and of the stored answers that mention the user. Returns whether
        there may be more."""
        ...


class ExportReads(Protocol):
    """What only exports read. Each list is in the order of its ids, after the given one."""

    def former_conversations(self, user_id: str) -> Sequence[str]:
        """Returns the conversations that the user has left and that still exist."""
        ...

    def messages_from(self, conversation_id: str, user_id: str, after_seq: int, limit: int) -> Sequence[Message]:
        """Returns messages that one user has sent, oldest first."""
        ...

    def files_of(self, owner_id: str, after_id: str, limit: int) -> Sequence[File]: ...
    def files_in(self, conversation_id: str, after_id: str, limit: int) -> Sequence[File]: ...


class Offers(Protocol):
    def find(self, offer_id: int) -> Offer | None: ...

    def of_conversation(
        self, conversation_id: str, after_pos: int, before_id: int | None, limit: int
    ) -> Sequence[Offer]:
        """Returns the offers made after a log position, newest first."""
        ...

    def due(self, now_ms: int, limit: int) -> Sequence[Offer]:
        """Returns pending offers that have expired by `now_ms`."""
        ...

    def next_due_ms(self) -> int | None: ...


class Notifications(Protocol):
    """Notification settings and stored notifications. Read-only in a snapshot."""

    def preferences(self, user_ids: Collection[str]) -> Mapping[str, Preferences]:
        """Returns the settings of the users who have changed them."""
        ...

    def member_preferences(self, user_ids: Collection[str]) -> Mapping[str, Mapping[str, MemberPreferences]]:
        """Returns user id -> conversation id -> settings, only where they differ from the default."""
        ...

    def of_user(
        self, user_id: str, since_ms: int, before_id: int | None, limit: int, *, unread: bool
    ) -> Sequence[Notification]:
        """Returns notifications, newest first, in their current state."""
        ...

    def count_unread(self, user_id: str, since_ms: int) -> int:
        """Returns how many of the notifications that `of_user` finds are unread."""
        ...

    def unread_of_messages(self, conversation_id: str, user_id: str, message_id: int) -> Sequence[int]:
        """Returns the ids of unread notifications about messages of the conversation, up to and including
        `message_id`."""
        ...

    def mark_read(self, user_id: str, ids: Collection[int] | None, now_ms: int) -> Collection[int]:
        """Marks notifications as read and returns the ids of those that were unread. `ids` None means all."""
        ...

    def of_keys(self, keys: Collection[tuple[str, int]]) -> Sequence[tuple[Notification, str | None]]:
        """Returns the notifications of these keys, (user id, notification id), that their users may see now, each with
        the name of its conversation, without those of deleted messages."""
        ...


class PushSubscriptions(Protocol):
    """The devices that receive pushes. Read-only in a snapshot."""

    def find(self, subscription_id: str) -> PushSubscription | None: ...

    def of_user(self, user_id: str) -> Sequence[PushSubscription]:
        """Returns the user's subscriptions, most recently renewed first."""
        ...

    def put(self, subscription: PushSubscription, service: str) -> None:
        """Stores a subscription, replacing the one with the same id. `service` is what the push service is known by."""
        ...

    def drop(self, subscription_ids: Collection[str]) -> None:
        """Deletes subscriptions, with what was to be sent to them."""
        ...


class Pushes(Protocol):
    """What is sent to subscriptions. Times are in milliseconds since 1970. Read-only in a snapshot."""

    def next_due_ms(self) -> int | None:
        """Returns from when on there is something to send, None if there is nothing."""
        ...

    def claim(self, now_ms: int, until_ms: int, limit: int, busy_services: Collection[str]) -> Sequence[PushJob]:
        """Returns what there is to send to at most `limit` subscriptions, which nobody else gets before `until_ms`.

        Subscriptions whose sign-in has ended are deleted instead.
        """
        ...

    def release(self, now_ms: int) -> None:
        """Ends the claims of subscriptions that do not wait after a failure."""
        ...

    def record(self, results: Collection[PushResult], now_ms: int) -> None:
        """Stores what became of claimed jobs."""
        ...


class OfflineQueue(Protocol):
    """The items stored for offline users until their devices receive them. Read-only in a snapshot."""

    def position(self, user_id: str) -> int:
        """Returns the log position up to which the user has received messages; 0 for none."""
        ...

    def stored(self, user_id: str, after_id: int, since_ms: int, limit: int) -> Sequence[Mail]:
        """Returns the oldest stored items with an id above `after_id` that are newer than `since_ms`, in order."""
        ...

    def missed(self, user_id: str, after_pos: int, since_ms: int, limit: int) -> Sequence[int]:
        """Returns the ids of messages that the user has missed, in order: the newest `limit` ones.

        These are unread messages of other users, in conversations that the user has not muted.
        """
        ...

    def keep(self, user_ids: Collection[str], event: str, payload: str, now_ms: int) -> None: ...
    def keep_newest(self, user_ids: Collection[str], kept: int) -> None: ...

    def forget(self, before_ms: int) -> None:
        """Deletes some of the items from before `before_ms`."""
        ...

    def confirm(self, arrivals: Collection[Arrival]) -> None:
        """Moves positions forward, never back, and deletes the items that have been received."""
        ...


class LeaseRecord(msgspec.Struct, frozen=True):
    """A node's lease, with times in milliseconds since 1970.

    The node is considered alive until `until_ms`, and has been without a gap since `since_ms`. At `renewed_ms` it had
    delivered the log up to position `pos`.
    """

    until_ms: int
    since_ms: int
    pos: int = 0
    renewed_ms: int = 0


class DeadNode(NamedTuple):
    """A node that died or was stopped. Its users are offline since `ended_ms`."""

    node_id: str
    ended_ms: int


class NodeTable(Protocol):
    """The leases of the running nodes."""

    def lease(self, node_id: str) -> LeaseRecord | None:
        """Returns a node's lease and locks it until the end of the transaction."""
        ...

    def is_alive(self, node_id: str, now_ms: int) -> bool: ...
    def put_lease(self, node: Peer, lease: LeaseRecord) -> None: ...
    def list_alive(self, now_ms: int) -> Sequence[Peer]: ...

    def stop(self, node_id: str, now_ms: int, users_until_ms: int) -> None:
        """Ends the node's lease at `now_ms`. Its users stay online until `users_until_ms`."""
        ...

    def overdue(self, node_id: str, now_ms: int | None) -> Sequence[str]:
        """Returns the ids of other nodes whose leases have ended by `now_ms`; None returns all other nodes."""
        ...

    def drop(self, node_id: str, overdue_ms: int | None) -> int | None:
        """Deletes a node unless its lease lasts beyond `overdue_ms`.

        Returns the end of its lease; None if it was unknown or is alive.
        """
        ...

    def find_dead_node(self) -> DeadNode | None:
        """Returns a node that was deleted and whose users are still recorded as online, or None."""
        ...


class Calls(Protocol):
    """The calls in progress, at most one in each conversation."""

    def claim(self, record: CallRecord) -> CallRecord | None:
        """Records a call unless another one is in progress in its conversation.

        Returns the call in progress after that, or None if another call has just ended.
        """
        ...

    def find(self, conversation_id: str) -> CallRecord | None: ...

    def set_ringing(self, conversation_id: str, node_id: str, ringing_ids: Sequence[str]) -> None:
        """Stores which users a call of that node is ringing for."""
        ...

    def drop(self, conversation_id: str, node_id: str) -> bool:
        """Deletes the node's call in a conversation. Returns whether there was one."""
        ...

    def drop_node(self, node_id: str) -> Sequence[CallRecord]:
        """Deletes all calls of a node and returns them."""
        ...


class OnlineRow(NamedTuple):
    """A user who is online on a node. `away`: all of the user's devices on it are away."""

    user_id: str
    node_id: str
    away: bool


class PresenceTable(Protocol):
    """The online users of each node, and the users' chosen statuses.

    Times are in milliseconds since 1970. Read-only in a snapshot.
    """

    def records(self, user_ids: Collection[str]) -> Mapping[str, PresenceRecord]: ...

    def put_record(self, record: PresenceRecord) -> None:
        """Stores a user's chosen status and text. Without `last_seen_ms`, the stored one stays."""
        ...

    def put_last_seen(self, seen: Mapping[str, int | None]) -> None:
        """Stores when others last saw these users.

        None: the user was invisible, so others must not learn that the user was connected. The table then keeps the old
        time, as it does for users who are invisible by now.
        """
        ...

    def lock(self) -> None:
        """Prevents other transactions from changing who is online, until the end of this one."""
        ...

    def online(self, user_ids: Collection[str]) -> Sequence[OnlineRow]:
        """Returns the rows of these users on all nodes."""
        ...

    def put_online(self, node_id: str, users: Collection[tuple[str, bool]], pos: int) -> None:
        """Records users as online on a node, given as (user id, whether away).

        For users who were not online there before, `pos` is recorded as the log position of their arrival.
        """
        ...

    def set_connected_since(self, node_id: str, user_ids: Collection[str], pos: int | None) -> None:
        """Records since which log position these users have had a socket on the node without a gap; None: they have
        none."""
        ...

    def drop_online(self, node_id: str, user_ids: Collection[str]) -> None: ...

    def drop_node(self, node_id: str) -> Sequence[str]:
        """Deletes the node's users and returns their ids."""
        ...

    def drop_some_of_node(self, node_id: str, limit: int) -> Sequence[OnlineRow]:
        """Deletes at most `limit` of the node's users and returns their rows."""
        ...

    def online_elsewhere_after(self, node_id: str, after: str | None, limit: int) -> Sequence[str]:
        """Returns the users who are online on other nodes, in the order of their ids, starting after `after`."""
        ...

    def connected_after(self, node_id: str, after: str | None, limit: int, now_ms: int) -> Sequence[str]:
        """As `online_elsewhere_after`, but only on nodes that are alive."""
        ...

    def connected_elsewhere(self, user_ids: Collection[str], node_id: str, now_ms: int) -> Collection[str]:
        """Returns which of these users are online on another node that is alive."""
        ...

    def acquaintances(self, user_id: str, other_ids: Collection[str]) -> Collection[str]:
        """Returns which of `other_ids` share a conversation with the user and have no block with the user in either
        direction."""
        ...

    def contacts(self, user_id: str, members_max: int, limit: int) -> Sequence[str]:
        """Returns a user's contacts in the order of their ids.

        Contacts share a direct conversation, or a group of at most `members_max` members, and have no block in either
        direction.
        """
        ...


class ExpiredUploads(NamedTuple):
    """Selects expired uploads.

    Uploads in these folders or in none are selected when they expired by `now_ms`, uploads in other folders when they
    expired by the earlier `lost_ms`.
    """

    now_ms: int
    lost_ms: int
    folder_ids: tuple[str, ...]


class Files(Protocol):
    """Files, unfinished uploads, and which users may see a file through a message that is not deleted.

    Read-only in a snapshot.
    """

    def of_ids(self, file_ids: Collection[str]) -> Mapping[str, File]:
        """Returns the finished files among these ids."""
        ...

    def is_attached(self, file_id: str) -> bool:
        """Returns whether a message has the file attached."""
        ...

    def attached_among(self, file_ids: Collection[str]) -> Collection[str]:
        """Returns which of these files a message has attached."""
        ...

    def pictures_among(self, urls: Collection[tuple[str, str]]) -> frozenset[str]:
        """Returns which of the given (user id, URL) pairs' URLs are the user's own picture or that of one of the user's
        conversations."""
        ...

    def is_due(self, file_id: str, now_ms: int) -> bool:
        """Returns whether a file has to be checked for deletion.

        It has to when a reference to it was removed, when it was never referred to in time, or when neither is known.
        """
        ...

    def due_files(self, now_ms: int, limit: int) -> Collection[str]:
        """Returns the ids of files to check for deletion, longest due first, and locks them until the end of the
        transaction."""
        ...

    def keep(self, file_ids: Collection[str]) -> None:
        """Marks files as referred to, so that they are no longer due for deletion."""
        ...

    def stored_bytes(self, owner_id: str, expired_since_ms: int) -> int:
        """Returns the total bytes of a user's files and the full lengths of their uploads.

        An upload that expired after `expired_since_ms` counts until it is deleted.
        """
        ...

    def is_visible_to(self, file_id: str, user_id: str) -> bool:
        """Returns whether the file is attached to a message that this user may see as a member."""
        ...

    def upload(self, upload_id: str) -> Upload | None: ...
    def uploads_among(self, upload_ids: Collection[str]) -> frozenset[str]: ...

    def count_uploads(self, owner_id: str, now_ms: int) -> int:
        """Returns how many of a user's uploads have not expired."""
        ...

    def expired_uploads(self, which: ExpiredUploads, limit: int) -> Sequence[str]:
        """Returns the ids of uploads to delete that no node has claimed: first those never claimed, oldest first, then
        those whose claim expired longest ago."""
        ...

    def claim_uploads(self, upload_ids: Collection[str], until_ms: int) -> None: ...

    def without_folder(self, after_id: str, limit: int) -> Sequence[str]:
        """Returns the ids of files without a folder id, in order."""
        ...

    def set_folder(self, file_ids: Collection[str], folder_id: str) -> None:
        """Sets the folder id of the files that have none."""
        ...

    def put(self, file: File, due_ms: int) -> None:
        """Stores a file, to be checked for references at `due_ms`."""
        ...

    def drop(self, file_id: str) -> None: ...

    def put_upload(self, upload: Upload) -> None:
        """Stores an upload, replacing the one with the same id."""
        ...

    def expire_upload(self, upload_id: str, now_ms: int) -> None: ...
    def drop_uploads(self, upload_ids: Collection[str]) -> None: ...


class LogBounds(NamedTuple):
    """The epoch of the log, and its positions: events up to `floor` are no longer stored, `head` is the newest."""

    epoch: str
    floor: int
    head: int


class Webhooks(Protocol):
    """The endpoints that receive events. Read-only in a snapshot."""

    def find(self, webhook_id: str) -> Webhook | None: ...

    def list_all(self) -> Sequence[Webhook]:
        """Returns all webhooks, oldest first."""
        ...

    def add(self, webhook: Webhook, secret: str) -> None: ...

    def put(self, webhook: Webhook) -> None:
        """Stores a changed webhook, except for its position."""
        ...

    def rewind(self, webhook_id: str, pos: int) -> None:
        """Sets the position and drops the planned retries."""
        ...

    def rotate(self, webhook_id: str, secret: str, old_until_ms: int) -> None:
        """Stores a new secret; the present one is used besides it until then."""
        ...

    def remove(self, webhook_id: str) -> None: ...

    def signing(self, webhook_id: str, now_ms: int) -> WebhookSigning | None: ...

    def count_failing(self, webhook_id: str) -> int:
        """Returns how many conversations and users wait for a retry."""
        ...

    def attempts(self, webhook_id: str) -> Sequence[WebhookAttempt]:
        """Returns the newest attempts, newest first."""
        ...

    def log_bounds(self) -> LogBounds: ...


class Invitations(Protocol):
    """Invitation links. Read-only in a snapshot."""

    def find(self, invitation_id: str) -> Invitation | None: ...
    def find_by_code(self, code_hash: str) -> Invitation | None: ...

    def created_by(self, creator_id: str | None, before_id: str | None, limit: int) -> Sequence[Invitation]:
        """Returns a user's invitations, newest first; None returns those of all users."""
        ...

    def drop_expired(self, before_ms: int) -> None:
        """Deletes invitations that expired before `before_ms`."""
        ...


class Restrictions(Protocol):
    """The users whom moderators have muted or banned in a conversation."""

    def find(self, conversation_id: str, user_id: str, kind: RestrictionKind) -> Restriction | None: ...

    def on_users(self, conversation_id: str, user_ids: Collection[str]) -> Sequence[Restriction]:
        """Returns mutes and bans of these users, including expired ones."""
        ...

    def of_keys(self, keys: Collection[tuple[str, str]]) -> Sequence[Restriction]:
        """As `on_users`, for (conversation id, user id) pairs of several conversations."""
        ...

    def of_conversation(
        self, conversation_id: str, kind: RestrictionKind, now_ms: int, after_id: str | None, limit: int
    ) -> Sequence[Restriction]:
        """Returns the active restrictions of one kind in the order of user ids."""
        ...


class Unreads(Protocol):
    """Unread counts, computed on each call."""

    def of(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Unread]:
        """Returns (conversation id, user id) -> unread counts, for the pairs that are memberships."""
        ...


class LogWindow(NamedTuple):
    """The events found in a part of the log, and the position up to which it was searched."""

    events: Sequence[Durable]
    reached: int


class SyncLog(Protocol):
    """Reading the log: the events that concern one user, and all events."""

    def events_of(self, user_id: str, after_pos: int, limit: int) -> Sequence[tuple[Durable, HistoryStart]]:
        """Returns at most `limit` events after a position, in order, each with the user's current history in its
        conversation.

        Of conversations that the user has left, only the events that ended the memberships are included.
        """
        ...

    def with_covered_messages(self, events: Sequence[Durable]) -> Sequence[Durable]:
        """Returns the same events, with `covered` set in `MessagesRead` and `MessagesDelivered`.

        The log does not store these messages; dialects that notify their authors need them.
        """
        ...

    def count_events_of(self, user_id: str, after_pos: int, limit: int) -> int:
        """Returns how many events `events_of` would return."""
        ...

    def profile_changes_of_contacts(
        self, user_id: str, members_max: int, after_pos: int, limit: int
    ) -> Sequence[Durable]:
        """Returns the first events after a position in which contacts of the user (`PresenceTable.contacts`) changed
        their profile."""
        ...

    def floor(self) -> int:
        """Returns the position up to which events have been pruned."""
        ...

    def log_window(self, wanted: LogFilter, after_pos: int, until_pos: int, limit: int) -> LogWindow:
        """Searches the log behind `after_pos` up to `until_pos` for the first `limit` events that a filter selects.

        Messages in them are in their current state, and `UserRenamed` is returned as `UserUpdated` with the user's
        current state. Events that this version cannot read are left out.
        """
        ...


class Sessions(Protocol):
    """The stored part of recoverable sessions, by the ids of their sockets.

    Times are in milliseconds since 1970. Read-only in a snapshot.
    """

    def ensure_secret(self, name: str, value: str) -> str:
        """Returns the stored secret of this name; stores `value` if there is none."""
        ...

    def put(self, socket_id: str, node_id: str, ended_ms: int | None, now_ms: int) -> None:
        """Records that the session continues on this node, or with `ended_ms` that it was ended there on purpose."""
        ...

    def put_room(self, socket_id: str, conversation_id: str, opened: bool | None, now_ms: int) -> None:  # noqa: FBT001
        """Stores whether the socket has opened a conversation as a room; None deletes the entry."""
        ...

    def end_all_of_node(self, node_id: str, ended_ms: int) -> None: ...

    def refresh(self, socket_ids: Collection[str], now_ms: int) -> None:
        """Marks these sessions as still needed."""
        ...

    def prune(self, before_ms: int) -> None:
        """Deletes sessions that were last needed before `before_ms`."""
        ...

    def find(self, socket_id: str, node_id: str, now_ms: int) -> StoredSession: ...
