"""The transaction in which commands change the chat: one for a whole batch of commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from secrets import randbits

from sqlalchemy import Connection

from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.audience import audience_of
from talkwire.core.domain.events import Durable, MessageSent
from talkwire.core.ports.transaction import Prefetch
from talkwire.storage.catching_up.offline_queue import WritableOfflineQueueRows
from talkwire.storage.messages.attachments import WritableAttachedFileRows
from talkwire.storage.messages.cards import WritableCardRows
from talkwire.storage.messages.changes import (
    MessageLookups,
    fetch_marked,
    fetch_messages,
    fetch_sent,
    take_staged,
    write_messages,
    write_staged,
)
from talkwire.storage.messages.erasure import WritableErasureRows
from talkwire.storage.messages.messages import MessagePartRows
from talkwire.storage.messages.ratings import RatingRows
from talkwire.storage.messages.receipts import ReceiptLookups, with_covered_messages
from talkwire.storage.messages.retention import RetentionRows
from talkwire.storage.messages.saved import SavedRows
from talkwire.storage.messages.streams import WritableStreamRows
from talkwire.storage.messages.threads import ThreadRows
from talkwire.storage.messages.turns import WritableTurnRows
from talkwire.storage.notifying.notifications import WritableNotificationRows
from talkwire.storage.notifying.pending import OCCASIONS, PendingNotifications
from talkwire.storage.projections import PROJECTIONS
from talkwire.storage.sql.batch import Write
from talkwire.storage.tables.accounts import AccountChanges
from talkwire.storage.tables.conversations import ConversationLookups, fetch_conversations, touch_conversation
from talkwire.storage.tables.desk.teams import WritableTeamRows
from talkwire.storage.tables.invitations import WritableInvitationRows
from talkwire.storage.tables.lists.conversation_keys import ConversationKeyRows
from talkwire.storage.tables.log import lock_head, new_log_rows
from talkwire.storage.tables.members import JOINT_PROJECTIONS, MemberLookups, fetch_members, fetch_named_members
from talkwire.storage.tables.moderation.audit import WritableAuditRows
from talkwire.storage.tables.moderation.reports import ReportRows
from talkwire.storage.tables.moderation.restrictions import RestrictionRows
from talkwire.storage.tables.nodes import has_nodes_before
from talkwire.storage.tables.offers import OfferRows, without_deleted_texts
from talkwire.storage.tables.presence import WritablePresenceRows
from talkwire.storage.tables.push_subscriptions import WritablePushSubscriptionRows
from talkwire.storage.tables.sessions import WritableSessionRows
from talkwire.storage.tables.stored_answers import WritableAnswerRows
from talkwire.storage.tables.timers import WritableTimerRows, take_timers
from talkwire.storage.tables.users import UserLookups, find_users
from talkwire.storage.tables.webhooks import WritableWebhookRows
from talkwire.storage.view import View
from talkwire.storage.workspace import Workspace


class BatchTransaction(UserLookups, AccountChanges, ConversationLookups, MemberLookups, MessageLookups, ReceiptLookups):
    """The write transaction of one batch of commands: each base class has the lookups and changes of one table.
    Implements `core.ports.transaction.Transaction`.

    The constructor locks the log's head, and raises LogReplaced if the database may have lost transactions. Before the
    commit, call `flush` and run the writes that it returns; after it, call `committed`, which updates `view`.
    `clock_ms` gives the transaction's time in milliseconds since 1970; with None, the database does.
    """

    def __init__(
        self, connection: Connection, view: View, clock_ms: Callable[[], int] | None, policy: AccessPolicy
    ) -> None:
        self.policy = policy
        given_ms = None if clock_ms is None else clock_ms()
        self.epoch, self.start_pos, database_ms = lock_head(connection)
        self.now_ms = _now_ms(given_ms, database_ms)
        self._pos: int = self.start_pos
        self.batch_id = randbits(63)
        self.events: list[Durable] = []
        self._sent: list[MessageSent] = []
        workspace = Workspace(connection, view, self.now_ms)
        super().__init__(workspace)
        self.parts = MessagePartRows(connection, workspace.staged.imported)
        self.threads = ThreadRows(connection, lambda: write_messages(workspace))
        self.offers = OfferRows(connection)
        self.saved = SavedRows(connection)
        self.ratings = RatingRows(connection)
        self.cards = WritableCardRows(connection, lambda: write_messages(workspace))
        self._pending = PendingNotifications(workspace)
        self.notifications = WritableNotificationRows(connection, self._pending.store)
        self.push_subscriptions = WritablePushSubscriptionRows(connection)
        self.presence = WritablePresenceRows(connection)
        self.files = WritableAttachedFileRows(connection, lambda: write_messages(workspace))
        self.restrictions = RestrictionRows(connection)
        self.invitations = WritableInvitationRows(connection)
        self.webhooks = WritableWebhookRows(connection)
        self.reports = ReportRows(connection)
        self.audit = WritableAuditRows(connection)
        self.answers = WritableAnswerRows(connection)
        self.offline_queue = WritableOfflineQueueRows(connection)
        self.retention = RetentionRows(workspace)
        self.conversation_keys = ConversationKeyRows(connection)
        self.sessions = WritableSessionRows(connection)
        self.erasures = WritableErasureRows(connection, workspace)
        self.teams = WritableTeamRows(connection)
        self.timers = WritableTimerRows(workspace)
        self.streams = WritableStreamRows(workspace)
        self.turns = WritableTurnRows(workspace)

    @property
    def pos(self) -> int:
        """The log position of the newest event, including events that this transaction has recorded."""
        return self._pos

    @property
    def next_timer_ms(self) -> int | None:
        """In how many milliseconds the first of the timers fires that this transaction has set; None without any."""
        first_ms = self._workspace.first_due_ms
        return None if first_ms is None else max(0, first_ms - self.now_ms)

    def prefetch(self, needs: Prefetch) -> None:
        workspace = self._workspace
        find_users(workspace, needs.users.union([user_id for _, user_id in needs.members]))
        fetch_conversations(workspace, needs.conversations.union([id_ for id_, _ in needs.members]))
        fetch_members(workspace, needs.members)
        if needs.sent_messages:
            fetch_sent(workspace, needs.sent_messages)
        if needs.messages:
            fetch_messages(workspace, needs.messages)
        if needs.marked:
            fetch_marked(workspace, needs.marked)
        if needs.names:
            fetch_named_members(workspace, needs.names)
        if needs.files:
            self.files.prefetch(needs.files)
        if needs.unread_notifications:
            self.notifications.prefetch_unread(needs.unread_notifications)

    def has_nodes_before(self, revision: int) -> bool:
        view = self._workspace.view
        if view.known_revision >= revision:
            return False
        if has_nodes_before(self._workspace.connection, revision, self.now_ms):
            return True
        view.known_revision = revision
        return False

    def next_pos(self) -> int:
        return self._pos + 1

    def recorded_since(self, pos: int) -> Sequence[Durable]:
        return self.events[pos - self.start_pos - 1 :]

    def record(self, event: Durable) -> None:
        assert event.pos == self._pos + 1, "events are recorded in the order of their positions"
        self._pos = event.pos
        self.events.append(event)
        PROJECTIONS[type(event)](self._workspace, event)
        if type(event) is MessageSent:  # its projection has moved the conversation
            self._sent.append(event)
        else:
            self._follow(event)

    def record_all(self, events: Sequence[Durable]) -> None:
        if not events:
            return
        for event in events:
            assert event.pos == self._pos + 1, "events are recorded in the order of their positions"
            self._pos = event.pos
        self.events += events
        JOINT_PROJECTIONS[type(events[0])](self._workspace, events)
        for event in events:
            self._follow(event)

    def _follow(self, event: Durable) -> None:
        if type(event) in OCCASIONS:
            self._pending.add(event)
        conversation_id = audience_of(event).conversation_id
        if conversation_id is not None:
            touch_conversation(self._workspace, conversation_id, event.pos)

    def flush(self) -> Sequence[Write]:
        """Prepares the commit: returns the writes of the staged rows, of the recorded events' log rows and of the log's
        head, for the caller to run together with COMMIT. If the batch has more than plain messages, `flush` runs these
        writes itself and returns none."""
        moved = [*self.teams.take_moved_change(), *take_timers(self._workspace)]
        if not self.events:
            return moved
        only_messages = len(self._sent) == len(self.events)
        if not only_messages:
            self.events = without_deleted_texts(self.events)
        more = [*moved, *self._pending.take(), *new_log_rows(self.events, self._sent, self.batch_id)]
        if only_messages and not self._workspace.staged.have_followers:
            return [*take_staged(self._workspace), *more]
        write_staged(self._workspace, more)
        if not only_messages:
            # Not earlier: what a moved cursor covers is not stored, only published.
            self.events = with_covered_messages(self._workspace.connection, self.events)
        return ()

    def committed(self) -> None:
        """Copies this transaction's changes into the writer's view, its cache between transactions. Call it only after
        a successful commit."""
        self._workspace.committed(self._pos)


def _now_ms(given_ms: int | None, database_ms: int | None) -> int:
    if given_ms is not None:
        return given_ms
    assert database_ms is not None, "a database of one process takes that process's clock"
    return database_ms
