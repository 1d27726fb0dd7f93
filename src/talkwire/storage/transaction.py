"""The transaction that changes are carried out in: one for a whole batch of commands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from secrets import randbits

from msgspec.structs import asdict
from sqlalchemy import Connection, delete, func, insert, select

from talkwire.core.commands.receipts import Unread
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.audience import audience_of
from talkwire.core.domain.events import Durable, MessageSent, UserCreated
from talkwire.core.domain.model import Account, Conversation, LoginSession, Member, Message, User
from talkwire.core.ports.transaction import Prefetch
from talkwire.storage.messages.covered import with_covered
from talkwire.storage.messages.imports import is_imported
from talkwire.storage.messages.message_parts import MessagePartRows
from talkwire.storage.messages.receipts import is_read
from talkwire.storage.messages.retention import RetentionRows
from talkwire.storage.messages.unread import UnreadRows
from talkwire.storage.projections import PROJECTIONS
from talkwire.storage.schema import (
    HEAD_ID,
    accounts,
    blocks,
    conversations,
    logins,
    members,
    messages,
)
from talkwire.storage.sql.batch import BatchStatements, Write
from talkwire.storage.sql.keys import direct_key
from talkwire.storage.sql.lookups import Lookups
from talkwire.storage.tables.files import FileRows
from talkwire.storage.tables.invitations import InvitationRows
from talkwire.storage.tables.new_notifications import OCCASIONS, PendingNotifications
from talkwire.storage.tables.notifications import NotificationRows
from talkwire.storage.tables.offers import OfferRows
from talkwire.storage.tables.offline_queue import OfflineQueueRows
from talkwire.storage.tables.presence import PresenceRows
from talkwire.storage.tables.restrictions import RestrictionRows
from talkwire.storage.tables.rows import log_values, sent_log_values, to_account, to_login, to_member
from talkwire.storage.tables.sessions import SessionRows
from talkwire.storage.tables.stored_answers import AnswerRows
from talkwire.storage.view import View
from talkwire.storage.workspace import Workspace

AUTHORS_LOOK_BACK = 1000
"""Messages that are looked through for their authors: for those who are told that somebody has read them, in a large
conversation, and for the newest message of another user."""


class BatchTransaction:
    """Implements `core.ports.transaction.Transaction` over one connection. Begin it with the head locked, then
    `flush`. The time is `clock_ms`' or, without one, the database's."""

    def __init__(  # noqa: PLR0913, PLR0917 (what all transactions of a writer share)
        self,
        connection: Connection,
        lookups: Lookups,
        bulk: BatchStatements,
        view: View,
        clock_ms: Callable[[], int] | None,
        policy: AccessPolicy,
    ) -> None:
        self.policy = policy
        self._connection = connection
        self._bulk = bulk
        self._workspace = Workspace(connection, lookups, bulk, view)
        given_ms = None if clock_ms is None else clock_ms()
        self.epoch, self.start_pos, database_ms = bulk.lock_head(connection)
        self.now_ms = _now_ms(given_ms, database_ms)
        self._pos: int = self.start_pos
        self.batch_id = randbits(63)
        self.events: list[Durable] = []
        self._sent: list[MessageSent] = []
        self.parts = MessagePartRows(connection, lookups)
        self.offers = OfferRows(connection)
        self._alerts = PendingNotifications(connection, self._workspace, bulk)
        self.notifications = NotificationRows(connection, lookups, self._alerts.store)
        self.presence = PresenceRows(connection, lookups.presence)
        self.files = FileRows(connection, self._workspace.write_messages)
        self.restrictions = RestrictionRows(connection, lookups.restrictions)
        self.invitations = InvitationRows(connection)
        self.answers = AnswerRows(connection)
        self.mail = OfflineQueueRows(connection, lookups.stretches)
        self.retention = RetentionRows(self._workspace, self.now_ms)
        self.sessions = SessionRows(connection, lookups.sessions)

    @property
    def pos(self) -> int:
        """The position of the newest event, this transaction's own included."""
        return self._pos

    # --- reading ----------------------------------------------------------------------------------------------------

    def prefetch(self, needs: Prefetch) -> None:
        """Reads what a batch is going to ask for, a statement a table at most."""
        workspace = self._workspace
        workspace.users({user_id for _, user_id in needs.members})
        workspace.fetch_conversations({conversation_id for conversation_id, _ in needs.members})
        workspace.fetch_members(needs.members)
        if needs.sent_messages:
            workspace.fetch_sent(needs.sent_messages)
        if needs.messages:
            workspace.fetch_messages(needs.messages)
        if needs.names:
            workspace.fetch_named(needs.names)
        if needs.files:
            self.files.prefetch(needs.files)
        if needs.unread_notifications:
            self.notifications.prefetch_unread(needs.unread_notifications)

    def user(self, user_id: str) -> User | None:
        return self._workspace.user(user_id)

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        return self._workspace.users(user_ids)

    def has_blocked(self, user_id: str, other_id: str) -> bool:
        found = select(blocks.c.user_id).where(blocks.c.user_id == user_id, blocks.c.blocked_id == other_id)
        return self._connection.execute(found).first() is not None

    def account(self, email: str) -> Account | None:
        row = self._connection.execute(select(accounts).where(accounts.c.email == email)).one_or_none()
        return None if row is None else to_account(row)

    def account_of(self, user_id: str) -> Account | None:
        row = self._connection.execute(select(accounts).where(accounts.c.user_id == user_id)).one_or_none()
        return None if row is None else to_account(row)

    def login(self, session_id: str) -> LoginSession | None:
        row = self._connection.execute(select(logins).where(logins.c.id == session_id)).one_or_none()
        return None if row is None else to_login(row)

    def logins_of(self, user_id: str) -> Sequence[LoginSession]:
        rows = self._connection.execute(select(logins).where(logins.c.user_id == user_id).order_by(logins.c.id))
        return [to_login(row) for row in rows]

    def conversation(self, conversation_id: str) -> Conversation | None:
        return self._workspace.conversation(conversation_id)

    def direct_conversation(self, user_id: str, other_id: str) -> Conversation | None:
        key = direct_key(user_id, other_id)
        row = self._connection.execute(
            select(conversations.c.id).where(conversations.c.direct_key == key)
        ).one_or_none()
        return None if row is None else self.conversation(row.id)

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        return self._workspace.member(conversation_id, user_id)

    def members(self, conversation_id: str, user_ids: Collection[str]) -> Mapping[str, Member]:
        return self._workspace.members(conversation_id, user_ids)

    def heir(self, conversation_id: str, leaving_id: str) -> Member | None:
        admins_first = (members.c.role == "member", members.c.joined_ms, members.c.user_id)
        heirs = select(members).where(members.c.conversation_id == conversation_id, members.c.user_id != leaving_id)
        row = self._connection.execute(heirs.order_by(*admins_first).limit(1)).one_or_none()
        return None if row is None else to_member(row)

    def members_named(self, conversation_id: str, folded_names: Collection[str]) -> Mapping[str, Collection[str]]:
        return self._workspace.members_named(conversation_id, folded_names)

    def message(self, message_id: int) -> Message | None:
        return self._workspace.message(message_id)

    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None:
        return self._workspace.sent_message(conversation_id, sender_id, client_message_id)

    def newest_message_ms(self, conversation: Conversation) -> int | None:
        return self._workspace.newest_message_ms(conversation)

    def unread(self, conversation_id: str, user_id: str) -> Unread:
        self._workspace.flush()
        key = (conversation_id, user_id)
        return UnreadRows(self._connection, self._workspace.lookups.unread).of((key,))[key]

    def unread_behind(self, conversation_id: str, user_id: str, seq: int) -> Unread:
        self._workspace.flush()
        return UnreadRows(self._connection, self._workspace.lookups.unread).behind(conversation_id, user_id, seq)

    def newest_of_others(self, conversation_id: str, user_id: str, after_seq: int) -> int | None:
        self._workspace.write_messages()
        newest = (
            select(messages.c.seq, messages.c.sender_id, messages.c.deleted_ms, is_imported().label("imported"))
            .where(messages.c.conversation_id == conversation_id, messages.c.seq > after_seq)
            .order_by(messages.c.seq.desc())
            .limit(AUTHORS_LOOK_BACK)
            .subquery()
        )
        of_others = select(func.max(newest.c.seq)).where(
            newest.c.sender_id != user_id, newest.c.deleted_ms.is_(None), ~newest.c.imported
        )
        seq: int | None = self._connection.execute(of_others).scalar_one()
        return seq

    def authors(self, conversation_id: str, after_seq: int, up_to_seq: int) -> Sequence[str]:
        self._workspace.write_messages()
        newest = (
            select(messages.c.sender_id)
            .where(
                messages.c.conversation_id == conversation_id, messages.c.seq > after_seq, messages.c.seq <= up_to_seq
            )
            .order_by(messages.c.seq.desc())
            .limit(AUTHORS_LOOK_BACK)
            .subquery()
        )
        return (
            self._connection.execute(select(newest.c.sender_id).distinct().order_by(newest.c.sender_id)).scalars().all()
        )

    def has_been_read(self, message: Message) -> bool:
        self._workspace.flush()
        return is_read(self._connection, message)

    # --- changing ---------------------------------------------------------------------------------------------------

    def next_pos(self) -> int:
        return self._pos + 1

    def created_users(self) -> Sequence[UserCreated]:
        """Returns the users that this transaction has created."""
        if len(self._sent) == len(self.events):  # the usual case: nothing but messages
            return ()
        return [event for event in self.events if type(event) is UserCreated]

    def record(self, event: Durable) -> None:
        assert event.pos == self._pos + 1, "events are recorded in the order of their positions"
        self._pos = event.pos
        self.events.append(event)
        PROJECTIONS[type(event)](self._workspace, event)
        if type(event) is MessageSent:  # which has moved its conversation itself
            self._sent.append(event)
            return
        if type(event) in OCCASIONS:
            self._alerts.note(event)
        conversation_id = audience_of(event).conversation_id
        if conversation_id is not None:
            self._workspace.touch(conversation_id, event.pos)

    def put_account(self, account: Account) -> None:
        self._connection.execute(delete(accounts).where(accounts.c.user_id == account.user_id))
        self._connection.execute(insert(accounts), asdict(account))

    def put_login(self, session: LoginSession) -> None:
        self.drop_login(session.id)
        self._connection.execute(insert(logins), asdict(session))

    def drop_login(self, session_id: str) -> None:
        self._connection.execute(delete(logins).where(logins.c.id == session_id))

    def drop_expired_logins(self, user_id: str) -> None:
        self._connection.execute(delete(logins).where(logins.c.user_id == user_id, logins.c.expires_ms <= self.now_ms))

    def flush(self) -> None:
        """Writes what was kept aside and moves the log's head."""
        if not self.events:
            return
        self._workspace.flush(
            *self._alerts.take(), self._log_rows(), Write(self._bulk.move_head, [(self._pos, HEAD_ID)])
        )
        if len(self._sent) < len(self.events):
            # Not before: whom a move concerns is for those who are there, and is not kept.
            self.events = with_covered(self._connection, self._workspace.lookups.covered, self.events)

    def _log_rows(self) -> Write:
        if len(self._sent) == len(self.events):
            rows = [sent_log_values(event, None) for event in self._sent[:-1]]
            rows.append(sent_log_values(self._sent[-1], self.batch_id))
            return Write(self._bulk.insert_sent_log, rows)
        rows = [log_values(event, None) for event in self.events[:-1]]
        rows.append(log_values(self.events[-1], self.batch_id))
        return Write(self._bulk.insert_log, rows)

    def committed(self) -> None:
        """Brings the writer's view up to date; to be called once the transaction is on disk."""
        self._workspace.committed(self._pos)


def _now_ms(given_ms: int | None, database_ms: int | None) -> int:
    if given_ms is not None:
        return given_ms
    assert database_ms is not None, "a database of one process takes that process's clock"
    return database_ms
