"""Every client receives each message of its conversations once and in order, whatever happens to announcements, nodes
and their database.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from talkwire.core.cluster import peers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.nodes.peer import ANNOUNCED
from tests.contracts.event_nodes import CONVERSATION_IDS, Client, EventNode, World
from tests.repetition import repetitions

USER_IDS = ("alice", "bob", "carol")
NODES = st.integers(0, 3)
NODES_MAX = 4
FAULTS = st.frozensets(st.sampled_from(["lost", "doubled", "late", "forgotten"]))
USERS = st.sampled_from(USER_IDS)
CONVERSATIONS = st.sampled_from(CONVERSATION_IDS)


@pytest.fixture(autouse=True, scope="module")
def _two_nodes_are_many() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(peers, "ANNOUNCED_FROM", 1)
        yield


class Nodes(RuleBasedStateMachine):
    """Users join conversations, connect, move and disconnect on up to four nodes, which send messages, are cut off and
    killed, over a network that loses, doubles and delays announcements and forgets announced events."""

    @initialize(seed=st.integers(0, 2**32), faults=FAULTS)
    def start(self, seed: int, faults: frozenset[str]) -> None:
        self.world = World(seed)
        self.clients = [Client(user_id) for user_id in USER_IDS]
        for client in self.clients:
            self._connect(client, self.world.start_node())
        self.world.pass_time(1)
        self.world.faults = faults

    def _node(self, index: int) -> EventNode:
        return self.world.nodes[index % len(self.world.nodes)]

    @rule(node=NODES, conversation_id=CONVERSATIONS, count=st.integers(1, 8))
    def send(self, node: int, conversation_id: str, count: int) -> None:
        for _ in range(count):
            self.world.loop.create_task(self._attempt(node, conversation_id))
        self.world.pass_time(self.world.random.choice([0.001, 0.004, 0.1]))

    async def _attempt(self, node: int, conversation_id: str) -> None:
        sender = self._node(node)
        try:
            await sender.send(conversation_id)
        except ChatError:
            assert sender.is_cut_off

    @rule(node=NODES, user_id=USERS, conversation_id=CONVERSATIONS)
    def join(self, node: int, user_id: str, conversation_id: str) -> None:
        joining = self._node(node)
        try:
            self.world.run(joining.join(user_id, conversation_id))
        except ChatError:
            assert joining.is_cut_off

    @rule(node=NODES, user_id=USERS, is_new=st.booleans())
    def connect(self, node: int, user_id: str, *, is_new: bool) -> None:
        [client] = [client for client in self.clients if client.user_id == user_id]
        if client.node is not None:
            client.node.disconnect(client)
        if is_new:
            client.forget()
        self._connect(client, self._node(node))

    def _connect(self, client: Client, node: EventNode) -> None:
        try:
            self.world.run(node.connect(client))
        except (ChatError, TimeoutError):
            assert node.is_cut_off or client.node is None
            if client.node is not None:
                client.node.disconnect(client)

    @rule(user_id=USERS)
    def disconnect(self, user_id: str) -> None:
        for client in self.clients:
            if client.user_id == user_id and client.node is not None:
                client.node.disconnect(client)

    @rule(seconds=st.sampled_from([0.002, 0.05, 0.3, 2.0, 11.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(node=NODES, failure=st.sampled_from(["cut off", "none", "killed", "killed at a commit"]), faults=FAULTS)
    def fail(self, node: int, failure: str, faults: frozenset[str]) -> None:
        self.world.faults = faults
        failing = self._node(node)
        failing.is_cut_off = failure == "cut off"
        if failure.startswith("killed") and len(self.world.nodes) > 1:
            if failure == "killed":
                failing.kill()
            else:
                self.world.run(failing.send("c", dies=True))
            self.world.read_leases()

    @rule(revision=st.sampled_from([ANNOUNCED, ANNOUNCED, ANNOUNCED - 1]))
    def add_node(self, revision: int) -> None:
        """Starts a node; one of an older version is sent everything."""
        if len(self.world.nodes) < NODES_MAX:
            self.world.start_node(revision)

    @rule()
    def settle(self) -> None:
        self.world.settle()
        end = len(self.world.log)
        for index, client in enumerate(self.clients):
            if client.node is None:
                self._connect(client, self._node(index))
        self.world.pass_time(1)
        for node in self.world.nodes:
            assert node.chat.pos == end, node.node_id
        for client in self.clients:
            assert client.rooms is not None, client.user_id
            assert client.received == self.world.messages_for(client.user_id, client.since, end), client.user_id

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.settle()
            finally:
                self.world.close()


TestNodes = pytest.mark.timeout(1200)(Nodes.TestCase)
TestNodes.settings = settings(max_examples=repetitions(800, usual=8), stateful_step_count=30, deadline=None)
