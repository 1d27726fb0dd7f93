"""A client's own sum of unread messages is right in the end, however messages come between the counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from talkwire.core.commands.command import Command
from talkwire.core.commands.receipts import CountUnread, Unread
from talkwire.core.domain.events import MessageSent, MessagesRead, UnreadChanged
from talkwire.core.domain.model import Actor
from talkwire.core.engine.live_unread import LiveUnread

READ = MessagesRead(1, 1, "team", "alice", 1, 7)


class Story:
    """A user who has read everything, the messages that are stored since, and what her client makes of the events."""

    def __init__(self) -> None:
        self.stored = 0
        self.shown = 0
        self.notices = 0
        self.counting = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.noticed = asyncio.Event()
        entry = SimpleNamespace(holds=True)
        directory = cast("Any", SimpleNamespace(peek=lambda user_id: entry))
        self.live = LiveUnread(self, directory, self._receive)

    async def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (as any executor)
        """Counts what is stored now, and answers when it may."""
        assert isinstance(command, CountUnread)
        figures = tuple((id_, user_id, Unread(self.stored, 0)) for id_, user_id in command.keys)
        self.counting.set()
        await self.may_answer.wait()
        return figures

    def _receive(self, events: Sequence[UnreadChanged]) -> None:
        for event in events:
            self.notices += 1
            self.shown = event.unread_count
        self.noticed.set()

    def deliver(self, conversation_id: str = "team") -> None:
        """Delivers a stored message, which the client adds to its sum."""
        self.shown += conversation_id == "team"
        message = cast("Any", SimpleNamespace(conversation_id=conversation_id))
        self.live.follow([MessageSent(2, 2, message)])


async def test_a_message_that_overtakes_a_count_is_in_the_next_one() -> None:
    story = Story()
    story.live.follow([READ])
    await story.counting.wait()
    story.stored = 1
    story.deliver()
    story.may_answer.set()
    await story.live.close()
    assert (story.shown, story.notices) == (1, 2)


async def test_a_message_that_was_counted_before_its_delivery_is_not_counted_twice() -> None:
    story = Story()
    story.stored = 1
    story.may_answer.set()
    story.live.follow([READ])
    await story.noticed.wait()  # this test goes on in the same turn, however long that takes
    story.deliver()
    assert story.shown == 2
    await story.live.close()
    assert (story.shown, story.notices) == (1, 2)


async def test_messages_of_other_conversations_cause_no_count() -> None:
    story = Story()
    story.may_answer.set()
    story.live.follow([READ])
    await story.counting.wait()
    story.deliver("others")
    await story.live.close()
    story.deliver()
    await story.live.close()
    assert (story.shown, story.notices) == (1, 1)
