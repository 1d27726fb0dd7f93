"""Nodes on which messages are written and read, in virtual time, for the property test of streams between nodes.

The streams, the questions between nodes and what sockets receive are the real ones. The database is a table of streams,
and the network loses and delays what is sent over it as the test says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from msgspec.structs import replace

from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.command import Command
from talkwire.core.commands.streams.storing import (
    AdoptStream,
    BeginStream,
    BegunStream,
    EndStream,
    FindStream,
    FoundStream,
    KeepCheckpoints,
    KeptStreams,
)
from talkwire.core.commands.streams.writing import (
    AppendToMessage,
    FinishMessage,
    OpenedStream,
    RewindMessage,
    StreamMessage,
)
from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import StreamAdvanced, StreamsOpen, StreamsRead, UnstoredEvent
from talkwire.core.domain.model import Actor, Message, User
from talkwire.core.domain.nodes.peer import LISTED, Peer
from talkwire.core.domain.parts.growing_parts import PartChange
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.parts.streams import Stream
from talkwire.core.features.streams.streams import superseded
from talkwire.core.ports.bus import AnyBusMessage, EphemeralBatch, PeerAnswer, PeerQuestion, Receivers
from talkwire.core.signals.streams.homes import StreamHomes
from tests.contracts.virtual_time import VirtualTime

DELAY_S = 0.001
CONVERSATION_ID = "c"
AUTHOR = Actor("helper", "Helper")
MESSAGE_ID = 1


class StreamWorld(VirtualTime):
    """The nodes, the stream in their database, and the network between them. `faults` says what the network may do."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(seed)
        self.faults: frozenset[str] = frozenset()
        self.nodes: list[StreamNode] = []
        self.message = Message(MESSAGE_ID, CONVERSATION_ID, 1, AUTHOR.user_id, AUTHOR.name, "", 0, state="streaming")
        self.stream: Stream | None = None
        self.sent: list[tuple[Receivers, UnstoredEvent]] = []
        """What the nodes have sent each other of the stream."""
        self.found = 0
        """How often the database was asked who is the home."""
        self._started = 0

    def start_node(self, revision: int = LISTED) -> StreamNode:
        self._started += 1
        node = StreamNode(self, f"n{self._started}", revision)
        self.nodes.append(node)
        self.send(node, EphemeralBatch(node.node_id, ()))
        self.loop.call_later(0.05, self.read_leases)
        return node

    def read_leases(self) -> None:
        """Tells all nodes which others are alive."""
        peers = [Peer(node.node_id, None, revision=node.revision) for node in self.nodes]
        for node in self.nodes:
            node.peers.start_reading()
            node.peers.set_peers(peers)

    async def read_leases_without(self, missing: StreamNode) -> None:
        """Tells all nodes that one of them is dead."""
        peers = [Peer(node.node_id, None, revision=node.revision) for node in self.nodes if node is not missing]
        for node in self.nodes:
            node.peers.start_reading()
            node.peers.set_peers(peers)

    def take_changes(self) -> list[tuple[Receivers, bool, int]]:
        """Returns the changes that were sent since the last call: to whom, whether they were everything, and their
        number."""
        sent, self.sent = self.sent, []
        return [(to, event.is_whole, event.number) for to, event in sent if isinstance(event, StreamAdvanced)]

    def settle(self) -> None:
        """Ends all faults, and lets the nodes find out about everything."""
        self.faults = frozenset()
        for node in self.nodes:
            node.is_cut_off = False
        self.loop.call_soon(self.read_leases)
        self.pass_time(5)

    def close(self) -> None:
        for node in tuple(self.nodes):
            node.kill()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.pass_time(1)
        self.loop.close()

    # --- the network --------------------------------------------------------------------------------------------------

    def send(self, sender: StreamNode, message: AnyBusMessage, to: Receivers = None) -> None:
        if isinstance(message, EphemeralBatch):
            self.sent += [(to, event) for event in message.events]
        for node in self.nodes:
            if node is sender or sender.is_cut_off or (to is not None and node.node_id not in to):
                continue
            if self._happens("lost", 0.4):
                continue
            delay_s = self.random.uniform(0, 1) if self._happens("late", 0.5) else DELAY_S
            self.loop.call_later(delay_s, node.receive, message)

    def _happens(self, fault: str, share: float) -> bool:
        return fault in self.faults and self.random.random() < share

    # --- the database -------------------------------------------------------------------------------------------------

    def execute(self, command: object) -> object:
        match command:
            case BeginStream(node_id=node_id):
                attempt = 1 if self.stream is None else self.stream.attempt + 1
                self.stream = Stream(MESSAGE_ID, CONVERSATION_ID, AUTHOR.user_id, attempt, node_id, 60_000, 60_000)
                return BegunStream(self.message, self.stream, 3)
            case AdoptStream(node_id=node_id, former_id=former_id):
                assert self.stream is not None
                if self.stream.node_id == former_id:
                    self.stream = replace(self.stream, node_id=node_id)
                return BegunStream(self.message, self.stream, 3)
            case FindStream(message_id=message_id):
                self.found += 1
                return FoundStream(self.message, self.stream) if message_id == MESSAGE_ID else FoundStream(None, None)
            case EndStream(attempt=attempt, node_id=node_id, parts=parts):
                if self.stream is None or (attempt, node_id) != (self.stream.attempt, self.stream.node_id):
                    raise superseded()
                self.stream, self.message = None, replace(self.message, state="done", parts=parts)
                return self.message
            case KeepCheckpoints(node_id=node_id, checkpoints=checkpoints):
                return self._keep(node_id, checkpoints)
        raise AssertionError(f"not expected: {command}")

    def _keep(self, node_id: str, checkpoints: Sequence[Any]) -> KeptStreams:
        assert self.stream is not None
        for each in checkpoints:
            if (each.attempt, node_id) != (self.stream.attempt, self.stream.node_id):
                return KeptStreams(lost=(MESSAGE_ID,))
            self.message = replace(self.message, parts=each.parts)
        return KeptStreams()


class Reader:
    """What a client shows of the message: the deltas that it has received, joined as the documentation says."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        self.wrong: list[str] = []

    def apply(self, change: PartChange) -> None:
        index = change.part
        if change.text is not None:
            if index > len(self.texts):
                self.wrong.append(f"part {index} after {self.texts}")
                return
            if change.replace or index == len(self.texts):
                self.texts[index : index + 1] = [change.text]
            elif change.at != len(self.texts[index]):
                self.wrong.append(f"{change} after {self.texts[index]!r}")
            else:
                self.texts[index] += change.text
            index += 1
        if change.drop:
            del self.texts[index:]


class StreamNode:
    """A node, and the readers who are connected to it."""

    def __init__(self, world: StreamWorld, node_id: str, revision: int) -> None:
        self.node_id = node_id
        self.revision = revision
        self.is_cut_off = False
        self.is_alive = True
        self.has_database = True
        self.readers: list[Reader] = []
        self.attempts: list[int] = []
        """Of which attempts the readers here have learned."""
        self._in_step: set[Reader] = set()
        self._world = world
        self.peers = Peers(node_id, partial(world.send, self), lambda: False)
        self.peers.can_address = True
        user = User(AUTHOR.user_id, AUTHOR.name, 0)
        entry = DirectoryEntry(user, {CONVERSATION_ID})
        self.directory = SimpleNamespace(peek=lambda _: entry, find=partial(self._find, entry))
        self.streams = StreamHomes(cast("Any", self), self, self.peers)
        self.streams.readers.append(lambda *_: bool(self.readers))

    def kill(self) -> None:
        self.is_cut_off, self.is_alive = True, False
        self.readers.clear()
        self._world.nodes.remove(self)

    # --- the author and the readers -----------------------------------------------------------------------------------

    async def open(self) -> OpenedStream:
        return cast(
            "OpenedStream", await self._do(StreamMessage(conversation_id=CONVERSATION_ID, client_message_id="s"))
        )

    async def append(self, attempt: int, part: int, text: str, at: int | None = None) -> object:
        return await self._do(AppendToMessage(message_id=str(MESSAGE_ID), attempt=attempt, part=part, text=text, at=at))

    async def rewind(self, attempt: int, part: int, at: int | None) -> object:
        return await self._do(RewindMessage(message_id=str(MESSAGE_ID), attempt=attempt, part=part, at=at))

    async def finish(self, attempt: int) -> object:
        return await self._do(FinishMessage(message_id=str(MESSAGE_ID), attempt=attempt))

    async def _do(self, command: Command[Any]) -> object:
        return await self.streams.handlers[type(command)](AUTHOR, command)

    async def give_up(self) -> None:
        self.streams.give_up_all()

    def connect(self) -> Reader:
        """Connects a client, which reads what is stored first."""
        reader = Reader([cast("TextPart", part).text for part in self._world.message.parts])
        self.readers.append(reader)
        return reader

    @property
    def live_readers(self) -> Sequence[Reader]:
        """Those who have received a change."""
        return [reader for reader in self.readers if reader in self._in_step]

    def texts(self) -> list[str] | None:
        """Returns the texts of the message if this node is its home."""
        stream = self.streams._streams.get(MESSAGE_ID)
        return None if stream is None else [cast("TextPart", part).text for part in stream.parts.values()]

    # --- the chat, as far as streams use it ---------------------------------------------------------------------------

    def is_hooked(self, command: object) -> bool:
        return False

    async def execute(self, actor: Actor, command: object) -> object:
        await self._world.pause(DELAY_S)
        if not (self.is_alive and self.has_database) or (self.is_cut_off and self._world.random.random() < 0.5):
            raise ChatError("unavailable", "The database does not answer. Try again.")
        result = self._world.execute(command)
        await self._world.pause(DELAY_S)
        return result

    def submit(self, actor: Actor, command: object, done: Callable[[Any, Exception | None], None]) -> None:
        def finish(task: asyncio.Task[Any]) -> None:
            error = None if task.cancelled() else cast("Exception | None", task.exception())
            if self.is_alive and not task.cancelled():
                done(None if error else task.result(), error)

        self._world.loop.create_task(self.execute(actor, command)).add_done_callback(finish)

    async def _find(self, entry: DirectoryEntry, user_id: str) -> DirectoryEntry:
        await self._world.pause(DELAY_S)
        return entry

    def receive(self, message: AnyBusMessage) -> None:
        if self.is_cut_off:
            return
        if not self.peers.is_peer(message.node_id):
            self.peers.add(message.node_id)
        if isinstance(message, PeerQuestion | PeerAnswer):
            self.peers.receive(message)
        elif isinstance(message, EphemeralBatch):
            received = [seen for event in message.events if (seen := self._receive(event)) is not None]
            self.publish_here(received)

    def _receive(self, event: UnstoredEvent) -> StreamAdvanced | None:
        assert isinstance(event, StreamAdvanced | StreamsOpen | StreamsRead)
        return self.streams.receive(event)

    def publish(self, events: Sequence[UnstoredEvent]) -> None:
        raise AssertionError("streams are published to some")

    def publish_to_peers(self, events: Sequence[UnstoredEvent]) -> None:
        raise AssertionError("streams are published to some")

    def publish_to(self, events: Sequence[UnstoredEvent], to: Receivers) -> None:
        self._world.send(self, EphemeralBatch(self.node_id, tuple(events)), to)

    def publish_here(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends changes to the readers, as `DeltaDelivery` does."""
        for event in events:
            assert isinstance(event, StreamAdvanced)
            self.attempts.append(event.attempt)
            if not event.changes:
                continue
            before, self._in_step = self._in_step, set(self.readers)
            whole = self.streams.whole(MESSAGE_ID)
            for reader in self.readers:
                for change in event.changes if reader in before else whole:
                    reader.apply(change)
