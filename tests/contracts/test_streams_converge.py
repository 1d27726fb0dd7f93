"""Readers of a message that is being written see what its author has written, and the author can go on at any node,
whatever happens to the nodes and their messages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from talkwire.core.cluster import peers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.nodes.peer import LISTED
from talkwire.core.domain.parts.streams import Stream
from talkwire.core.signals.streams.reading_nodes import LIST_EVERY_S, READ_S
from tests.contracts.stream_nodes import Reader, StreamNode, StreamWorld
from tests.repetition import repetitions

NODES_MAX = 4
NODES = st.integers(0, NODES_MAX - 1)
FAULTS = st.frozensets(st.sampled_from(["lost", "late"]))
PAUSES_S = st.sampled_from([0.0, 0.0015, 0.003, 0.06, 0.3, 1.2, 5.0])
TRIES = 10


@pytest.fixture(autouse=True, scope="module")
def _three_nodes_are_many() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "ANNOUNCED_FROM", 2)
        yield


class ReadStreams(RuleBasedStateMachine):
    """An author who writes through any node, and readers who are connected to some of them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = StreamWorld(0)
        self.attempt = 1
        self.is_unsure = False
        self.words = 0
        self.readers: list[Reader] = []

    @initialize(
        seed=st.integers(0, 1 << 16), count=st.sampled_from([2, 3, 4, 4]), first=NODES, read_at=st.frozensets(NODES)
    )
    def begin(self, seed: int, count: int, first: int, read_at: frozenset[int]) -> None:
        self.world.random.seed(seed)
        for _ in range(count):
            self.world.start_node()
        self.world.pass_time(2 * READ_S)
        for number in read_at:
            self.connect(number)
        self.open(first)

    def teardown(self) -> None:
        try:
            if self.world.nodes and self.world.stream is not None:
                self._check()
        finally:
            self.world.close()

    # --- the author ---------------------------------------------------------------------------------------------------

    @rule(node=NODES)
    def open(self, node: int) -> None:
        self.world.run(self._open_at(self._node(node)))

    @rule(node=NODES, other=NODES, gap=st.sampled_from([0.0, 0.0005, 0.002]))
    def open_twice(self, node: int, other: int, gap: float) -> None:
        """Opens the stream through two nodes at nearly the same time."""
        self.world.loop.create_task(self._open_at(self._node(node)))
        self.world.pass_time(gap)
        self.world.run(self._open_at(self._node(other)))

    async def _open_at(self, node: StreamNode) -> None:
        try:
            opened = await node.open()
        except ChatError:
            self.is_unsure = True  # the database may have opened it
        else:
            self.attempt = max(self.attempt, opened.attempt or 0)

    @rule(node=NODES, part=st.integers(0, 1))
    def append(self, node: int, part: int) -> None:
        self._try_append(self._node(node), part)

    @rule(node=NODES, part=st.integers(0, 1), at=st.sampled_from([None, 0, 2]))
    def rewind(self, node: int, part: int, at: int | None) -> None:
        with contextlib.suppress(ChatError):
            self.world.run(self._node(node).rewind(self.attempt, part, at))

    def _try_append(self, node: StreamNode, part: int) -> str | None:
        """Appends a word. Returns why the node has refused it, None if it has not."""
        self.words += 1
        text, at = f"{self.words}.", None
        for _ in range(2):
            try:
                self.world.run(node.append(self.attempt, part, text, at))
            except ChatError as refusal:
                details = refusal.details if isinstance(refusal.details, dict) else {}
                if details.get("reason") != "moved":
                    return f"{refusal.message} {details}"
                at = details["length"]
            else:
                return None
        return "moved"

    # --- the readers --------------------------------------------------------------------------------------------------

    @rule(node=NODES)
    def connect(self, node: int) -> None:
        self.readers.append(self._node(node).connect())

    @rule(node=NODES, number=NODES)
    def disconnect(self, node: int, number: int) -> None:
        readers = self._node(node).readers
        if readers:
            del readers[number % len(readers)]

    # --- the nodes and the network ------------------------------------------------------------------------------------

    @rule(revision=st.sampled_from([LISTED, LISTED, LISTED, LISTED - 1]))
    def start_node(self, revision: int) -> None:
        if len(self.world.nodes) < NODES_MAX:
            self.world.start_node(revision)

    @rule(node=NODES)
    def kill(self, node: int) -> None:
        if len(self.world.nodes) > 1:
            self._node(node).kill()
            self.world.loop.call_later(0.2, self.world.read_leases)

    @rule(node=NODES)
    def cut_off(self, node: int) -> None:
        self._node(node).is_cut_off = not self._node(node).is_cut_off

    @rule(node=NODES)
    def give_up(self, node: int) -> None:
        """Lets a node give up its streams, as after a pause in which the database does not answer."""
        self.world.run(self._node(node).give_up())

    @rule(node=NODES)
    def let_lease_end(self, node: int) -> None:
        """Lets the others take a node for dead until the leases are read again."""
        self.world.run(self.world.read_leases_without(self._node(node)))

    @rule()
    def read_leases(self) -> None:
        self.world.read_leases()

    @rule(faults=FAULTS)
    def set_faults(self, faults: frozenset[str]) -> None:
        self.world.faults = faults

    @rule(gap=PAUSES_S)
    def wait(self, gap: float) -> None:
        self.world.pass_time(gap)

    @rule(node=NODES)
    def write_quietly(self, node: int) -> None:
        """Lets a while pass without faults. Then what is written reaches all readers at once, and no other node."""
        world = self.world
        world.settle()
        self.open(node)
        world.pass_time(2 * LIST_EVERY_S)
        world.take_changes()
        assert self._try_append(self._node(node), 0) is None
        world.pass_time(0.1)
        self._assert_read(only_live=True)
        if self._node(node).peers.address_streams:
            reading = {each.node_id for each in world.nodes if each.readers}
            sent = [to for to, _, _ in world.take_changes()]
            assert all(reading.issuperset(to) if to else 2 * len(reading) >= len(world.nodes) for to in sent)

    def _node(self, number: int) -> StreamNode:
        return self.world.nodes[number % len(self.world.nodes)]

    # --- what holds in the end ----------------------------------------------------------------------------------------

    def _check(self) -> None:
        world = self.world
        world.settle()
        if self.is_unsure:
            self.open(0)
            world.pass_time(3)
        home = next((node for node in world.nodes if node.node_id == self._stream().node_id), None)
        if home is not None and home.peers.address_streams and home.texts() is not None:
            self._assert_read(only_live=True)
        self._append_everywhere()  # a node that was the home may accept this
        world.pass_time(3)
        self._append_everywhere()
        world.pass_time(5)
        self._assert_read()
        for node in world.nodes:
            self.readers.append(node.connect())
        world.pass_time(2)
        self._assert_read()

    def _append_everywhere(self) -> None:
        for node in self.world.nodes:
            refused: str | None = ""
            for _ in range(TRIES):
                refused = self._try_append(node, 0)
                if refused is None:
                    break
                self.world.pass_time(1)
            assert refused is None, f"{node.node_id} refuses the author: {refused}"

    def _stream(self) -> Stream:
        assert self.world.stream is not None
        return self.world.stream

    def _assert_read(self, *, only_live: bool = False) -> None:
        """Asserts that readers have what the home has; with `only_live`, those who have received a change since they
        have read what was stored."""
        homes = {node.node_id: texts for node in self.world.nodes if (texts := node.texts()) is not None}
        assert list(homes) == [self._stream().node_id], homes
        (texts,) = homes.values()
        assert [getattr(part, "text", None) for part in self.world.message.parts] == texts
        for node in self.world.nodes:
            for reader in node.live_readers if only_live else node.readers:
                assert not reader.wrong, reader.wrong
                assert reader.texts == texts, f"{node.node_id}: {reader.texts} instead of {texts}, {reader.wrong}"


TestReadStreams = ReadStreams.TestCase
TestReadStreams.settings = settings(max_examples=repetitions(800, usual=15), stateful_step_count=15, deadline=None)
