"""Sends the followers of a thread the number of their unread replies after a reply was sent or deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from talkwire.core.commands.messages import CountThreads, ThreadMark
from talkwire.core.connected.directory import Directory
from talkwire.core.domain.actors import UNREAD_COUNTER
from talkwire.core.domain.events import MessageDeleted, MessageSent, News, StreamStateChanged, ThreadUnreadChanged
from talkwire.core.engine.recount import Recount
from talkwire.core.ports.chat import CommandExecutor

_CHANGING = MessageSent | MessageDeleted | StreamStateChanged
"""Events after which a thread has other numbers of unread replies."""

Places = tuple[tuple[str, ThreadMark], ...]


class LiveThreads:
    """Sends connected followers of threads the number of their unread replies, by passing events to `notify`. Replies
    that arrive while a query counts are counted by the following query."""

    def __init__(
        self, chat: CommandExecutor, directory: Directory, notify: Callable[[Sequence[ThreadUnreadChanged]], None]
    ) -> None:
        self._chat = chat
        self._directory = directory
        self._notify = notify
        self._recount: Recount[int] = Recount(self._count)

    def follow(self, events: Sequence[News]) -> None:
        """Schedules counting for the threads in which a batch of events has added or deleted replies, or ended streams,
        whose mentions make users follow the thread."""
        for event in events:
            if isinstance(event, _CHANGING) and event.message.thread_id is not None:
                self._recount.add((event.message.thread_id,))
        self._recount.start()

    async def close(self) -> None:
        """Waits until the counting in progress has finished."""
        await self._recount.wait()

    async def _count(self, root_ids: tuple[int, ...]) -> None:
        places = await self._chat.execute(UNREAD_COUNTER, CountThreads(root_ids))
        self._notify(
            [
                ThreadUnreadChanged(user_id, mark.conversation_id, mark.root_id, mark.read_seq, mark.unread_count)
                for user_id, mark in places
                if self._directory.connected(user_id) is not None
            ]
        )
