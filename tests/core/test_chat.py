"""`Chat.execute` and the exchange between nodes, without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, TypeVar, cast

import pytest

from talkwire.bus.memory import Exchange, MemoryBus
from talkwire.core.cluster import sender_verification
from talkwire.core.cluster.feed import Commit
from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.command import Command, IdempotencyKey, NodeCommand
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.server.nodes import ListPeers
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import News, TypingChanged, UserBanned
from talkwire.core.domain.model import Actor
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.engine import chat as chat_module
from talkwire.core.engine.chat import Chat
from talkwire.core.ports.bus import CommittedBatch, EphemeralBatch
from talkwire.core.ports.jobs import Done
from talkwire.core.ports.transaction import Snapshot
from tests.waiting import DEADLINE_S, until

R = TypeVar("R")
ALICE = Actor("alice", "Alice")
OnCommit = Callable[[Commit, Callable[[], None]], None]


class Queue:
    """A writer that executes nothing."""

    def __init__(self) -> None:
        self.submitted: list[Command[Any]] = []
        self.commit: OnCommit = _not_started
        self.busy = False

    def start(self, on_commit: OnCommit, epoch: str) -> None:
        self.commit = on_commit

    def enqueue(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None) -> None:
        self.submitted.append(command)

    async def begin_epoch(self) -> None:
        raise AssertionError("the log has not gone back")


def _not_started(commit: Commit, answer: Callable[[], None]) -> None:
    raise AssertionError("the chat has not started")


class Head:
    """A reader of a log that ends at some position."""

    pos = 5

    async def read(self, function: Callable[[Snapshot], R]) -> R:
        return cast("R", ("epoch", self.pos))


class Leases:
    """Leases of nodes that are alive as long as the test."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.reads = 0

    async def keep(self, actor: Actor, command: NodeCommand[R]) -> R:
        assert isinstance(command, ListPeers)
        self.reads += 1
        return cast("R", tuple(self.peers))


class Net(Exchange):
    """A network that has the leases of the nodes that joined it."""

    def __init__(self) -> None:
        super().__init__()
        self.leases = Leases()


def _chat(net: Net | None = None) -> tuple[Chat, Queue]:
    queue = Queue()
    keeper = Leases() if net is None else net.leases
    chat = Chat(queue, Head(), keeper, bus=None if net is None else MemoryBus(net))
    keeper.peers.append(Peer(chat.node_id, None))
    return chat, queue


def _commit(pos: int) -> Commit:
    return Commit(pos - 1, pos, [UserBanned(pos, 0, "alice")])


async def test_changes_are_queued_in_the_order_of_the_calls_before_anyone_waits() -> None:
    chat, queue = _chat()
    asked: list[Command[Any]] = [SendMessage("c", "1"), EnsureUser("alice", "Alice"), SendMessage("c", "2")]
    answers: list[Awaitable[Any]] = [chat.execute(ALICE, command) for command in asked]
    assert queue.submitted == asked
    assert len(answers) == 3


async def test_a_node_without_a_valid_lease_queues_no_command() -> None:
    chat, queue = _chat()
    chat.lease._deadline, chat.lease._lost = -inf, True
    with pytest.raises(ChatError):
        chat.execute(ALICE, SendMessage("c", "1"))
    with pytest.raises(ChatError):
        chat.submit(ALICE, SendMessage("c", "1"), lambda *_: None)
    with pytest.raises(ChatError):
        chat.execute(ALICE, SetTyping("c", is_typing=True))
    assert queue.submitted == []


async def test_an_invalid_command_is_not_queued() -> None:
    chat, queue = _chat()
    with pytest.raises(ChatError):
        chat.execute(ALICE, SendMessage("c", ""))
    assert queue.submitted == []


async def test_a_command_that_nothing_carries_out_is_a_mistake_of_the_program() -> None:
    class Unknown(Command[None], frozen=True, tag="Unknown"):
        pass

    chat, _ = _chat()
    with pytest.raises(TypeError, match="Unknown"):
        chat.execute(ALICE, Unknown())


async def test_the_cursor_follows_what_is_committed() -> None:
    chat, queue = _chat()
    await chat.start()
    assert chat.cursor == "epoch-5"
    answered: list[str] = []
    queue.commit(_commit(6), lambda: answered.append(chat.cursor))
    assert answered == ["epoch-5"]
    assert chat.cursor == "epoch-6"
    await chat.stop_following()


async def _meet(*chats: Chat) -> None:
    """Makes the nodes know each other, as if they had been started one after another."""
    ids = {chat.node_id for chat in chats}
    for chat in chats:
        chat.announce_node()
    await until(lambda: all(chat.peers.is_peer(node_id) for chat in chats for node_id in ids - {chat.node_id}))


async def test_a_single_node_sends_nothing_over_the_bus() -> None:
    exchange = Net()
    (one, queue), (two, _) = _chat(exchange), _chat(exchange)
    dispatched: list[str] = []
    await one.start()
    one.bus.send = lambda dispatch, to=None: dispatched.append(type(dispatch).__name__)  # type: ignore[method-assign]
    queue.commit(_commit(6), lambda: None)
    one.publish_one(TypingChanged("c", "alice", "Alice", is_typing=True))
    assert dispatched == []
    await two.start()
    two.announce_node()
    await until(lambda: one.peers.has_peers)
    queue.commit(_commit(7), lambda: None)
    one.publish_one(TypingChanged("c", "alice", "Alice", is_typing=True))
    assert dispatched == ["CommittedBatch", "EphemeralBatch"]
    for chat in (one, two):
        await chat.stop_following()


async def test_a_node_announces_that_its_next_transaction_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_module, "NEXT_TRANSACTION_S", DEADLINE_S)
    exchange = Net()
    (one, queue), (two, _) = _chat(exchange), _chat(exchange)
    await one.start()
    await two.start()
    await _meet(one, two)
    for pos, busy in ((6, True), (7, False)):
        queue.busy = busy
        queue.commit(_commit(pos), lambda: None)
        await asyncio.sleep(0)
        assert (one.expects_more, two.expects_more) == (busy, busy)
    monkeypatch.setattr(chat_module, "NEXT_TRANSACTION_S", 0.005)
    queue.busy = True
    queue.commit(_commit(8), lambda: None)
    queue.busy = False
    await asyncio.sleep(0)
    assert two.feed.pos == 8
    await until(lambda: not two.expects_more)  # the next one does not come any more
    for chat in (one, two):
        await chat.stop_following()


async def test_all_nodes_receive_every_commit_in_log_order() -> None:
    exchange = Net()
    chats = [_chat(exchange) for _ in range(3)]
    received: list[list[News]] = [[] for _ in chats]
    for (chat, _), events in zip(chats, received, strict=True):
        await chat.start()
        chat.subscribe(events.extend)
    await _meet(*(chat for chat, _ in chats))
    for pos in (8, 6, 7):
        _, queue = chats[pos % 3]
        queue.commit(_commit(pos), lambda: None)
    await asyncio.sleep(0)
    for events in received:
        assert events == [UserBanned(pos, 0, "alice") for pos in (6, 7, 8)]
    for chat, _ in chats:
        await chat.stop_following()


async def test_an_ephemeral_event_is_received_on_every_node_once() -> None:
    exchange = Net()
    (one, _), (two, _) = _chat(exchange), _chat(exchange)
    received: list[tuple[str, News]] = []
    await one.start()
    await two.start()
    one.subscribe(lambda events: received.extend(("one", event) for event in events))
    two.subscribe(lambda events: received.extend(("two", event) for event in events))
    await _meet(one, two)
    typing = TypingChanged("c", "alice", "Alice", is_typing=True)
    one.publish_one(typing)
    assert received == [("one", typing)]
    await asyncio.sleep(0)
    assert received == [("one", typing), ("two", typing)]
    for chat in (one, two):
        await chat.stop_following()


async def test_a_position_alone_leads_to_the_log() -> None:
    exchange = Net()
    (chat, _), other = _chat(exchange), MemoryBus(exchange)
    await chat.start()
    await other.start("epoch", "other", lambda _: None)
    exchange.leases.peers.append(Peer("another", None))
    other.send(CommittedBatch("another", 5, 9))
    await until(lambda: chat.feed.lag == 4)
    await chat.stop_following()


# --- who is believed --------------------------------------------------------------------------------------------------


def _typing(name: str) -> TypingChanged:
    return TypingChanged("c", name, name, is_typing=True)


async def _settled() -> None:
    """Returns once everything sent has been received and the leases were read."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_messages_of_a_node_without_a_lease_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_verification, "LEASES_READ_S", DEADLINE_S)
    net = Net()
    (chat, _), stranger = _chat(net), MemoryBus(net)
    received: list[News] = []
    await chat.start()
    chat.subscribe(received.extend)
    await stranger.start("epoch", "stranger", lambda _: None)
    for number in range(50):
        stranger.send(EphemeralBatch(f"stranger-{number % 3}", (_typing("mallory"),)))
        stranger.send(CommittedBatch("stranger", 5, 6, (UserBanned(6, 0, "alice"),)))
        await _settled()
    assert received == []
    assert not chat.peers.has_peers
    assert chat.feed.pos == 5
    assert net.leases.reads <= 2, "the leases are not read for each"
    await chat.stop_following()


async def test_all_messages_of_a_new_node_are_received_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_verification, "LEASES_READ_S", 0.01)
    net = Net()
    (chat, _), other = _chat(net), MemoryBus(net)
    received: list[News] = []
    await chat.start()
    chat.subscribe(received.extend)
    await other.start("epoch", "other", lambda _: None)
    other.send(EphemeralBatch("ghost", (_typing("ghost"),)))
    await _settled()
    net.leases.peers.append(Peer("new", None))
    expected = [_typing(str(number)) for number in range(100)]
    for number, event in enumerate(expected):
        other.send(EphemeralBatch("new", (event,)))
        other.send(EphemeralBatch("ghost", (_typing("ghost"),)))
        if number % 9 == 0:
            await asyncio.sleep(0)
    await until(lambda: len(received) >= len(expected))
    assert received == expected
    await chat.stop_following()
