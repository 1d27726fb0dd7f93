"""The door that all commands go through, with nothing behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from talkwire.bus.memory import MemoryBus
from talkwire.core.chat import Chat, Done
from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.messages import SendMessage
from talkwire.core.errors import ChatError
from talkwire.core.events import News, UserBanned
from talkwire.core.model import Actor
from talkwire.core.transaction import Snapshot

R = TypeVar("R")
ALICE = Actor("alice", "Alice")


class Queue:
    """A writer that carries nothing out."""

    def __init__(self) -> None:
        self.submitted: list[Command[Any]] = []

    def enqueue(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None) -> None:
        self.submitted.append(command)


class Head:
    """A reader of an empty log, which answers when it is told to."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def read(self, function: Callable[[Snapshot], R]) -> R:
        found: R = await self.answer
        return found


def _chat() -> tuple[Chat, Queue, Head, MemoryBus]:
    queue, head, bus = Queue(), Head(), MemoryBus()
    return Chat(queue, head, bus), queue, head, bus


async def test_changes_are_queued_in_the_order_of_the_calls_before_anyone_waits() -> None:
    chat, queue, _, _ = _chat()
    asked: list[Command[Any]] = [SendMessage("c", "1"), EnsureUser("alice", "Alice"), SendMessage("c", "2")]
    answers: list[Awaitable[Any]] = [chat.execute(ALICE, command) for command in asked]
    assert queue.submitted == asked
    assert len(answers) == 3


async def test_what_is_refused_at_the_door_is_not_queued() -> None:
    chat, queue, _, _ = _chat()
    with pytest.raises(ChatError):
        chat.execute(ALICE, SendMessage("c", ""))
    assert queue.submitted == []


async def test_a_command_that_nothing_carries_out_is_a_mistake_of_the_program() -> None:
    class Unknown(Command[None], frozen=True, tag="Unknown"):
        pass

    chat, _, _, _ = _chat()
    with pytest.raises(TypeError, match="Unknown"):
        chat.execute(ALICE, Unknown())


async def test_a_position_that_the_bus_has_passed_does_not_come_back() -> None:
    chat, _, head, bus = _chat()
    starting = asyncio.ensure_future(chat.start())
    await asyncio.sleep(0)
    bus.publish([UserBanned(7, 0, "alice")])
    head.answer.set_result(("epoch", 5))
    await starting
    assert chat.cursor == "epoch-7"
    bus.publish([UserBanned(8, 0, "alice")])
    assert chat.cursor == "epoch-8"


async def test_listeners_hear_of_events_in_the_order_of_the_log() -> None:
    chat, _, _, bus = _chat()
    heard: list[News] = []
    chat.subscribe(heard.extend)
    events = [UserBanned(pos, 0, "alice") for pos in range(1, 5)]
    bus.publish(events[:1])
    bus.publish(events[1:])
    assert heard == events
