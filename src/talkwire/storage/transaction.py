"""The transaction that changes are carried out in: one for a whole batch of commands.

Reads go to what this batch has changed, then to the writer's view, then to the database. An event is staged or written
as it is recorded; messages, their log rows and their conversations' new heads are written together at the end, so that
a batch of a thousand messages takes as many statements as a batch of one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from secrets import randbits
from typing import Any, TypeVar, assert_never

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from talkwire.core.events import (
    ConversationCreated,
    Durable,
    LoginEnded,
    LoginOpened,
    MemberAdded,
    MemberRemoved,
    MessageSent,
    UserBanned,
    UserCreated,
    UserRenamed,
    UserUnbanned,
)
from talkwire.core.model import Account, Conversation, LoginSession, Member, Message, User
from talkwire.core.transaction import Needs
from talkwire.storage.batch_statements import BatchStatements
from talkwire.storage.keys import keys_parameter
from talkwire.storage.rows import (
    Values,
    log_values,
    message_values,
    to_account,
    to_conversation,
    to_login,
    to_member,
    to_message,
    to_user,
)
from talkwire.storage.schema import accounts, conversations, logins, members, users
from talkwire.storage.statements import Lookups
from talkwire.storage.view import View

K = TypeVar("K")
V = TypeVar("V")


class BatchTransaction:
    """Implements `core.transaction.Transaction` over one connection. Begin it with the head locked, then `flush`."""

    def __init__(
        self, connection: Connection, lookups: Lookups, bulk: BatchStatements, view: View, now_ms: int
    ) -> None:
        self._connection = connection
        self._lookups = lookups
        self._bulk = bulk
        self._view = view
        self.now_ms = now_ms
        self.epoch, self.start_pos = bulk.lock_head(connection)
        self._pos: int = self.start_pos
        self.batch_id = randbits(63)
        self.events: list[Durable] = []
        self._message_rows: list[Values] = []
        self._moved: dict[str, tuple[int, int]] = {}
        self._conversations: dict[str, Conversation] = {}
        self._members: dict[tuple[str, str], Member | None] = {}
        self._users: dict[str, User] = {}
        self._sent: dict[tuple[str, str, str], Message | None] = {}

    @property
    def pos(self) -> int:
        """The position of the newest event, this transaction's own included."""
        return self._pos

    # --- reading ----------------------------------------------------------------------------------------------------

    def prefetch(self, needs: Needs) -> None:
        """Reads what a batch is going to ask for, a statement a table at most."""
        user_ids = {user_id for _, user_id in needs.members}
        self.users(user_ids)
        self._fetch_conversations({conversation_id for conversation_id, _ in needs.members})
        self._fetch_members(needs.members)
        if needs.sent_messages:
            self._sent.update(dict.fromkeys(needs.sent_messages))
            for message in self._select(self._lookups.sent_messages, needs.sent_messages, to_message):
                assert message.client_message_id is not None
                self._sent[message.conversation_id, message.sender_id, message.client_message_id] = message

    def user(self, user_id: str) -> User | None:
        return self.users((user_id,)).get(user_id)

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        known = self._view.users
        missing = [(user_id,) for user_id in user_ids if user_id not in known and user_id not in self._users]
        if missing:
            for user in self._select(self._lookups.users, missing, to_user):
                known[user.id] = user
        return _found(user_ids, self._users, known)

    def account(self, email: str) -> Account | None:
        row = self._connection.execute(select(accounts).where(accounts.c.email == email)).one_or_none()
        return None if row is None else to_account(row)

    def account_of(self, user_id: str) -> Account | None:
        row = self._connection.execute(select(accounts).where(accounts.c.user_id == user_id)).one_or_none()
        return None if row is None else to_account(row)

    def login(self, session_id: str) -> LoginSession | None:
        row = self._connection.execute(select(logins).where(logins.c.id == session_id)).one_or_none()
        return None if row is None else to_login(row)

    def conversation(self, conversation_id: str) -> Conversation | None:
        changed = self._conversations.get(conversation_id)
        if changed is not None:
            return changed
        self._fetch_conversations((conversation_id,))
        return self._view.conversations.get(conversation_id)

    def direct_conversation(self, user_id: str, other_id: str) -> Conversation | None:
        key = direct_key(user_id, other_id)
        row = self._connection.execute(select(conversations).where(conversations.c.direct_key == key)).one_or_none()
        return None if row is None else self.conversation(row.id)

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        key = (conversation_id, user_id)
        if key in self._members:
            return self._members[key]
        self._fetch_members((key,))
        return self._view.members.get(key)

    def members(self, conversation_id: str, user_ids: Collection[str]) -> Mapping[str, Member]:
        keys = [(conversation_id, user_id) for user_id in user_ids]
        self._fetch_members(keys)
        return {key[1]: member for key, member in _found(keys, self._members, self._view.members).items()}

    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None:
        key = (conversation_id, sender_id, client_message_id)
        if key not in self._sent:
            self._sent[key] = next(iter(self._select(self._lookups.sent_messages, (key,), to_message)), None)
        return self._sent[key]

    def _fetch_conversations(self, conversation_ids: Collection[str]) -> None:
        known = self._view.conversations
        missing = [(key,) for key in conversation_ids if key not in known and key not in self._conversations]
        if missing:
            for conversation in self._select(self._lookups.conversations, missing, to_conversation):
                known[conversation.id] = conversation

    def _fetch_members(self, keys: Collection[tuple[str, str]]) -> None:
        known = self._view.members
        missing = [key for key in keys if key not in known and key not in self._members]
        if missing:
            for member in self._select(self._lookups.members, missing, to_member):
                known[member.conversation_id, member.user_id] = member

    def _select(self, statement: Any, keys: Collection[object], to_value: Callable[[Any], V]) -> Iterable[V]:  # noqa: ANN401
        return map(to_value, self._connection.execute(statement, keys_parameter(keys)))

    # --- changing ---------------------------------------------------------------------------------------------------

    def next_pos(self) -> int:
        return self._pos + 1

    def record(self, event: Durable) -> None:
        assert event.pos == self._pos + 1, "events are recorded in the order of their positions"
        self._pos = event.pos
        self.events.append(event)
        self._project(event)

    def put_account(self, account: Account) -> None:
        self._connection.execute(delete(accounts).where(accounts.c.user_id == account.user_id))
        self._connection.execute(insert(accounts), msgspec.structs.asdict(account))

    def put_login(self, session: LoginSession) -> None:
        self.drop_login(session.id)
        self._connection.execute(insert(logins), msgspec.structs.asdict(session))

    def drop_login(self, session_id: str) -> None:
        self._connection.execute(delete(logins).where(logins.c.id == session_id))

    def drop_expired_logins(self, user_id: str) -> None:
        self._connection.execute(delete(logins).where(logins.c.user_id == user_id, logins.c.expires_ms <= self.now_ms))

    def flush(self) -> None:
        """Writes what was staged and moves the log's head."""
        if not self.events:
            return
        if self._message_rows:
            self._bulk.insert_messages(self._connection, self._message_rows)
            moved = [(seq, pos, conversation_id) for conversation_id, (seq, pos) in self._moved.items()]
            self._bulk.move_conversations(self._connection, moved)
        rows = [log_values(event, None) for event in self.events[:-1]]
        rows.append(log_values(self.events[-1], self.batch_id))
        self._bulk.insert_log(self._connection, rows)
        self._bulk.move_head(self._connection, self._pos)

    def committed(self) -> None:
        """Brings the writer's view up to date; to be called once the transaction is on disk."""
        view = self._view
        view.pos = self._pos
        view.conversations.update(self._conversations)
        view.users.update(self._users)
        for key, member in self._members.items():
            if member is None:
                view.members.pop(key, None)
            else:
                view.members[key] = member

    def _project(self, event: Durable) -> None:
        """What an event does to the tables: the only place that changes them."""
        match event:
            case MessageSent():
                self._stage_message(event)
            case UserCreated():
                self._users[event.user.id] = event.user
                self._connection.execute(insert(users), msgspec.structs.asdict(event.user))
            case UserRenamed():
                self._change_user(event.user_id, {"name": event.name})
            case UserBanned() | UserUnbanned():
                self._change_user(event.user_id, {"banned": isinstance(event, UserBanned)})
            case LoginOpened() | LoginEnded():
                pass  # a sign-in's row holds a token's hash, which no event does: `put_login`, `drop_login`
            case ConversationCreated():
                self._insert_conversation(event)
            case MemberAdded():
                self._insert_members(event.members)
                self._resize(event.conversation_id, len(event.members), event)
            case MemberRemoved():
                self._delete_member(event)
            case _:
                assert_never(event)

    def _stage_message(self, event: MessageSent) -> None:
        message = event.message
        conversation_id = message.conversation_id
        self._message_rows.append(message_values(message))
        self._moved[conversation_id] = (message.seq, event.pos)
        conversation = self._conversations.get(conversation_id) or self._view.conversations[conversation_id]
        self._conversations[conversation_id] = msgspec.structs.replace(conversation, last_seq=message.seq)
        if message.client_message_id is not None:
            self._sent[conversation_id, message.sender_id, message.client_message_id] = message

    def _change_user(self, user_id: str, changes: dict[str, Any]) -> None:
        user = self.user(user_id)
        assert user is not None, "the domain looked the user up"
        self._users[user_id] = msgspec.structs.replace(user, **changes)
        self._connection.execute(update(users).where(users.c.id == user_id).values(**changes))

    def _insert_conversation(self, event: ConversationCreated) -> None:
        conversation = event.conversation
        key = direct_key(*(member.user_id for member in event.members)) if conversation.kind == "direct" else None
        values = msgspec.structs.asdict(conversation) | {"direct_key": key, "last_pos": event.pos}
        self._connection.execute(insert(conversations), values)
        self._conversations[conversation.id] = conversation
        self._insert_members(event.members)

    def _insert_members(self, added: Collection[Member]) -> None:
        self._connection.execute(insert(members), [msgspec.structs.asdict(member) for member in added])
        self._members.update({(member.conversation_id, member.user_id): member for member in added})

    def _delete_member(self, event: MemberRemoved) -> None:
        key = (event.conversation_id, event.user_id)
        self._connection.execute(
            delete(members).where(members.c.conversation_id == key[0], members.c.user_id == key[1])
        )
        self._members[key] = None
        self._resize(event.conversation_id, -1, event)

    def _resize(self, conversation_id: str, by: int, event: Durable) -> None:
        conversation = self.conversation(conversation_id)
        assert conversation is not None, "the domain looked the conversation up"
        changed = msgspec.structs.replace(
            conversation, member_count=conversation.member_count + by, updated_ms=event.at_ms
        )
        self._conversations[conversation_id] = changed
        if conversation_id in self._moved:
            self._moved[conversation_id] = (changed.last_seq, event.pos)
        self._connection.execute(
            update(conversations)
            .where(conversations.c.id == conversation_id)
            .values(member_count=changed.member_count, updated_ms=event.at_ms, last_pos=event.pos)
        )


def direct_key(user_id: str, other_id: str) -> str:
    """Names a pair in either order. Ids hold no white space, so the line break cannot be part of one."""
    return "\n".join(sorted((user_id, other_id)))


def _found(keys: Iterable[K], changed: Mapping[K, V | None], known: Mapping[K, V]) -> dict[K, V]:
    found = {}
    for key in keys:
        value = changed[key] if key in changed else known.get(key)
        if value is not None:
            found[key] = value
    return found
