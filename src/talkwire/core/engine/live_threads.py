"""Sends the followers of a thread the number of their unread replies after a reply was sent or deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from talkwire.core.commands.messages import CountThreads, ThreadMark
from talkwire.core.connected.directory import Directory
from talkwire.core.domain.actors import UNREAD_COUNTER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageDeleted, MessageSent, News, StreamStateChanged, ThreadUnreadChanged
from talkwire.core.domain.model import Actor

_CHANGING = MessageSent | MessageDeleted | StreamStateChanged
"""The events after which a thread has other numbers of unread replies."""

Places = tuple[tuple[str, ThreadMark], ...]


class FollowerFinder(Protocol):
    """The interface that finds the followers of threads with their unread counts. The chat implements it."""

    def execute(self, actor: Actor, command: CountThreads) -> Awaitable[Places]: ...


class LiveThreads:
    """Sends connected followers of threads the number of their unread replies, by passing events to `notify`. Replies
    that arrive while a query counts are counted by the following query."""

    def __init__(
        self, chat: FollowerFinder, directory: Directory, notify: Callable[[Sequence[ThreadUnreadChanged]], None]
    ) -> None:
        self._chat = chat
        self._directory = directory
        self._notify = notify
        self._changed: dict[int, None] = {}
        self._task: asyncio.Task[None] | None = None

    def follow(self, events: Sequence[News]) -> None:
        """Schedules counting for the threads in which a batch of events has added or deleted replies, or ended streams,
        whose mentions make users follow the thread."""
        for event in events:
            if isinstance(event, _CHANGING) and event.message.thread_id is not None:
                self._changed[event.message.thread_id] = None
        if self._changed and self._task is None:
            self._task = asyncio.ensure_future(self._count())

    async def close(self) -> None:
        """Waits until the counting in progress has finished."""
        if self._task is not None:
            await self._task

    async def _count(self) -> None:
        while self._changed:
            root_ids, self._changed = tuple(self._changed), {}
            try:
                places = await self._chat.execute(UNREAD_COUNTER, CountThreads(root_ids))
            except ChatError:
                continue  # the database is unavailable; clients that ask for counts receive the error
            self._notify(
                [
                    ThreadUnreadChanged(user_id, mark.conversation_id, mark.root_id, mark.read_seq, mark.unread_count)
                    for user_id, mark in places
                    if self._directory.connected(user_id) is not None
                ]
            )
        self._task = None
