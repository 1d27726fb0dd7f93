"""What one transaction has changed so far, and the values that it works with.

Values are looked up among this transaction's changes, then in the writer's view, then in the database. New messages are
kept aside and written together, so that a batch of a thousand takes as many statements as a batch of one; whatever has
to find them in the database calls `write_messages` first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection, insert, select, update

from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import MESSAGE_ID_BASE, Conversation, Member, Message, User
from talkwire.storage.messages.imports import ImportedRun, write_run
from talkwire.storage.messages.message_rows import is_text, message_values, named_by, read_messages, text_values
from talkwire.storage.schema import conversations, members, messages, users
from talkwire.storage.sql.batch import BatchStatements, Write
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.sql.lookups import Lookups
from talkwire.storage.tables.rows import Values, to_conversation, to_member, to_user, user_values
from talkwire.storage.view import View

K = TypeVar("K")
V = TypeVar("V")


class Workspace:
    """One transaction's changes over one connection."""

    def __init__(self, connection: Connection, lookups: Lookups, bulk: BatchStatements, view: View) -> None:
        self.connection = connection
        self.lookups = lookups
        self._bulk = bulk
        self._view = view
        self._users: dict[str, User] = {}
        self._conversations: dict[str, Conversation] = {}
        self._moved: set[str] = set()
        self._members: dict[tuple[str, str], Member | None] = {}
        self._moved_members: set[tuple[str, str]] = set()
        self._sent: dict[tuple[str, str, str], Message | None] = {}
        self._messages: dict[int, Message | None] = {}
        self._named: dict[tuple[str, str], list[str]] = {}
        self._user_rows: list[dict[str, object]] = []
        self._new_messages: list[Message] = []
        self._only_texts = True
        self._mention_rows: list[Values] = []
        self._references: list[MessageSent] = []
        self._link_rows: list[Values] = []
        self._replies: Counter[int] = Counter()
        self._imports: dict[str, list[ImportedRun]] = {}

    # --- reading ----------------------------------------------------------------------------------------------------

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        known = self._view.users
        missing = [(user_id,) for user_id in user_ids if user_id not in known and user_id not in self._users]
        if missing:
            for user in self._select(self.lookups.users, missing, to_user):
                known[user.id] = user
        return _found(user_ids, self._users, known)

    def user(self, user_id: str) -> User | None:
        return self._users.get(user_id) or self._view.users.get(user_id) or self.users((user_id,)).get(user_id)

    def conversation(self, conversation_id: str) -> Conversation | None:
        changed = self._conversations.get(conversation_id)
        if changed is not None:
            return changed
        if conversation_id not in self._view.conversations:
            self.fetch_conversations((conversation_id,))
        return self._view.conversations.get(conversation_id)

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        key = (conversation_id, user_id)
        if key in self._members:
            return self._members[key]
        if key not in self._view.members:
            self.fetch_members((key,))
        return self._view.members.get(key)

    def members(self, conversation_id: str, user_ids: Collection[str]) -> Mapping[str, Member]:
        keys = [(conversation_id, user_id) for user_id in user_ids]
        self.fetch_members(keys)
        return {key[1]: member for key, member in _found(keys, self._members, self._view.members).items()}

    def sent_message(self, conversation_id: str, sender_id: str, client_message_id: str) -> Message | None:
        key = (conversation_id, sender_id, client_message_id)
        if key not in self._sent:
            self.fetch_sent((key,))
        return self._sent[key]

    def message(self, message_id: int) -> Message | None:
        if message_id not in self._messages:
            self.fetch_messages((message_id,))
        return self._messages[message_id]

    def newest_message_ms(self, conversation: Conversation) -> int | None:
        if not conversation.last_seq:
            return None
        for message in reversed(self._new_messages):
            if message.conversation_id == conversation.id:
                return message.created_ms
        id_ = MESSAGE_ID_BASE + conversation.active_pos
        found = self.connection.execute(select(messages.c.created_ms).where(messages.c.id == id_))
        return int(found.scalar_one())

    def members_named(self, conversation_id: str, names: Collection[str]) -> Mapping[str, Collection[str]]:
        keys = [(conversation_id, name) for name in names]
        missing = [key for key in keys if key not in self._named]
        if missing:
            self.fetch_named(missing)
        return {key[1]: self._named[key] for key in keys if self._named[key]}

    def fetch_sent(self, keys: Collection[tuple[str, str, str]]) -> None:
        self.write_messages()
        self._sent.update(dict.fromkeys(keys))
        for message in self.read_messages(self.lookups.sent_messages, keys):
            assert message.client_message_id is not None
            self._sent[message.conversation_id, message.sender_id, message.client_message_id] = message

    def fetch_messages(self, message_ids: Collection[int]) -> None:
        self.write_messages()
        self._messages.update(dict.fromkeys(message_ids))
        for message in self.read_messages(self.lookups.messages, [(str(id_),) for id_ in message_ids]):
            self._messages[message.id] = message

    def fetch_named(self, keys: Collection[tuple[str, str]]) -> None:
        self.write_users()
        self._named.update((key, []) for key in keys)
        for row in self.connection.execute(self.lookups.named, keys_parameter(keys)):
            self._named[row.conversation_id, row.name].append(row.user_id)

    def fetch_conversations(self, conversation_ids: Collection[str]) -> None:
        known = self._view.conversations
        missing = [(key,) for key in conversation_ids if key not in known and key not in self._conversations]
        if missing:
            for conversation in self._select(self.lookups.conversations, missing, to_conversation):
                known[conversation.id] = conversation

    def fetch_members(self, keys: Collection[tuple[str, str]]) -> None:
        known = self._view.members
        missing = [key for key in keys if key not in known and key not in self._members]
        if missing:
            for member in self._select(self.lookups.members, missing, to_member):
                known[member.conversation_id, member.user_id] = member

    def read_messages(self, statement: Any, keys: Collection[object]) -> list[Message]:  # noqa: ANN401 (a selection)
        return read_messages(self.connection, self.lookups.reactions, statement, keys_parameter(keys))

    def _select(self, statement: Any, keys: Collection[object], to_value: Callable[[Any], V]) -> Iterable[V]:  # noqa: ANN401
        return map(to_value, self.connection.execute(statement, keys_parameter(keys)))

    # --- changing ---------------------------------------------------------------------------------------------------

    def put_user(self, user: User) -> None:
        """Makes later commands see the user so; the caller writes the row."""
        self._users[user.id] = user

    def put_conversation(self, conversation: Conversation) -> None:
        """As `put_user`."""
        self._conversations[conversation.id] = conversation

    def put_member(self, conversation_id: str, user_id: str, member: Member | None) -> None:
        """As `put_user`; None: they are no member any more."""
        self._members[conversation_id, user_id] = member
        self._moved_members.discard((conversation_id, user_id))
        if self._named:
            self._named = {key: ids for key, ids in self._named.items() if key[0] != conversation_id}

    def change_conversation(self, conversation_id: str, **changes: Any) -> None:  # noqa: ANN401 (columns)
        """Changes some of a conversation's columns that are kept as they are in the domain's value."""
        self.put_conversation(replace(self.known_conversation(conversation_id), **changes))
        self.connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(**changes))

    def change_member(self, conversation_id: str, user_id: str, **changes: Any) -> None:  # noqa: ANN401 (columns)
        """As `change_conversation`."""
        self._members[conversation_id, user_id] = replace(self.known_member(conversation_id, user_id), **changes)
        self.connection.execute(
            update(members)
            .where(members.c.conversation_id == conversation_id, members.c.user_id == user_id)
            .values(**changes)
        )

    def move_member(self, member: Member, **cursors: int) -> None:
        """Changes a member's cursors and counts. Like new messages they are kept aside and written together."""
        key = (member.conversation_id, member.user_id)
        self._members[key] = replace(member, **cursors)
        self._moved_members.add(key)

    def touch(self, conversation_id: str, pos: int) -> None:
        """Something happened in a conversation: whoever asks what is new has to look there."""
        self._conversations[conversation_id] = replace(self.known_conversation(conversation_id), last_pos=pos)
        self._moved.add(conversation_id)

    def known_member(self, conversation_id: str, user_id: str) -> Member:
        member = self.member(conversation_id, user_id)
        assert member is not None, "the domain looked the member up"
        return member

    def known_conversation(self, conversation_id: str) -> Conversation:
        conversation = self.conversation(conversation_id)
        assert conversation is not None, "the domain looked the conversation up"
        return conversation

    def stage_user(self, user: User) -> None:
        """Keeps a new user aside: the application's backend may name thousands at once."""
        self.put_user(user)
        self._user_rows.append(user_values(user))

    def write_users(self) -> None:
        """Writes the users that were kept aside; to be called before anything looks for users in the database."""
        if self._user_rows:
            self.connection.execute(insert(users), self._user_rows)
            self._user_rows = []

    def stage_message(self, event: MessageSent) -> None:
        """Keeps a new message aside."""
        message = event.message
        conversation_id, sender_id = message.conversation_id, message.sender_id
        self._new_messages.append(message)
        conversation = self._conversations.get(conversation_id) or self._view.conversations[conversation_id]
        self._conversations[conversation_id] = replace(
            conversation, last_seq=message.seq, last_pos=event.pos, active_pos=event.pos
        )
        self._moved.add(conversation_id)
        if message.imported:
            self._stage_import(message)
        else:
            key = (conversation_id, sender_id)
            member = self._members.get(key) or self._view.members[key]
            self._members[key] = replace(member, sent_count=member.sent_count + 1, last_sent_ms=event.at_ms)
            self._moved_members.add(key)
        if message.client_message_id is not None:
            self._sent[conversation_id, sender_id, message.client_message_id] = message
        if self._messages:
            self._messages.pop(message.id, None)
        if not is_text(message):
            self._only_texts = False
            self.stage_mentions(message)
            self._stage_links(message)
            if message.reply_to is not None or message.mentions or message.mentions_all:
                self._references.append(event)
            if message.thread_id is not None:
                self._count_reply(message.thread_id)

    def take_references(self) -> list[MessageSent]:
        """Returns the new messages that name users or reply to one, since this was asked last."""
        found, self._references = self._references, []
        return found

    def forget_sender(self, user_id: str) -> None:
        """Messages show their sender's name, and texts name users by it: a user has another one now."""
        self._named.clear()
        self._messages = {id_: m for id_, m in self._messages.items() if m is None or m.sender_id != user_id}
        self._sent = {key: m for key, m in self._sent.items() if m is None or m.sender_id != user_id}

    def put_message(self, message: Message) -> None:
        """As `put_user`."""
        self._messages[message.id] = message
        if message.client_message_id is not None:
            # A retry is answered with the message as it is now.
            self._sent[message.conversation_id, message.sender_id, message.client_message_id] = message

    def forget_messages(self) -> None:
        """Many look different from now on."""
        self._messages.clear()
        self._sent.clear()

    def forget_message(self, message_id: int) -> None:
        """It and what quotes it look different from now on."""

        def is_other(message: Message | None) -> bool:
            quote = None if message is None else message.reply_to
            return message is None or (message.id != message_id and (quote is None or quote.id != message_id))

        self._messages = {key: message for key, message in self._messages.items() if is_other(message)}
        self._sent = {key: message for key, message in self._sent.items() if is_other(message)}

    def _stage_import(self, message: Message) -> None:
        """Keeps aside that a message was imported: in a run with the one before it, where that was imported too."""
        runs = self._imports.setdefault(message.conversation_id, [])
        if runs and runs[-1].to_seq == message.seq - 1:
            runs[-1] = runs[-1]._replace(to_seq=message.seq)
        else:
            runs.append(ImportedRun(message.conversation_id, message.seq, message.seq, message.created_ms))

    def _count_reply(self, root_id: int) -> None:
        self._replies[root_id] += 1
        root = self._messages.get(root_id)
        if root is not None:
            self.put_message(replace(root, reply_count=root.reply_count + 1))

    def _stage_links(self, message: Message) -> None:
        self._link_rows += [
            (attachment.id, message.id, message.conversation_id, message.seq)
            for attachment in message.attachments
            if attachment.id is not None
        ]

    def stage_mentions(self, message: Message) -> None:
        """Whom a message names. Nobody has to look at one that was imported."""
        if message.imported:
            return
        self._mention_rows += [
            (message.conversation_id, id_, message.seq, message.sender_id) for id_ in named_by(message)
        ]

    def write_messages(self) -> None:
        """Writes the messages that were kept aside, and who sent them."""
        self.write_users()
        self._bulk.write(self.connection, self._take_messages())
        self._write_imports()
        self._write_reply_counts()

    def flush(self, *more: Write) -> None:
        """Writes everything that was kept aside, and `more`."""
        self.write_users()
        self._bulk.write(self.connection, [*self._take_messages(), *self._take_moves(), *more])
        self._write_imports()
        self._write_reply_counts()

    def _take_messages(self) -> list[Write]:
        bulk, writes = self._bulk, []
        if self._new_messages:
            if self._only_texts:
                writes.append(Write(bulk.insert_texts, [text_values(message) for message in self._new_messages]))
            else:
                writes.append(Write(bulk.insert_messages, [message_values(message) for message in self._new_messages]))
            self._new_messages = []
            self._only_texts = True
        if self._link_rows:
            writes.append(Write(bulk.insert_links, self._link_rows))
            self._link_rows = []
        if self._mention_rows:
            writes.append(Write(bulk.insert_mentions, self._mention_rows))
            self._mention_rows = []
        return writes

    def _take_moves(self) -> list[Write]:
        writes = []
        if self._moved_members:
            writes.append(Write(self._bulk.move_members, [self._cursors(key) for key in self._moved_members]))
            self._moved_members.clear()
        if self._moved:
            moved = [self._conversations[id_] for id_ in self._moved]
            rows = [(c.last_seq, c.last_pos, c.active_pos, c.id) for c in moved]
            writes.append(Write(self._bulk.move_conversations, rows))
            self._moved.clear()
        return writes

    def _write_reply_counts(self) -> None:
        """Not together with the messages, as a reply may be to one that is as new."""
        if self._replies:
            rows = [(count, root_id) for root_id, count in self._replies.items()]
            self._bulk.write(self.connection, [Write(self._bulk.count_replies, rows)])
            self._replies.clear()

    def _write_imports(self) -> None:
        for runs in self._imports.values():
            for run in runs:
                write_run(self.connection, run)
        self._imports.clear()

    def _cursors(self, key: tuple[str, str]) -> Values:
        member = self._members[key]
        assert member is not None, "whoever left has no cursors any more"
        return (
            member.sent_count,
            member.last_sent_ms,
            member.read_seq,
            member.read_ms,
            member.read_sent,
            member.delivered_seq,
            member.delivered_ms,
            *key,
        )

    def committed(self, pos: int) -> None:
        """Brings the writer's view up to date; to be called once the transaction is on disk."""
        view = self._view
        view.pos = pos
        view.conversations.update(self._conversations)
        view.users.update(self._users)
        for key, member in self._members.items():
            if member is None:
                view.members.pop(key, None)
            else:
                view.members[key] = member


def _found(keys: Iterable[K], changed: Mapping[K, V | None], known: Mapping[K, V]) -> dict[K, V]:
    found = {}
    for key in keys:
        value = changed[key] if key in changed else known.get(key)
        if value is not None:
            found[key] = value
    return found
