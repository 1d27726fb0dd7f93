"""The users who are connected here: who they are and which conversations they are in, kept current by the log's events.

Connecting, rooms and ephemeral commands are answered from it without asking the database. What is read from the
database is as of a log position; events that arrived while it was being read, beyond that position, are applied to it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

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
from talkwire.core.model import Member, User

IDLE_MAX = 20_000
"""Users remembered after their last socket is gone: most come back, and soon."""


@dataclass(slots=True, eq=False)
class Entry:
    """One user; `user` is None for an id that nobody has yet."""

    user: User | None
    conversation_ids: set[str]
    login_ids: set[str] = field(default_factory=set)
    """The signed-in devices, whose access tokens are good; one that signed out is not in it."""
    holds: int = 0

    def become(self, user: User) -> None:
        """The id has a user now."""
        self.user = user

    def rename(self, name: str) -> None:
        if self.user is not None:
            self.user = msgspec.structs.replace(self.user, name=name)

    def set_banned(self, *, banned: bool) -> None:
        if self.user is not None:
            self.user = msgspec.structs.replace(self.user, banned=banned)


Load = Callable[[Collection[str]], Awaitable[tuple[int, Mapping[str, Entry]]]]
"""user ids -> (log position, an entry for each)"""


@dataclass(slots=True, eq=False)
class _Loading:
    """One query on its way, and the events that came since it was sent."""

    user_ids: Sequence[str]
    late: list[Durable] = field(default_factory=list)


class Directory:
    """Entries by user id: those that somebody holds, and of the others the `idle_max` that were looked up last."""

    def __init__(self, load: Load, idle_max: int = IDLE_MAX) -> None:
        self._load = load
        self._idle_max = idle_max
        self._held: dict[str, Entry] = {}
        self._idle: OrderedDict[str, Entry] = OrderedDict()
        self._loading: dict[str, asyncio.Future[Entry]] = {}
        self._wanted: list[str] = []
        self._underway: set[_Loading] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def peek(self, user_id: str) -> Entry | None:
        """What is known without asking."""
        return self._held.get(user_id) or self._idle.get(user_id)

    async def find(self, user_id: str) -> Entry:
        """The user's entry now. Users asked for in one turn of the loop are read by one query."""
        entry = self.peek(user_id)
        if entry is not None:
            if not entry.holds:
                self._idle.move_to_end(user_id)
            return entry
        future = self._loading.get(user_id)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._loading[user_id] = loop.create_future()
            self._wanted.append(user_id)
            if len(self._wanted) == 1:
                loop.call_soon(self._start_loading)
        return await asyncio.shield(future)

    def hold(self, user_id: str, entry: Entry) -> Entry:
        """Keeps an entry that was just found, until `release` was called as often.

        Answers the entry to go on with: another one when `entry` was given up and read again in the meantime.
        """
        entry = self.peek(user_id) or entry
        self._idle.pop(user_id, None)
        self._held[user_id] = entry
        entry.holds += 1
        return entry

    def release(self, user_id: str) -> None:
        """The counterpart of `hold`."""
        entry = self._held[user_id]
        entry.holds -= 1
        if not entry.holds:
            del self._held[user_id]
            self._remember(user_id, entry)

    def apply(self, event: Durable) -> None:
        """Follows the log."""
        if type(event) is MessageSent:
            return  # nearly every event is one, and none moves anybody
        _apply(event, self.peek)
        for loading in self._underway:
            loading.late.append(event)

    def _remember(self, user_id: str, entry: Entry) -> None:
        self._idle[user_id] = entry
        if len(self._idle) > self._idle_max:
            self._idle.popitem(last=False)

    def _start_loading(self) -> None:
        loading = _Loading(self._wanted)
        self._wanted = []
        self._underway.add(loading)
        task = asyncio.ensure_future(self._finish_loading(loading))
        # The loop refers to its tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish_loading(self, loading: _Loading) -> None:
        try:
            pos, loaded = await self._load(loading.user_ids)
        except Exception as error:  # noqa: BLE001 (handed on to everyone who waits)
            for user_id in loading.user_ids:
                future = self._loading.pop(user_id)
                future.set_exception(error)
                future.exception()  # whoever waited may have gone
            return
        finally:
            self._underway.discard(loading)
        for event in loading.late:
            if event.pos > pos:
                _apply(event, loaded.get)
        for user_id in loading.user_ids:
            self._remember(user_id, loaded[user_id])
            self._loading.pop(user_id).set_result(loaded[user_id])


def _apply(event: Durable, entry_of: Callable[[str], Entry | None]) -> None:
    user_ids, change = _change_by(event)
    for user_id in user_ids:
        entry = entry_of(user_id)
        if entry is not None:
            change(entry)


def _change_by(event: Durable) -> tuple[Iterable[str], Callable[[Entry], None]]:
    """Whose entries an event changes, and how."""
    match event:
        case ConversationCreated(conversation=conversation, members=members):
            return _ids(members), lambda entry: entry.conversation_ids.add(conversation.id)
        case MemberAdded(conversation_id=conversation_id, members=members):
            return _ids(members), lambda entry: entry.conversation_ids.add(conversation_id)
        case MemberRemoved(conversation_id=conversation_id, user_id=user_id):
            return [user_id], lambda entry: entry.conversation_ids.discard(conversation_id)
        case LoginOpened(user_id=user_id, session_id=session_id):
            return [user_id], lambda entry: entry.login_ids.add(session_id)
        case LoginEnded(user_id=user_id, session_id=session_id):
            return [user_id], lambda entry: entry.login_ids.discard(session_id)
        case UserCreated(user=user):
            return [user.id], lambda entry: entry.become(user)
        case UserRenamed(user_id=user_id, name=name):
            return [user_id], lambda entry: entry.rename(name)
        case UserBanned(user_id=user_id) | UserUnbanned(user_id=user_id):
            return [user_id], lambda entry: entry.set_banned(banned=isinstance(event, UserBanned))
        case _:
            return [], lambda _: None


def _ids(members: Iterable[Member]) -> list[str]:
    return [member.user_id for member in members]
