"""The read-only view of the database within one transaction, in which all reads see the same state."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from talkwire.storage.catching_up.notices import NoticeRows
from talkwire.storage.catching_up.offline_queue import OfflineQueueRows
from talkwire.storage.catching_up.sync import LogReads, SyncRows
from talkwire.storage.clock import clock_of
from talkwire.storage.messages.attachments import AttachedFileRows
from talkwire.storage.messages.cards import CardRows
from talkwire.storage.messages.erasure import ErasureRows
from talkwire.storage.messages.exporting import ExportRows
from talkwire.storage.messages.messages import MessagePartRows, MessageReads
from talkwire.storage.messages.ratings import RatingRows
from talkwire.storage.messages.receipts import ReceiptReads, UnreadRows
from talkwire.storage.messages.saved import SavedRows
from talkwire.storage.messages.search import SearchRows
from talkwire.storage.messages.streams import StreamRows
from talkwire.storage.messages.threads import ThreadRows
from talkwire.storage.messages.turns import TurnRows
from talkwire.storage.notifying.notifications import NotificationRows
from talkwire.storage.notifying.pushes import PushRows
from talkwire.storage.operation.console import ConsoleRows
from talkwire.storage.tables.accounts import AccountReads
from talkwire.storage.tables.calls import CallRows
from talkwire.storage.tables.conversations import ConversationReads
from talkwire.storage.tables.desk.teams import TeamRows
from talkwire.storage.tables.invitations import InvitationRows
from talkwire.storage.tables.lists.conversation_lists import ConversationListRows
from talkwire.storage.tables.members import MemberReads
from talkwire.storage.tables.moderation.audit import AuditRows
from talkwire.storage.tables.moderation.reports import ReportRows
from talkwire.storage.tables.moderation.restrictions import RestrictionRows
from talkwire.storage.tables.offers import OfferRows
from talkwire.storage.tables.presence import PresenceRows
from talkwire.storage.tables.push_subscriptions import PushSubscriptionRows
from talkwire.storage.tables.sessions import SessionRows
from talkwire.storage.tables.stored_answers import AnswerRows
from talkwire.storage.tables.timers import TimerRows
from talkwire.storage.tables.users import UserReads
from talkwire.storage.tables.webhooks import WebhookRows


class TableSnapshot(UserReads, AccountReads, ConversationReads, MemberReads, MessageReads, ReceiptReads, LogReads):
    """A consistent read-only view of the chat: all reads see the state at one moment. Implements
    `core.ports.transaction.Snapshot`; each base class reads one table or feature. `clock_ms` is its clock, or with None
    the database's."""

    def __init__(self, connection: Connection, clock_ms: Callable[[], int] | None = None) -> None:
        super().__init__(connection)
        self._clock_ms = clock_ms
        self.parts = MessagePartRows(connection)
        self.threads = ThreadRows(connection)
        self.offers = OfferRows(connection)
        self.saved = SavedRows(connection)
        self.ratings = RatingRows(connection)
        self.cards = CardRows(connection)
        self.notices = NoticeRows(connection)
        self.notifications = NotificationRows(connection)
        self.push_subscriptions = PushSubscriptionRows(connection)
        self.pushes = PushRows(connection)
        self.presence = PresenceRows(connection)
        self.sync = SyncRows(connection)
        self.unreads = UnreadRows(connection)
        self.lists = ConversationListRows(connection)
        self.files = AttachedFileRows(connection)
        self.search = SearchRows(connection)
        self.offline_queue = OfflineQueueRows(connection)
        self.restrictions = RestrictionRows(connection)
        self.invitations = InvitationRows(connection)
        self.webhooks = WebhookRows(connection)
        self.reports = ReportRows(connection)
        self.audit = AuditRows(connection)
        self.answers = AnswerRows(connection)
        self.sessions = SessionRows(connection)
        self.calls = CallRows(connection)
        self.erasures = ErasureRows(connection)
        self.exports = ExportRows(connection)
        self.console = ConsoleRows(connection)
        self.teams = TeamRows(connection)
        self.timers = TimerRows(connection)
        self.streams = StreamRows(connection)
        self.turns = TurnRows(connection)

    @property
    def now_ms(self) -> int:
        return clock_of(self._connection.dialect, self._clock_ms)(self._connection)
