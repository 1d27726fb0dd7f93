"""Reading: a consistent view over one connection's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from talkwire.core.commands.accounts import AccountRecord
from talkwire.core.commands.conversations import MemberView
from talkwire.core.events import Durable
from talkwire.core.model import Conversation, Member, Message, User
from talkwire.storage.keys import keys_parameter
from talkwire.storage.rows import message_select, to_conversation, to_event, to_member, to_message, to_user
from talkwire.storage.schema import accounts, conversations, log, log_head, members, messages, users
from talkwire.storage.statements import Lookups


class TableSnapshot:
    """Implements `core.transaction.Snapshot`."""

    def __init__(self, connection: Connection, lookups: Lookups) -> None:
        self._connection = connection
        self._lookups = lookups

    def head(self) -> tuple[str, int]:
        epoch, pos = self._connection.execute(select(log_head.c.epoch, log_head.c.pos)).one()
        return epoch, pos

    def user(self, user_id: str) -> User | None:
        row = self._connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
        return None if row is None else to_user(row)

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        rows = self._connection.execute(self._lookups.users, keys_parameter([(key,) for key in user_ids]))
        return {row.id: to_user(row) for row in rows}

    def users_after(self, cursor: str | None, limit: int) -> Sequence[User]:
        statement = select(users).order_by(users.c.id).limit(limit)
        if cursor is not None:
            statement = statement.where(users.c.id > cursor)
        return [to_user(row) for row in self._connection.execute(statement)]

    def account_record(self, email: str) -> AccountRecord | None:
        statement = (
            select(users, accounts.c.password_hash)
            .join(accounts, accounts.c.user_id == users.c.id)
            .where(accounts.c.email == email)
        )
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else AccountRecord(to_user(row), row.password_hash)

    def conversation(self, conversation_id: str) -> Conversation | None:
        row = self._connection.execute(select(conversations).where(conversations.c.id == conversation_id)).one_or_none()
        return None if row is None else to_conversation(row)

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        row = self._connection.execute(
            select(members).where(members.c.conversation_id == conversation_id, members.c.user_id == user_id)
        ).one_or_none()
        return None if row is None else to_member(row)

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

    def conversation_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        return self._ids_by_user(self._lookups.memberships, user_ids)

    def login_ids_of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        return self._ids_by_user(self._lookups.logins, user_ids)

    def _ids_by_user(self, lookup: Select[Any], user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for user_id, id_ in self._connection.execute(lookup, keys_parameter([(user_id,) for user_id in user_ids])):
            found.setdefault(user_id, set()).add(id_)
        return {user_id: frozenset(ids) for user_id, ids in found.items()}

    def conversations_of(
        self, user_id: str | None, before_pos: int | None, limit: int
    ) -> Sequence[tuple[Conversation, int]]:
        statement = select(conversations).order_by(conversations.c.last_pos.desc()).limit(limit)
        if user_id is not None:
            statement = statement.join(members, members.c.conversation_id == conversations.c.id).where(
                members.c.user_id == user_id
            )
        if before_pos is not None:
            statement = statement.where(conversations.c.last_pos < before_pos)
        return [(to_conversation(row), row.last_pos) for row in self._connection.execute(statement)]

    def message(self, message_id: int) -> Message | None:
        row = self._connection.execute(message_select.where(messages.c.id == message_id)).one_or_none()
        return None if row is None else to_message(row)

    def messages(
        self, conversation_id: str, *, after_seq: int | None = None, before_seq: int | None = None, limit: int
    ) -> Sequence[Message]:
        statement = message_select.where(messages.c.conversation_id == conversation_id).limit(limit)
        if after_seq is not None:
            statement = statement.where(messages.c.seq > after_seq).order_by(messages.c.seq)
            return [to_message(row) for row in self._connection.execute(statement)]
        if before_seq is not None:
            statement = statement.where(messages.c.seq < before_seq)
        rows = self._connection.execute(statement.order_by(messages.c.seq.desc()))
        return [to_message(row) for row in rows][::-1]

    def last_messages(self, conversations: Collection[Conversation]) -> Mapping[str, Message]:
        places = [(conversation.id, conversation.last_seq) for conversation in conversations if conversation.last_seq]
        if not places:
            return {}
        statement = message_select.where(tuple_(messages.c.conversation_id, messages.c.seq).in_(places))
        return {row.conversation_id: to_message(row) for row in self._connection.execute(statement)}

    def events_after(self, pos: int, limit: int) -> Sequence[Durable]:
        rows = self._connection.execute(select(log).where(log.c.pos > pos).order_by(log.c.pos).limit(limit)).all()
        message_ids = [row.message_id for row in rows if row.message_id is not None]
        found = self._messages_by_id(message_ids)
        return [to_event(row, found.get(row.message_id)) for row in rows]

    def count_events(self) -> int:
        """How many events the log holds."""
        return self._connection.execute(select(func.count()).select_from(log)).scalar_one()

    def _messages_by_id(self, message_ids: Sequence[int]) -> Mapping[int, Message]:
        if not message_ids:
            return {}
        # The ids of a stretch of the log are a range of the key, so no list of them has to be sent.
        statement = message_select.where(messages.c.id.between(message_ids[0], message_ids[-1]))
        return {row.id: to_message(row) for row in self._connection.execute(statement)}
