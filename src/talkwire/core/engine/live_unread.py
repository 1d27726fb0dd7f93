"""Sends connected users their unread counts after events that may have changed them.

New messages are excepted: clients count them themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from talkwire.core.commands.receipts import CountUnread, Unread
from talkwire.core.connected.directory import Directory
from talkwire.core.domain.actors import UNREAD_COUNTER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MemberAdded, MessageDeleted, MessageSent, MessagesRead, News, UnreadChanged
from talkwire.core.domain.model import LARGE_CONVERSATION, Actor

Figures = tuple[tuple[str, str, Unread], ...]


class UnreadCounter(Protocol):
    """The part of the chat that counts unread messages."""

    def execute(self, actor: Actor, command: CountUnread) -> Awaitable[Figures]: ...


class LiveUnread:
    """Counts with one query what the events of one turn have changed, and passes the notices to `notify`."""

    def __init__(
        self, chat: UnreadCounter, directory: Directory, notify: Callable[[Sequence[UnreadChanged]], None]
    ) -> None:
        self._chat = chat
        self._directory = directory
        self._notify = notify
        self._changed: dict[tuple[str, str], None] = {}
        self._task: asyncio.Task[None] | None = None

    def follow(self, events: Sequence[News]) -> None:
        """Handles a batch of events."""
        for event in events:
            if type(event) is MessageSent:
                continue  # nearly every event is a message
            match event:
                case MessagesRead():
                    self._note(event.conversation_id, event.user_id)
                case MessageDeleted():
                    self._note_members(event.message.conversation_id)
                case MemberAdded():
                    for member in event.members:
                        self._note(event.conversation_id, member.user_id)
        if self._changed and self._task is None:
            self._task = asyncio.ensure_future(self._count())

    async def close(self) -> None:
        """Waits for the counts in progress."""
        if self._task is not None:
            await self._task

    def _note(self, conversation_id: str, user_id: str) -> None:
        entry = self._directory.peek(user_id)
        if entry is not None and entry.holds:
            self._changed[conversation_id, user_id] = None

    def _note_members(self, conversation_id: str) -> None:
        """Schedules counting for the connected members of a conversation, unless it is large.

        In a large one the clients update their counts themselves: `message:deleted` names the message.
        """
        membership = self._directory.memberships.get(conversation_id)
        if membership is not None and membership.member_count <= LARGE_CONVERSATION:
            for user_id in membership.user_ids:
                self._note(conversation_id, user_id)

    async def _count(self) -> None:
        while self._changed:
            keys, self._changed = tuple(self._changed), {}
            try:
                figures = await self._chat.execute(UNREAD_COUNTER, CountUnread(keys))
            except ChatError:
                continue  # the database is unavailable; clients that ask for counts receive the error
            self._notify([UnreadChanged(user_id, id_, u.unread_count, u.mention_count) for id_, user_id, u in figures])
        self._task = None
