"""Sends connected users the unread counts of a conversation after events that may have changed them.

New messages are excepted: clients count them themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from talkwire.core.commands.receipts import CountUnread, Unread
from talkwire.core.connected.directory import Directory
from talkwire.core.domain.actors import UNREAD_COUNTER
from talkwire.core.domain.events import (
    MemberAdded,
    MembersListed,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    MessagesRead,
    News,
    StreamStateChanged,
    UnreadChanged,
)
from talkwire.core.domain.model import LARGE_CONVERSATION, Message
from talkwire.core.engine.recount import Recount
from talkwire.core.ports.chat import CommandExecutor

Figures = tuple[tuple[str, str, Unread], ...]

COUNT_SETTLE_S = 0.1
"""Seconds after a count within which a message may still arrive that the count did, or did not, include."""


class LiveUnread:
    """Counts users' unread messages after events that may have changed the counts, and passes the new counts to
    `notify`, which sends them to the users.

    Clients add each new message to their counts themselves. So if a message is sent while or shortly after its
    conversation is counted, the client may add it although the count includes it, or the reverse. The conversation is
    then counted again.
    """

    def __init__(
        self, chat: CommandExecutor, directory: Directory, notify: Callable[[Sequence[UnreadChanged]], None]
    ) -> None:
        self._chat = chat
        self._directory = directory
        self._notify = notify
        self._recount: Recount[tuple[str, str]] = Recount(self._count)
        # The ids of the conversations that are being counted, or were just counted, and those with a new message since.
        self._counted: frozenset[str] = frozenset()
        self._overtaken: set[str] = set()

    def follow(self, events: Sequence[News]) -> None:
        """Schedules counting for the users and conversations whose unread counts a batch of events may have changed."""
        for event in events:
            if type(event) is not MessageSent:  # nearly every event is a message
                self._note_event(event)
            elif self._counted and event.message.conversation_id in self._counted:
                self._overtaken.add(event.message.conversation_id)
        self._recount.start()

    async def close(self) -> None:
        """Waits until the counting in progress has finished."""
        await self._recount.wait()

    def _note_event(self, event: News) -> None:
        match event:
            case MessagesRead():
                self._note(event.conversation_id, event.user_id)
            case MessageDeleted() | MessageEdited(mentions_changed=True):
                self._note_members(event.message.conversation_id)
            case StreamStateChanged(message=message) if message.state != "streaming":
                self._note_end(message, is_first=event.is_first)
            case MemberAdded():
                self._note_listed(event.conversation_id, [member.user_id for member in event.members])
            case MembersListed():
                self._note_listed(event.conversation_id, event.user_ids)

    def _note_end(self, message: Message, *, is_first: bool) -> None:
        """Schedules counting for the members whose mentions may have changed at the end of a stream. The message counts
        as unread since its beginning."""
        if message.mentions_all or not is_first:
            self._note_members(message.conversation_id)
        else:
            self._note_listed(message.conversation_id, message.mentions)

    def _note(self, conversation_id: str, user_id: str) -> None:
        entry = self._directory.peek(user_id)
        if entry is not None and entry.holds:
            self._recount.add(((conversation_id, user_id),))

    def _note_members(self, conversation_id: str) -> None:
        """Schedules counting for the connected members of a conversation, unless it has more than `LARGE_CONVERSATION`
        members.

        In a large conversation the clients update their counts themselves: the event `message:deleted` names the
        message.
        """
        membership = self._directory.memberships.get(conversation_id)
        if membership is not None and membership.member_count <= LARGE_CONVERSATION:
            self._note_listed(conversation_id, membership.user_ids)

    def _note_listed(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        """Schedules counting for those members who are connected and have the conversation in their list."""
        connected = self._directory.connected
        self._recount.add(
            (conversation_id, user_id)
            for user_id in user_ids
            if (entry := connected(user_id)) is not None and entry.lists(conversation_id)
        )

    async def _count(self, keys: tuple[tuple[str, str], ...]) -> None:
        self._counted = frozenset(conversation_id for conversation_id, _ in keys)
        self._overtaken.clear()
        try:
            figures = await self._chat.execute(UNREAD_COUNTER, CountUnread(keys))
            self._notify([UnreadChanged(user_id, id_, u.unread_count, u.mention_count) for id_, user_id, u in figures])
            await asyncio.sleep(COUNT_SETTLE_S)
            self._recount.add(key for key in keys if key[0] in self._overtaken)
        finally:
            self._counted = frozenset()
