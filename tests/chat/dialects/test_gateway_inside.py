"""Races in the `gateway` dialect, which need access to the server's objects: events that arrive during another
operation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from talkwire.core.commands.server.offline_queue import Arrival, ConfirmArrivals
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError
from talkwire.realtime.delivery import heartbeats, offline_delivery, offline_proofs
from talkwire.realtime.delivery.heartbeats import SocketRecipient
from talkwire.realtime.delivery.offline_proofs import OfflineProofs, SentMarks
from tests.chat.chat_server import in_process, serving
from tests.chat.conftest import World, world_at
from tests.chat.dialects.gateway_client import (
    bodies,
    connect,
    events_until_done,
    leave,
    next_of,
    say,
    send,
)
from tests.waiting import deadline


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[tuple[Any, World]]:
    """Serves in this process, so that the test can access the server's objects."""
    node = in_process(tmp_path)
    async with serving(node) as address, world_at(address) as world:
        yield node, world


class HeldBack:
    """Delays a node's results of one kind of query until `go_on` is set: before the query runs, or after it with
    `once_found`."""

    def __init__(
        self,
        node: Any,  # noqa: ANN401 (a server of one of two kinds)
        question: str,
        monkeypatch: pytest.MonkeyPatch,
        *,
        once_found: bool = False,
    ) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        execute = node.chat.execute

        async def slow(actor: object, command: object, *rest: object) -> object:
            if type(command).__name__ != question:
                return await execute(actor, command, *rest)
            found = await execute(actor, command, *rest) if once_found else None
            self.asked.set()
            await self.go_on.wait()
            return found if once_found else await execute(actor, command, *rest)

        monkeypatch.setattr(node.chat, "execute", slow)


async def test_a_client_that_connects_while_an_event_is_being_stored_receives_it(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket has looked for stored events before the event was stored."""
    node, world = inside
    held, looked, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    execute = node.chat.execute

    async def late(actor: object, command: object, *rest: object) -> object:
        if type(command).__name__ == "StoreMail":
            held.set()
            await go_on.wait()
        answer = await execute(actor, command, *rest)
        if type(command).__name__ == "ReadMail":
            looked.set()
        return answer

    monkeypatch.setattr(node.chat, "execute", late)
    storing = asyncio.create_task(send(world, "alice", message=1, store=True))
    await held.wait()
    client = await connect(world, "alice")
    await looked.wait()
    go_on.set()
    assert (await storing)["stored"] is True
    assert await next_of(client) == 1


async def test_live_events_arrive_and_missed_ones_stay_while_the_database_is_unavailable(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    node, world = inside
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "missed")
    execute = node.chat.execute
    failed = asyncio.Event()

    def unavailable(actor: object, command: object, *rest: object) -> object:
        if type(command).__name__ == "FindMissed":
            failed.set()
            raise ChatError("unavailable", "The database does not answer.")
        return execute(actor, command, *rest)

    monkeypatch.setattr(node.chat, "execute", unavailable)
    bob = await connect(world, "bob")
    await failed.wait()
    await say(world, "alice", conversation, "live")
    assert await bodies(bob, 1) == ["live"]
    monkeypatch.undo()
    await leave(world, bob, "bob")
    again = await connect(world, "bob")
    assert await bodies(again, 2) == ["missed", "live"]


async def test_events_during_a_long_delivery_of_missed_messages_follow_it(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More messages arrive meanwhile than fit in memory, so the log is read again."""
    node, world = inside
    monkeypatch.setattr(offline_delivery, "LATE_MAX", 3)
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "0")
    answers = HeldBack(node, "ReadMissed", monkeypatch, once_found=True)
    bob = await connect(world, "bob")
    await answers.asked.wait()
    for number in range(1, 8):
        await say(world, "alice", conversation, str(number))
    answers.go_on.set()
    assert await bodies(bob, 8) == [str(number) for number in range(8)]
    assert await events_until_done(world, bob, "bob") == []


async def test_a_message_during_the_search_for_missed_ones_arrives_once(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is found in the log, and later messages still arrive."""
    node, world = inside
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "before")
    answers = HeldBack(node, "FindMissed", monkeypatch)
    bob = await connect(world, "bob")
    await answers.asked.wait()
    await say(world, "alice", conversation, "meanwhile")
    answers.go_on.set()
    assert await bodies(bob, 2) == ["before", "meanwhile"]
    await say(world, "alice", conversation, "after")
    assert await bodies(bob, 1) == ["after"]


async def test_a_node_that_lags_does_not_resend_what_arrived_at_another(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer messages still arrive."""
    node, world = inside
    conversation = await world.conversation("alice", "bob")
    answers = HeldBack(node, "FindMissed", monkeypatch)
    bob = await connect(world, "bob")
    await answers.asked.wait()
    await say(world, "alice", conversation, "arrived")
    arrival = Arrival(world.id_of("bob"), node.chat.pos)
    await node.chat.execute(NODE, ConfirmArrivals((arrival,)))
    await say(world, "alice", conversation, "missed")
    answers.go_on.set()
    assert await bodies(bob, 1) == ["missed"]
    assert await events_until_done(world, bob, "bob") == []


@pytest.mark.parametrize("held", ["FindMissed", "ReadMissed"])
async def test_a_conversation_joined_during_the_delivery_of_missed_messages_is_delivered_once(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    """A message in that conversation may or may not be found in the log, and later messages still arrive."""
    node, world = inside
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "before")
    answers = HeldBack(node, held, monkeypatch)
    bob = await connect(world, "bob")
    await answers.asked.wait()
    other = await world.conversation("alice", "bob", "carol")
    await say(world, "alice", other, "new")
    answers.go_on.set()
    assert await bodies(bob, 2) == ["before", "new"]
    await say(world, "alice", other, "after")
    assert await bodies(bob, 1) == ["after"]
    assert await events_until_done(world, bob, "bob") == []


@pytest.mark.parametrize(("large", "hastened"), [(100, True), (1, False)])
async def test_a_message_to_a_large_conversation_requests_no_heartbeats(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch, *, large: int, hastened: bool
) -> None:
    """The regular heartbeat confirms the arrival."""
    _, world = inside
    monkeypatch.setattr(offline_proofs, "LARGE_CONVERSATION", large)
    monkeypatch.setattr(heartbeats, "ROUND_S", 0.01)
    conversation = await world.conversation("alice", "bob")
    has_caught_up = asyncio.Event()
    include_live = OfflineProofs.include_live

    def included(proofs: OfflineProofs, marks: SentMarks) -> None:
        include_live(proofs, marks)
        has_caught_up.set()

    monkeypatch.setattr(OfflineProofs, "include_live", included)
    bob = await connect(world, "bob")
    async with deadline():
        await has_caught_up.wait()  # missed messages request a heartbeat in any conversation
    asked: list[object] = []
    rounds, several = 0, asyncio.Event()
    monkeypatch.setattr(SocketRecipient, "hasten_ping", lambda recipient: asked.append(recipient))  # noqa: PLW0108 (to be a method)
    look_for_arrivals = OfflineProofs._arrivals

    def counted(proofs: OfflineProofs, marks: Iterable[SentMarks]) -> list[Arrival]:
        nonlocal rounds
        rounds += 1  # each begins with this
        if rounds > 5:
            several.set()
        return look_for_arrivals(proofs, marks)

    monkeypatch.setattr(OfflineProofs, "_arrivals", counted)
    await say(world, "alice", conversation, "hello")
    assert await bodies(bob, 1) == ["hello"]
    async with deadline():
        await several.wait()
    assert bool(asked) is hastened


def test_arrivals_at_many_users_are_confirmed_in_several_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_proofs, "ARRIVALS_MAX", 2)
    noted: list[ConfirmArrivals] = []
    chat: Any = SimpleNamespace(submit=lambda _actor, command, _done: noted.append(command))
    nothing: Any = None
    arrivals = [Arrival(f"user-{number}", number) for number in range(5)]
    OfflineProofs(chat, nothing)._confirm(arrivals)
    assert [len(command.arrivals) for command in noted] == [2, 2, 1]
    assert [arrival for command in noted for arrival in command.arrivals] == arrivals
