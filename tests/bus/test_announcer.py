"""What becomes of announced events, over a server in memory that fails when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from talkwire.bus import announcer as announcer_module
from talkwire.bus.announcement_seal import BLOCK_HEAD_BYTES, ENTRY_BYTES, AnnouncementSeal
from talkwire.bus.announcer import Announcer
from talkwire.core.domain.events import Durable, MessageSent, UserBanned
from talkwire.core.domain.log.announced import FOR_ALL_NODES, conversation_hash
from talkwire.core.domain.model import Message
from talkwire.core.ports.bus import Announcement, AnyBusMessage, BusCounts, CommittedBatch
from tests.waiting import pause, turns, until

KEY = b"k" * 32


class Server:
    """Stores announced events for ever, and publishes announcements once `is_gathering` is not set."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.waiting = b""
        self.blocks: list[bytes] = []
        """What was published."""
        self.calls: list[int] = []
        """How many events each call has announced."""
        self.nodes: list[Announcing] = []
        self.is_gathering = False
        self.is_away = False


class Link:
    """One node's connection to the server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.on_announced: Callable[[bytes], None] = lambda _: None

    async def announce(
        self, head: bytes, entries: bytes, events: Mapping[str, bytes], *, kept_s: float, gather_s: float
    ) -> bool:
        server = self._server
        if server.is_away:
            raise OSError("the server is away")
        server.calls.append(len(entries) // ENTRY_BYTES)
        server.stored.update(events)
        server.waiting += entries
        if not server.is_gathering and server.waiting:
            block, server.waiting = head + server.waiting, b""
            server.blocks.append(block)
            for node in server.nodes:
                asyncio.get_running_loop().call_soon(node.announcer.receive, block)
        return not server.is_gathering

    async def fetch(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        if self._server.is_away:
            raise OSError("the server is away")
        return [self._server.stored.get(key) for key in keys]


class Announcing:
    """A node that announces and fetches, without a bus around it."""

    def __init__(self, server: Server, node_id: str, link: Link | None = None) -> None:
        self.needed: set[int] = set()
        """The hashes of conversations."""
        self.announced: list[Announcement] = []
        self.received: list[Durable] = []
        self.sent_to_all: list[AnyBusMessage] = []
        self.compresses = False
        self.counts = BusCounts()
        self.node_id = node_id
        self.seal = AnnouncementSeal(KEY, node_id)
        self.announcer = Announcer(
            link or Link(server),
            (OSError,),
            self.seal,
            choose=self._choose,
            receive=self._receive,
            send_to_all=self.sent_to_all.append,
            may_compress=lambda: self.compresses,
            counts=self.counts,
        )
        server.nodes.append(self)

    def _choose(self, announced: Sequence[Announcement]) -> Sequence[Announcement]:
        self.announced += announced
        return [each for each in announced if each.conversation_hash in self.needed]

    def _receive(self, message: AnyBusMessage) -> None:
        assert isinstance(message, CommittedBatch)
        assert message.events is not None
        assert (message.start_pos, message.pos) == (message.events[0].pos - 1, message.events[0].pos)
        self.received += message.events

    def announce(self, *events: Durable, hashes: Sequence[int] | None = None) -> CommittedBatch:
        batch = CommittedBatch(self.node_id, events[0].pos - 1, events[-1].pos, events)
        self.announcer.announce(batch, [_hash_of(event) for event in events] if hashes is None else hashes)
        return batch


def _hash_of(event: Durable) -> int:
    return conversation_hash(event.message.conversation_id) if isinstance(event, MessageSent) else FOR_ALL_NODES


def message(pos: int, conversation_id: str = "c", content: str = "Hello") -> MessageSent:
    return MessageSent(pos, 0, Message(pos, conversation_id, 1, "alice", "Alice", content, 0))


@asynccontextmanager
async def _running(*nodes: Announcing) -> AsyncIterator[None]:
    for node in nodes:
        for other in nodes:
            node.announcer.learn(other.node_id)
    tasks = [
        asyncio.create_task(keep())
        for node in nodes
        for keep in (node.announcer.keep_announcing, node.announcer.keep_fetching)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _settle() -> None:
    await turns(20)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def nodes(server: Server) -> AsyncIterator[list[Announcing]]:
    async with AsyncExitStack() as stack:
        made = [Announcing(server, node_id) for node_id in "abc"]
        await stack.enter_async_context(_running(*made))
        yield made


async def test_an_event_reaches_the_nodes_that_need_it_and_its_announcement_all_others(
    nodes: list[Announcing],
) -> None:
    a, b, c = nodes
    b.needed.add(conversation_hash("c"))
    a.announce(message(1))
    await _settle()
    assert (b.received, c.received, a.received) == ([message(1)], [], [])
    assert b.announced == c.announced == [Announcement("a", 1, conversation_hash("c"))]
    assert a.announced == [], "its own"


async def test_events_of_one_transaction_are_chosen_one_by_one(nodes: list[Announcing]) -> None:
    a, b, c = nodes
    b.needed |= {conversation_hash("d"), FOR_ALL_NODES}
    c.needed |= {FOR_ALL_NODES}
    banned = UserBanned(3, 0, "bob")
    a.announce(message(1, "c"), message(2, "d"), banned)
    await _settle()
    assert (b.received, c.received) == ([message(2, "d"), banned], [banned])


async def test_what_all_nodes_need_is_sent_to_them_at_once(nodes: list[Announcing], server: Server) -> None:
    batch = nodes[0].announce(UserBanned(1, 0, "bob"), UserBanned(2, 0, "carol"))
    await _settle()
    assert (nodes[0].sent_to_all, server.calls) == ([batch], [])


async def test_announcements_of_all_nodes_are_gathered(nodes: list[Announcing], server: Server) -> None:
    a, b, c = nodes
    server.is_gathering = True
    a.announce(message(1))
    await _settle()
    b.announce(message(2))
    await _settle()
    assert server.blocks == []
    server.is_gathering = False
    await until(lambda: bool(server.blocks))
    await _settle()
    assert [len(block) for block in server.blocks] == [BLOCK_HEAD_BYTES + 2 * ENTRY_BYTES]
    assert [each.pos for each in c.announced] == [1, 2]
    calls = len(server.calls)
    await pause(5 * announcer_module.ANNOUNCEMENTS_GATHER_S)
    assert len(server.calls) <= calls + 1, "nothing waits any more"


async def test_a_large_event_is_announced_and_not_stored(nodes: list[Announcing], server: Server) -> None:
    a, b, _ = nodes
    b.needed.add(conversation_hash("c"))
    a.announce(message(1, content="x" * announcer_module.ANNOUNCED_EVENT_MAX_BYTES), message(2))
    await _settle()
    assert [each.pos for each in b.announced] == [1, 2]
    assert b.received == [message(2)]
    assert len(server.stored) == 1


async def test_a_large_transaction_is_sent_to_all(nodes: list[Announcing], server: Server) -> None:
    events = [message(pos) for pos in range(1, announcer_module.ANNOUNCED_MAX + 2)]
    assert nodes[0].announce(*events) in nodes[0].sent_to_all
    assert server.calls == []


async def test_one_call_announces_a_bounded_number_of_events(
    nodes: list[Announcing], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer_module, "ANNOUNCED_MAX", 3)
    monkeypatch.setattr(announcer_module, "QUEUED_MAX", 8)
    a = nodes[0]
    for pos in range(1, 11, 2):
        a.announce(message(pos), message(pos + 1))
    await _settle()
    assert server.calls == [2, 2, 2, 2]
    assert [batch.pos for batch in a.sent_to_all if isinstance(batch, CommittedBatch)] == [10]
    a.announce(message(11))
    await _settle()
    assert server.calls[-1] == 1, "the queue has room again"


@pytest.mark.parametrize(
    "made", [b"", b"nothing that was sealed", None], ids=["empty", "of another", "of another event"]
)
async def test_what_was_stored_in_place_of_an_event_is_refused(
    nodes: list[Announcing], server: Server, made: bytes | None
) -> None:
    a, b, _ = nodes
    b.needed.add(conversation_hash("c"))
    server.is_gathering = True
    a.announce(message(1), message(2))
    await _settle()
    server.stored["a:1"] = server.stored["a:2"] if made is None else made
    server.is_gathering = False
    await until(lambda: bool(b.received))
    assert (b.received, b.counts.refused) == ([message(2)], 1)


async def test_an_event_that_is_not_stored_any_more_is_not_received(nodes: list[Announcing], server: Server) -> None:
    a, b, _ = nodes
    b.needed.add(conversation_hash("c"))
    server.is_gathering = True
    a.announce(message(1), message(2))
    await _settle()
    del server.stored["a:1"]
    server.is_gathering = False
    await until(lambda: bool(b.received))
    assert b.received == [message(2)]


async def test_without_the_server_events_are_sent_to_all_nodes_for_a_while(
    nodes: list[Announcing], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer_module, "ANNOUNCING_PAUSE_S", 0.05)
    a, b, _ = nodes
    b.needed.add(conversation_hash("c"))
    server.is_away = True
    batches = [a.announce(message(1))]
    await _settle()
    server.is_away = False
    batches.append(a.announce(message(2)))
    await _settle()
    assert a.sent_to_all == batches
    await pause(0.06)
    a.announce(message(3))
    await _settle()
    assert (a.sent_to_all, b.received) == (batches, [message(3)])


async def test_events_that_cannot_be_fetched_are_given_up(nodes: list[Announcing], server: Server) -> None:
    a, b, _ = nodes
    b.needed.add(conversation_hash("c"))
    a.announce(message(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    server.is_away = True
    await _settle()
    server.is_away = False
    b.announcer.announce(CommittedBatch("b", 1, 2, (message(2),)), [1])
    await _settle()
    assert [each.pos for each in b.announced] == [1]
    assert b.received == []


async def test_one_fetch_is_bounded_and_so_is_what_waits_for_it(
    nodes: list[Announcing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer_module, "FETCHED_MAX", 2)
    monkeypatch.setattr(announcer_module, "WANTED_MAX", 5)
    a, b, _ = nodes
    b.needed.add(conversation_hash("c"))
    a.announce(*(message(pos) for pos in range(1, 9)))
    await _settle()
    assert [event.pos for event in b.received] == [1, 2, 3, 4, 5]


async def test_only_so_many_announcements_are_read_of_one_block(
    nodes: list[Announcing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer_module, "RECEIVED_MAX", 3)
    nodes[0].announce(*(message(pos) for pos in range(1, 9)))
    await _settle()
    assert [each.pos for each in nodes[1].announced] == [1, 2, 3]
