"""The conversations of the users who are connected here, kept current by the log's events.

Rooms and ephemeral commands are checked against it without asking the database. An answer read from the database is as
of a log position; events that arrived while it was being read, beyond that position, are applied to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import assert_never

from talkwire.core.events import ConversationCreated, Durable, MemberAdded, MemberRemoved

Load = Callable[[Collection[str]], Awaitable[tuple[int, Mapping[str, frozenset[str]]]]]
"""user ids -> (log position, their conversation ids)"""


class Memberships:
    """Conversation ids by user, for as long as somebody holds the user."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._held: dict[str, int] = {}
        self._known: dict[str, set[str]] = {}
        self._loading: dict[str, asyncio.Future[set[str]]] = {}
        self._wanted: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: list[ConversationCreated | MemberAdded | MemberRemoved] = []

    def holds(self, user_id: str) -> bool:
        return user_id in self._held

    async def hold(self, user_id: str) -> Collection[str]:
        """The user's conversations, followed from now on until `release`."""
        self._held[user_id] = self._held.get(user_id, 0) + 1
        try:
            return await self.of(user_id)
        except BaseException:
            self.release(user_id)
            raise

    def release(self, user_id: str) -> None:
        """The counterpart of `hold`."""
        self._held[user_id] -= 1
        if not self._held[user_id]:
            del self._held[user_id]
            self._known.pop(user_id, None)

    async def of(self, user_id: str) -> Collection[str]:
        """The user's conversations now. Users asked for in one turn of the loop are read by one query."""
        known = self._known.get(user_id)
        if known is not None:
            return known
        future = self._loading.get(user_id)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._loading[user_id] = loop.create_future()
            self._wanted.append(user_id)
            if len(self._wanted) == 1:
                loop.call_soon(self._start_loading)
        return await asyncio.shield(future)

    def is_member(self, conversation_id: str, user_id: str) -> bool:
        """Whether a held user is a member; False too for a user who is not held."""
        return conversation_id in self._known.get(user_id, ())

    def apply(self, event: Durable) -> None:
        """Follows the log."""
        if isinstance(event, ConversationCreated | MemberAdded | MemberRemoved):
            _apply(event, self._known)
            if self._loading:
                self._late.append(event)

    def _start_loading(self) -> None:
        task = asyncio.ensure_future(self._finish_loading(self._wanted))
        self._wanted = []
        # The loop refers to its tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish_loading(self, user_ids: list[str]) -> None:
        futures = {user_id: self._loading[user_id] for user_id in user_ids}
        try:
            pos, found = await self._load(user_ids)
        except Exception as error:  # noqa: BLE001 (handed on to everyone who waits)
            for user_id, future in futures.items():
                del self._loading[user_id]
                future.set_exception(error)
                future.exception()
            return
        loaded = {user_id: set(found.get(user_id, ())) for user_id in user_ids}
        for event in self._late:
            if event.pos > pos:
                _apply(event, loaded)
        for user_id, future in futures.items():
            del self._loading[user_id]
            if user_id in self._held:
                self._known[user_id] = loaded[user_id]
            future.set_result(loaded[user_id])
        if not self._loading:
            self._late.clear()


def _apply(event: ConversationCreated | MemberAdded | MemberRemoved, known: Mapping[str, set[str]]) -> None:
    match event:
        case ConversationCreated():
            conversation_id = event.conversation.id
            gone, come = (), tuple(member.user_id for member in event.members)
        case MemberAdded():
            conversation_id = event.conversation_id
            gone, come = (), tuple(member.user_id for member in event.members)
        case MemberRemoved():
            conversation_id = event.conversation_id
            gone, come = (event.user_id,), ()
        case _:
            assert_never(event)
    for user_id in come:
        if user_id in known:
            known[user_id].add(conversation_id)
    for user_id in gone:
        if user_id in known:
            known[user_id].discard(conversation_id)
