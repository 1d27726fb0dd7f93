"""Reading: a consistent view over one connection's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Select, func, literal_column, select

from talkwire.core.commands.accounts import AccountRecord
from talkwire.core.commands.conversations import MemberView
from talkwire.core.commands.receipts import MessageReader
from talkwire.core.domain.errors import LogReplaced
from talkwire.core.domain.events import Durable
from talkwire.core.domain.membership_facts import ConversationFacts, Memberships
from talkwire.core.domain.model import MESSAGE_ID_BASE, Conversation, HistoryStart, LoginSession, Member, Message, User
from talkwire.storage.clock import clock_of
from talkwire.storage.lineage import is_same_log
from talkwire.storage.messages.message_parts import MessagePartRows
from talkwire.storage.messages.message_rows import read_messages, with_reactions
from talkwire.storage.messages.receipts import furthest_readers, least_progress
from talkwire.storage.messages.search import SearchRows
from talkwire.storage.messages.unread import UnreadRows
from talkwire.storage.schema import accounts, blocks, conversations, log, log_head, logins, members, users
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.sql.lookups import Lookups
from talkwire.storage.tables.calls import CallRows
from talkwire.storage.tables.files import FileRows
from talkwire.storage.tables.invitations import InvitationRows
from talkwire.storage.tables.notifications import NotificationRows
from talkwire.storage.tables.offers import OfferRows
from talkwire.storage.tables.offline_queue import OfflineQueueRows
from talkwire.storage.tables.presence import PresenceRows
from talkwire.storage.tables.restrictions import RestrictionRows
from talkwire.storage.tables.rows import AnyRow, to_conversation, to_events, to_login, to_member, to_user
from talkwire.storage.tables.sessions import SessionRows
from talkwire.storage.tables.shared_conversations import contact_ids, named_select, reach
from talkwire.storage.tables.stored_answers import AnswerRows
from talkwire.storage.tables.sync import SyncRows

_BEYOND = 2**62
"""A `seq` that no message has."""


class TableSnapshot:
    """Implements `core.ports.transaction.Snapshot`."""

    def __init__(self, connection: Connection, lookups: Lookups, clock_ms: Callable[[], int] | None = None) -> None:
        self._connection = connection
        self._lookups = lookups
        self._clock_ms = clock_ms
        self.parts = MessagePartRows(connection, lookups)
        self.offers = OfferRows(connection)
        self.notifications = NotificationRows(connection, lookups)
        self.presence = PresenceRows(connection, lookups.presence)
        self.sync = SyncRows(connection, lookups)
        self.unreads = UnreadRows(connection, lookups.unread)
        self.files = FileRows(connection)
        self.search = SearchRows(connection, lookups)
        self.mail = OfflineQueueRows(connection, lookups.stretches)
        self.restrictions = RestrictionRows(connection, lookups.restrictions)
        self.invitations = InvitationRows(connection)
        self.answers = AnswerRows(connection)
        self.sessions = SessionRows(connection, lookups.sessions)
        self.calls = CallRows(connection)

    @property
    def now_ms(self) -> int:
        return clock_of(self._connection.dialect, self._clock_ms)(self._connection)

    def head(self) -> tuple[str, int]:
        same: ColumnElement[bool] = literal_column(is_same_log(self._connection.dialect))
        epoch, pos, is_same = self._connection.execute(select(log_head.c.epoch, log_head.c.pos, same)).one()
        if not is_same:
            raise LogReplaced
        return epoch, pos

    def user(self, user_id: str) -> User | None:
        return next(map(to_user, self._lookups.prepared.user.rows(self._connection, id=user_id)), None)

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        rows = self._connection.execute(self._lookups.users, keys_parameter([(key,) for key in user_ids]))
        return {row.id: to_user(row) for row in rows}

    def users_after(self, cursor: str | None, limit: int) -> Sequence[User]:
        statement = select(users).order_by(users.c.id).limit(limit)
        if cursor is not None:
            statement = statement.where(users.c.id > cursor)
        return [to_user(row) for row in self._connection.execute(statement)]

    def users_named(
        self, folded_prefix: str, after: tuple[str, str] | None, limit: int, *, with_banned: bool = False
    ) -> Sequence[User]:
        statement = named_select(select(users), folded_prefix, after, limit)
        if not with_banned:
            statement = statement.where(users.c.banned.is_(False))
        return [to_user(row) for row in self._connection.execute(statement)]

    def contacts_named(
        self, user_id: str, reach_max: int, folded_prefix: str, after: tuple[str, str] | None, limit: int
    ) -> Sequence[User] | None:
        if self._connection.execute(reach, {"user_id": user_id}).scalar_one() > reach_max:
            return None
        ids = self._connection.execute(contact_ids, {"user_id": user_id}).scalars().all()
        statement = named_select(self._lookups.users, folded_prefix, after, limit)
        keys = keys_parameter([(id_,) for id_ in ids])
        return [to_user(row) for row in self._connection.execute(statement.where(users.c.banned.is_(False)), keys)]

    def sharing_with(self, user_id: str, other_ids: Collection[str]) -> Collection[str]:
        keys = keys_parameter([(other_id,) for other_id in other_ids])
        return set(self._connection.execute(self._lookups.sharing, {"user_id": user_id, **keys}).scalars())

    def logins_of(self, user_id: str, now_ms: int) -> Sequence[LoginSession]:
        signed_in = select(logins).where(logins.c.user_id == user_id, logins.c.expires_ms > now_ms)
        rows = self._connection.execute(signed_in.order_by(logins.c.last_seen_ms.desc(), logins.c.id))
        return [to_login(row) for row in rows]

    def login_addresses(self, user_id: str, now_ms: int) -> frozenset[str]:
        found = select(logins.c.address).where(logins.c.user_id == user_id, logins.c.expires_ms > now_ms)
        return frozenset(self._connection.execute(found.distinct()).scalars()) - {""}

    def account_record(self, email: str) -> AccountRecord | None:
        return self._account_record(accounts.c.email == email)

    def account_record_of(self, user_id: str) -> AccountRecord | None:
        return self._account_record(accounts.c.user_id == user_id)

    def _account_record(self, condition: ColumnElement[bool]) -> AccountRecord | None:
        joined = select(users, accounts.c.password_hash).join(accounts, accounts.c.user_id == users.c.id)
        statement = joined.where(condition)
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else AccountRecord(to_user(row), row.password_hash)

    def conversation(self, conversation_id: str) -> Conversation | None:
        row = self._connection.execute(select(conversations).where(conversations.c.id == conversation_id)).one_or_none()
        return None if row is None else to_conversation(row)

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        find = self._lookups.prepared.member
        rows = find.rows(self._connection, conversation_id=conversation_id, user_id=user_id)
        return next(map(to_member, rows), None)

    def memberships(self, user_id: str, conversation_ids: Collection[str]) -> Mapping[str, Member]:
        keys = keys_parameter([(conversation_id, user_id) for conversation_id in conversation_ids])
        return {row.conversation_id: to_member(row) for row in self._connection.execute(self._lookups.members, keys)}

    def members_of(self, conversation_ids: Collection[str]) -> Mapping[str, Sequence[MemberView]]:
        if not conversation_ids:
            return {}
        statement = (
            select(members, users.c.name, users.c.avatar)
            .join(users, users.c.id == members.c.user_id)
            .where(members.c.conversation_id.in_(conversation_ids))
            .order_by(members.c.conversation_id, members.c.joined_ms, members.c.user_id)
        )
        found: dict[str, list[MemberView]] = {}
        for row in self._connection.execute(statement):
            view = MemberView(to_member(row), row.name, row.avatar)
            found.setdefault(row.conversation_id, []).append(view)
        return found

    def memberships_of(self, user_ids: Collection[str]) -> Memberships:
        ids_by_user: dict[str, set[str]] = {}
        histories: dict[str, dict[str, HistoryStart]] = {}
        circles: dict[str, ConversationFacts] = {}
        keys = keys_parameter([(user_id,) for user_id in user_ids])
        for row in self._connection.execute(self._lookups.memberships, keys):
            user_id, conversation_id, history_seq, history_pos, kind, member_count = row
            ids_by_user.setdefault(user_id, set()).add(conversation_id)
            if history_seq or history_pos:
                histories.setdefault(user_id, {})[conversation_id] = HistoryStart(history_seq, history_pos)
            circles[conversation_id] = ConversationFacts(kind, member_count)
        return Memberships(ids_by_user, histories, circles)

    def login_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        return self._ids_by_user(self._lookups.logins, user_ids)

    def blocked_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        return self._ids_by_user(self._lookups.blocks, user_ids)

    def blockers_of(self, user_id: str) -> frozenset[str]:
        blockers = select(blocks.c.user_id).where(blocks.c.blocked_id == user_id)
        return frozenset(self._connection.execute(blockers).scalars())

    def blocked_by(self, user_id: str, after_id: str | None, limit: int) -> Sequence[User]:
        blocked = select(users).join(blocks, blocks.c.blocked_id == users.c.id).where(blocks.c.user_id == user_id)
        if after_id is not None:
            blocked = blocked.where(users.c.id > after_id)
        return [to_user(row) for row in self._connection.execute(blocked.order_by(users.c.id).limit(limit))]

    def _ids_by_user(self, lookup: Select[Any], user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for user_id, id_ in self._connection.execute(lookup, keys_parameter([(user_id,) for user_id in user_ids])):
            found.setdefault(user_id, set()).add(id_)
        return {user_id: frozenset(ids) for user_id, ids in found.items()}

    def conversations_of(self, user_id: str, before_pos: int | None, limit: int) -> Sequence[tuple[Conversation, int]]:
        statement = (
            select(conversations)
            .join(members, members.c.conversation_id == conversations.c.id)
            .where(members.c.user_id == user_id)
            .order_by(conversations.c.active_pos.desc())
            .limit(limit)
        )
        if before_pos is not None:
            statement = statement.where(conversations.c.active_pos < before_pos)
        return [(to_conversation(row), row.active_pos) for row in self._connection.execute(statement)]

    def all_conversations(self, member_id: str | None, after_id: str | None, limit: int) -> Sequence[Conversation]:
        statement, id_ = select(conversations), conversations.c.id
        if member_id is not None:
            id_ = members.c.conversation_id  # in whose order the index has them
            statement = statement.join(members, id_ == conversations.c.id).where(members.c.user_id == member_id)
        if after_id is not None:
            statement = statement.where(id_ > after_id)
        statement = statement.where(conversations.c.deleted_ms.is_(None)).order_by(id_).limit(limit)
        return [to_conversation(row) for row in self._connection.execute(statement)]

    def message(self, message_id: int) -> Message | None:
        rows = self._lookups.prepared.message.rows(self._connection, id=message_id)
        return next(iter(self._with_reactions(rows)), None)

    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None:
        keys = keys_parameter([(conversation_id, sender_id, client_message_id)])
        return next(iter(self._read_messages(self._lookups.sent_messages, keys)), None)

    def messages(
        self,
        conversation_id: str,
        *,
        after_seq: int | None = None,
        before_seq: int | None = None,
        history_seq: int = 0,
        limit: int,
    ) -> Sequence[Message]:
        prepared, after = self._lookups.prepared, max(after_seq or 0, history_seq)
        if after_seq is not None:
            rows = prepared.messages_after.rows(
                self._connection, conversation_id=conversation_id, after_seq=after, limit=limit
            )
            return self._with_reactions(rows)
        before = _BEYOND if before_seq is None else before_seq
        rows = prepared.messages_before.rows(
            self._connection, conversation_id=conversation_id, after_seq=after, before_seq=before, limit=limit
        )
        return self._with_reactions(rows[::-1])

    def readers(self, conversation_id: str, asker_id: str, limit: int) -> Sequence[MessageReader]:
        return furthest_readers(self._connection, conversation_id, asker_id, limit)

    def least_progress(self, message: Message, asker_id: str) -> tuple[int, int] | None:
        return least_progress(self._connection, message, asker_id)

    def last_messages(self, conversations: Collection[Conversation]) -> Mapping[str, Message]:
        # A conversation's newest activity is its newest message, once there is one.
        ids = [MESSAGE_ID_BASE + conversation.active_pos for conversation in conversations if conversation.last_seq]
        return {message.conversation_id: message for message in self._messages_by_id(ids).values()}

    def events_after(self, pos: int, limit: int) -> Sequence[Durable]:
        rows = self._connection.execute(select(log).where(log.c.pos > pos).order_by(log.c.pos).limit(limit)).all()
        message_ids = [row.message_id for row in rows if row.message_id is not None]
        found = self._messages_by_id(message_ids)
        return self.sync.with_covered(to_events(rows, found))

    def count_events(self) -> int:
        """How many events the log holds."""
        return self._connection.execute(select(func.count()).select_from(log)).scalar_one()

    def _messages_by_id(self, message_ids: Collection[int]) -> Mapping[int, Message]:
        if not message_ids:
            return {}
        keys = keys_parameter([(str(id_),) for id_ in set(message_ids)])
        return {message.id: message for message in self._read_messages(self._lookups.messages, keys)}

    def _with_reactions(self, rows: Sequence[AnyRow]) -> list[Message]:
        return with_reactions(self._connection, self._lookups.reactions, rows)

    def _read_messages(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> list[Message]:
        return read_messages(self._connection, self._lookups.reactions, statement, parameters)
