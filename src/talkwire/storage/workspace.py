"""The uncommitted changes of one transaction: changed values that later commands of the batch must see, and staged rows
that are not written yet.

A workspace does not depend on any table: the modules of the tables look values up in it, put changed ones into it and
write the staged rows. A value is looked up among this transaction's changes, then in the writer's view (its cache
between transactions), then in the database. New messages are staged and written together, so that a batch of a thousand
takes as many statements as a batch of one.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection

from talkwire.core.domain.events import MessageSent
from talkwire.core.domain.model import Conversation, Member, Message, User
from talkwire.storage.view import View


class ImportedRun(NamedTuple):
    """Consecutive messages of one conversation, from `from_seq` to `to_seq`, that were all imported from another
    system. `oldest_ms` is when the first one was sent, in milliseconds since 1970."""

    conversation_id: str
    from_seq: int
    to_seq: int
    oldest_ms: int


class MessagePlace(NamedTuple):
    """The place of a message: its conversation and its `seq` (number in the conversation)."""

    conversation_id: str
    seq: int


class NewFollow(NamedTuple):
    """A user who follows a thread from now on, with everything up to `read_seq` read. Does not change an existing row,
    which says that the user follows the thread already or has stopped following it; with `again`, a user who has
    stopped follows it again."""

    user_id: str
    root_id: int
    conversation_id: str
    read_seq: int
    again: bool


class StagedMessages:
    """New messages of a transaction, and the rows that belong to them, until they are written together. `only_texts` is
    True while no message has more than a text, so that a cheaper statement can write them."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.only_texts = True
        self.mentions: list[tuple[str, str, int, str]] = []
        self.links: list[tuple[str, int, str, int, str]] = []
        self.quotes: list[tuple[int, int]] = []
        self.replies: Counter[int] = Counter()
        self.runs: dict[str, list[ImportedRun]] = {}
        self.imported: list[Message] = []
        """Imported messages that were edited, pinned or reacted to in the other system."""
        self.follows: dict[tuple[str, int], NewFollow] = {}
        """New follows of threads, by (user id, root id)."""
        self.references: list[MessageSent] = []
        """Events of new messages that name users or reply to a message: their notifications are not staged yet."""

    @property
    def have_followers(self) -> bool:
        """True if there are rows that can be written only after the messages, such as counts of replies."""
        return bool(self.runs or self.replies or self.follows or self.imported)


class Workspace:
    """The uncommitted changes of one transaction over `connection`: changed users, conversations, members and messages
    by their keys, which later commands of the batch must see, and staged rows that are not written yet. `view` is the
    writer's cache, `now_ms` the transaction's time in milliseconds since 1970."""

    def __init__(self, connection: Connection, view: View, now_ms: int) -> None:
        self.connection = connection
        self.view = view
        self.now_ms = now_ms
        self.users: dict[str, User] = {}
        self.absent_users: set[str] = set()
        """Ids that no user in the database has; those in `users` may have one of them."""
        self.conversations: dict[str, Conversation] = {}
        self.moved_conversations: set[str] = set()
        self.members: dict[tuple[str, str], Member | None] = {}
        """Changed members and those that were looked up, by (conversation id, user id); None: removed."""
        self.moved_members: set[tuple[str, str]] = set()
        self.messages: dict[int, Message | None] = {}
        """Changed messages and those that were looked up; None: there is no such message."""
        self.places: dict[int, MessagePlace | None] = {}
        """Places of messages that were looked up for that alone, by message id; None: there is no such message."""
        self.sent: dict[tuple[str, str, str], Message | None] = {}
        """Messages that were sent or looked up, by (conversation id, sender id, client message id); None: there is no
        such message."""
        self.named: dict[tuple[str, str], list[str]] = {}
        """User ids of members, by (conversation id, name)."""
        self.new_users: list[User] = []
        self.staged = StagedMessages()
        self.timers: dict[tuple[str, str], int | None] = {}
        """Times at which timers fire that were set or moved, in milliseconds since 1970, by (kind, key); None: removed.
        The rows are written at the end."""
        self.first_due_ms: int | None = None
        """Time at which the first of the timers fires that this transaction has written, in milliseconds since 1970."""

    def put_member(self, conversation_id: str, user_id: str, member: Member | None) -> None:
        """Stores a changed member, which later commands of the transaction then see; None for a removed one. The caller
        writes the row."""
        self.members[conversation_id, user_id] = member
        self.moved_members.discard((conversation_id, user_id))
        if self.named:
            self.named = {key: ids for key, ids in self.named.items() if key[0] != conversation_id}

    def move_member(self, member: Member, **cursors: int) -> None:
        """Changes a member's counts and read and delivery positions, given as fields of `Member`. The row is staged, to
        be written at the end."""
        key = (member.conversation_id, member.user_id)
        self.members[key] = replace(member, **cursors)
        self.moved_members.add(key)

    def put_message(self, message: Message) -> None:
        """Stores a changed message, which later commands of the transaction then see. The caller writes the row."""
        self.messages[message.id] = message
        if message.client_message_id is not None:
            # A retry is answered with the message as it is now.
            self.sent[message.conversation_id, message.sender_id, message.client_message_id] = message

    def forget_sender(self, user_id: str) -> None:
        """Removes cached messages that show a user, since they contain the user's name and picture, and the cached
        results of looking up members by name. Call it when a user has changed."""
        self.named.clear()
        self.messages = {id_: m for id_, m in self.messages.items() if m is None or not _names(m, user_id)}
        self.sent = {key: m for key, m in self.sent.items() if m is None or not _names(m, user_id)}

    def forget_messages(self) -> None:
        """Removes all cached messages, so that later commands read them again from the database."""
        self.messages.clear()
        self.sent.clear()

    def forget_message(self, message_id: int) -> None:
        """Removes a message, and the messages that quote it, from the cache, so that they are read again from the
        database."""

        def is_other(message: Message | None) -> bool:
            quote = None if message is None else message.reply_to
            return message is None or (message.id != message_id and (quote is None or quote.id != message_id))

        self.messages = {key: message for key, message in self.messages.items() if is_other(message)}
        self.sent = {key: message for key, message in self.sent.items() if is_other(message)}

    def take_references(self) -> list[MessageSent]:
        """Returns the events of new messages with mentions or a quoted message that were staged since the last call:
        they may notify users."""
        found, self.staged.references = self.staged.references, []
        return found

    def committed(self, pos: int) -> None:
        """Copies the transaction's changes into the writer's view, its cache between transactions, which is then as of
        log position `pos`. Call it only after a successful commit."""
        view = self.view
        view.pos = pos
        view.conversations.update(self.conversations)
        view.users.update(self.users)
        for key, member in self.members.items():
            if member is None:
                view.members.pop(key, None)
            else:
                view.members[key] = member


def _names(message: Message, user_id: str) -> bool:
    """Returns whether a message shows the user's name, as its sender or as a participant of its thread."""
    participants = () if message.thread is None else message.thread.participants
    return message.sender_id == user_id or any(each.user_id == user_id for each in participants)


class Changes:
    """The base class of the parts of a write transaction. Each part is in the module of its table, and all share one
    `Workspace`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
