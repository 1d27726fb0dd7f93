"""The read-only view of the database within one transaction, in which all reads see the same state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

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

R = TypeVar("R")


class _Rows(Generic[R]):
    """A descriptor for the reader of one table or feature, which is created when it is first used: most snapshots use
    one or two of them."""

    def __init__(self, reader: Callable[[Connection], R]) -> None:
        self._reader = reader

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, snapshot: TableSnapshot, owner: type) -> R:
        reader = snapshot.__dict__[self._name] = self._reader(snapshot._connection)
        return reader


class TableSnapshot(UserReads, AccountReads, ConversationReads, MemberReads, MessageReads, ReceiptReads, LogReads):
    """A consistent read-only view of the chat: all reads see the state at one moment. Implements
    `core.ports.transaction.Snapshot`; each base class reads one table or feature. `clock_ms` is its clock, or with None
    the database's."""

    parts = _Rows(MessagePartRows)
    threads = _Rows(ThreadRows)
    offers = _Rows(OfferRows)
    saved = _Rows(SavedRows)
    ratings = _Rows(RatingRows)
    cards = _Rows(CardRows)
    notices = _Rows(NoticeRows)
    notifications = _Rows(NotificationRows)
    push_subscriptions = _Rows(PushSubscriptionRows)
    pushes = _Rows(PushRows)
    presence = _Rows(PresenceRows)
    sync = _Rows(SyncRows)
    unreads = _Rows(UnreadRows)
    lists = _Rows(ConversationListRows)
    files = _Rows(AttachedFileRows)
    search = _Rows(SearchRows)
    offline_queue = _Rows(OfflineQueueRows)
    restrictions = _Rows(RestrictionRows)
    invitations = _Rows(InvitationRows)
    webhooks = _Rows(WebhookRows)
    reports = _Rows(ReportRows)
    audit = _Rows(AuditRows)
    answers = _Rows(AnswerRows)
    sessions = _Rows(SessionRows)
    calls = _Rows(CallRows)
    erasures = _Rows(ErasureRows)
    exports = _Rows(ExportRows)
    console = _Rows(ConsoleRows)
    teams = _Rows(TeamRows)
    timers = _Rows(TimerRows)
    streams = _Rows(StreamRows)
    turns = _Rows(TurnRows)

    def __init__(self, connection: Connection, clock_ms: Callable[[], int] | None = None) -> None:
        super().__init__(connection)
        self._clock_ms = clock_ms

    @property
    def now_ms(self) -> int:
        return clock_of(self._connection.dialect, self._clock_ms)(self._connection)
