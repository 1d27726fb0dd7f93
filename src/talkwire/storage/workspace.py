"""What one transaction has changed so far, and what it has yet to write.

A workspace knows no table: the modules of the tables look values up in it, put changed ones into it and write the rows
that were staged. A value is looked up among this transaction's changes, then in the writer's view, then in the
database. New messages are staged and written together, so that a batch of a thousand takes as many statements as a
batch of one.
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
    """Messages of one conversation that were imported, without another between them. The oldest is of `oldest_ms`."""

    conversation_id: str
    from_seq: int
    to_seq: int
    oldest_ms: int


class MessagePlace(NamedTuple):
    """Where a message is."""

    conversation_id: str
    seq: int


class StagedMessages:
    """New messages and what is stored with them, until they are written. `only_texts`: none has more than its text."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.only_texts = True
        self.mentions: list[tuple[str, str, int, str]] = []
        self.links: list[tuple[str, int, str, int]] = []
        self.replies: Counter[int] = Counter()
        self.runs: dict[str, list[ImportedRun]] = {}
        self.references: list[MessageSent] = []
        """Events of new messages that name users or reply to a message: their notifications are not staged yet."""


class Workspace:
    """One transaction's changes over one connection."""

    def __init__(self, connection: Connection, view: View, now_ms: int) -> None:
        self.connection = connection
        self.view = view
        self.now_ms = now_ms
        self.users: dict[str, User] = {}
        self.conversations: dict[str, Conversation] = {}
        self.moved_conversations: set[str] = set()
        self.members: dict[tuple[str, str], Member | None] = {}
        """By (conversation id, user id); None: removed."""
        self.moved_members: set[tuple[str, str]] = set()
        self.messages: dict[int, Message | None] = {}
        """Changed messages and those that were looked up; None: there is no such message."""
        self.places: dict[int, MessagePlace | None] = {}
        """As `messages`: where messages are that were looked up for that alone."""
        self.sent: dict[tuple[str, str, str], Message | None] = {}
        """As `messages`, by (conversation id, sender id, client message id)."""
        self.named: dict[tuple[str, str], list[str]] = {}
        """User ids of members, by (conversation id, name)."""
        self.new_users: list[User] = []
        self.staged = StagedMessages()

    def put_member(self, conversation_id: str, user_id: str, member: Member | None) -> None:
        """Makes later commands see the member so; the caller writes the row. None: they were removed."""
        self.members[conversation_id, user_id] = member
        self.moved_members.discard((conversation_id, user_id))
        if self.named:
            self.named = {key: ids for key, ids in self.named.items() if key[0] != conversation_id}

    def move_member(self, member: Member, **cursors: int) -> None:
        """Changes a member's cursors and counts. Like new messages they are staged."""
        key = (member.conversation_id, member.user_id)
        self.members[key] = replace(member, **cursors)
        self.moved_members.add(key)

    def put_message(self, message: Message) -> None:
        """Makes later commands see the message so; the caller writes the row."""
        self.messages[message.id] = message
        if message.client_message_id is not None:
            # A retry is answered with the message as it is now.
            self.sent[message.conversation_id, message.sender_id, message.client_message_id] = message

    def forget_sender(self, user_id: str) -> None:
        """Drops cached messages and names after a user was changed: messages show their sender's name, and texts
        mention users by it."""
        self.named.clear()
        self.messages = {id_: m for id_, m in self.messages.items() if m is None or m.sender_id != user_id}
        self.sent = {key: m for key, m in self.sent.items() if m is None or m.sender_id != user_id}

    def forget_messages(self) -> None:
        """Drops all cached messages."""
        self.messages.clear()
        self.sent.clear()

    def forget_message(self, message_id: int) -> None:
        """Drops a cached message, and those that quote it."""

        def is_other(message: Message | None) -> bool:
            quote = None if message is None else message.reply_to
            return message is None or (message.id != message_id and (quote is None or quote.id != message_id))

        self.messages = {key: message for key, message in self.messages.items() if is_other(message)}
        self.sent = {key: message for key, message in self.sent.items() if is_other(message)}

    def take_references(self) -> list[MessageSent]:
        """Returns `staged.references` since the last call."""
        found, self.staged.references = self.staged.references, []
        return found

    def committed(self, pos: int) -> None:
        """Brings the writer's view up to date. Call it once the transaction is on disk."""
        view = self.view
        view.pos = pos
        view.conversations.update(self.conversations)
        view.users.update(self.users)
        for key, member in self.members.items():
            if member is None:
                view.members.pop(key, None)
            else:
                view.members[key] = member


class Changes:
    """The base of the parts of a transaction, each in the module of its table."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
