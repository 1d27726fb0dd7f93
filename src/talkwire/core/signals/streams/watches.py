"""Requests that read a message while it is being written, or write it, and wait for what comes.

Each reader is woken when its message has grown, ended or was deleted, and then takes what it lacks. So a slow client
receives more at once, and nothing is kept for it meanwhile. An author is woken when somebody else ends the writing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from talkwire.core.domain.events import (
    CardDecided,
    ConversationDeleted,
    LoginEnded,
    MemberRemoved,
    MessageDeleted,
    News,
    StreamAdvanced,
    StreamStateChanged,
    StreamStopped,
    UserBanned,
    UserErased,
)
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.growing_parts import GrowingParts
from talkwire.core.domain.parts.message_parts import whole_parts

DRAINING_WAIT_S = 1.0
"""Longest time that a reader waits while the node is about to stop, in seconds. Without any wait, readers that return
at once would keep the node busy."""


class StreamWatch:
    """A reader of the message `message`, which it may read as a member of its conversation or as the back end. To be
    used in a `with` block.

    `may_read` becomes False when the reader's membership or sign-in ends, or when the node is about to stop.
    """

    def __init__(self, watches: StreamWatches, actor: Actor, session_id: str | None, message: Message) -> None:
        self.actor = actor
        self.session_id = session_id
        self.message = message
        self.may_read = True
        self._watches = watches
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        self._watches.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watches.remove(self)

    @property
    def is_over(self) -> bool:
        """Returns whether the message is not being written any more."""
        return self.message.state != "streaming"

    def parts(self) -> GrowingParts:
        """Returns the parts as they are now; until this node has received any, those that were stored last."""
        growing = None if self.is_over else self._watches.parts_of(self.message.id)
        return growing or GrowingParts(whole_parts(self.message.parts, self.message.content))

    async def copied(self) -> None:
        """Returns when this node has the newest text of the message, if it can be had within a second."""
        if not self.is_over:
            await self._watches.copied(self.message.id)

    async def wait(self, until_s: float) -> None:
        """Waits until there may be something new, at most until `until_s`, by the event loop's clock."""
        try:
            async with asyncio.timeout_at(until_s):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    def wake(self) -> None:
        self._news.set()

    def end(self) -> None:
        self.may_read = False
        self.wake()

    def drain(self) -> None:
        """Ends the reader, because the node is about to stop."""
        self.end()

    def follow(self, event: StreamAdvanced | StreamStopped) -> None:
        """Wakes the reader of a message that has grown."""
        if isinstance(event, StreamAdvanced):
            self.wake()


class AuthorWatch(StreamWatch):
    """A request that writes the message `message`, in the attempt `attempt`. It is woken when the writing is over or to
    be over, by others than this request; the next command of the author says why. A draining node lets it go on."""

    def __init__(
        self, watches: StreamWatches, actor: Actor, session_id: str | None, message: Message, attempt: int
    ) -> None:
        super().__init__(watches, actor, session_id, message)
        self.attempt = attempt
        self.on_news: Callable[[], None] = lambda: None
        """Function that is called when the author is woken."""

    def wake(self) -> None:
        super().wake()
        self.on_news()

    def drain(self) -> None:
        pass

    def follow(self, event: StreamAdvanced | StreamStopped) -> None:
        if isinstance(event, StreamStopped) or event.attempt > self.attempt:
            self.wake()


class StreamWatches:
    """All requests on this node that read or write messages while these are being written.

    `parts_of` returns the parts of a message that is being written; None if this node does not have them. `copied`
    waits for them, if another node has newer ones.
    """

    def __init__(
        self, parts_of: Callable[[int], GrowingParts | None], copied: Callable[[int], Awaitable[None]]
    ) -> None:
        self.parts_of = parts_of
        self.copied = copied
        self._is_draining = False
        self._by_message: defaultdict[int, set[StreamWatch]] = defaultdict(set)

    def __contains__(self, message_id: int) -> bool:
        """Returns whether any request reads or writes a message."""
        return message_id in self._by_message

    def open(self, actor: Actor, session_id: str | None, message: Message) -> StreamWatch:
        return StreamWatch(self, actor, session_id, message)

    def open_author(self, actor: Actor, session_id: str | None, message: Message, attempt: int) -> AuthorWatch:
        return AuthorWatch(self, actor, session_id, message, attempt)

    def add(self, watch: StreamWatch) -> None:
        self._by_message[watch.message.id].add(watch)

    def remove(self, watch: StreamWatch) -> None:
        alike = self._by_message[watch.message.id]
        alike.discard(watch)
        if not alike:
            del self._by_message[watch.message.id]

    def until(self, until_s: float) -> float:
        """Returns until when a request that begins now waits which would wait until `until_s`, by the event loop's
        clock: a node that is about to stop would cut a long wait off."""
        if not self._is_draining:
            return until_s
        return min(until_s, asyncio.get_running_loop().time() + DRAINING_WAIT_S)

    def drain(self) -> None:
        """Ends all readers, because the node is about to stop."""
        self._is_draining = True
        for watch in self._all():
            watch.drain()

    def follow(self, events: Sequence[News]) -> None:
        """Wakes the readers of messages that have grown or ended, and ends those of users who may not read any more."""
        if not self._by_message:
            return
        for event in events:
            match event:
                case StreamAdvanced(message_id=message_id) | StreamStopped(message_id=message_id):
                    for watch in self._by_message.get(message_id, ()):
                        watch.follow(event)
                case (
                    StreamStateChanged(message=message) | CardDecided(message=message) | MessageDeleted(message=message)
                ):
                    for watch in self._by_message.get(message.id, ()):
                        watch.message = message
                        watch.wake()
                case _:
                    self._end_of(event)

    def _end_of(self, event: News) -> None:
        for watch in self._all():
            if _ends(event, watch):
                watch.end()

    def _all(self) -> list[StreamWatch]:
        return [watch for watches in self._by_message.values() for watch in watches]


def _ends(event: News, watch: StreamWatch) -> bool:
    """Returns whether a reader may not read its message any more after an event."""
    user_id, conversation_id = watch.actor.user_id, watch.message.conversation_id
    match event:
        case MemberRemoved():
            is_own = watch.actor.role == "user" and event.user_id == user_id
            return is_own and event.conversation_id == conversation_id
        case ConversationDeleted():
            return event.conversation_id == conversation_id
        case UserBanned():
            return event.user_id == user_id
        case UserErased():
            return event.user.id == user_id
        case LoginEnded():
            return event.user_id == user_id and event.session_id == watch.session_id
        case _:
            return False
