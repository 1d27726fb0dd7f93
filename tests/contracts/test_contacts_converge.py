"""Nodes that keep only users of interest show the presence of contacts as it is, whatever happens to their messages,
their database and themselves, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from talkwire.core.cluster import peers
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import ChosenStatus, ShownStatus
from talkwire.core.signals import contact_places
from talkwire.core.signals.presence_state import shown_status
from tests.contracts.contact_nodes import FIRST_MEMBERS, PEOPLE, ContactNode, ContactWorld
from tests.repetition import repetitions

NODES_MAX = 3
NODES = st.integers(0, NODES_MAX - 1)
FAULTS = st.frozensets(st.sampled_from(["lost", "doubled", "late", "slow"]))
USERS = st.sampled_from(PEOPLE)
CONVERSATIONS = st.sampled_from(sorted(FIRST_MEMBERS))
STATUSES: st.SearchStrategy[ChosenStatus] = st.sampled_from(["online", "away", "dnd", "invisible"])


class Connects(NamedTuple):
    user_id: str
    node: int


class Disconnects(NamedTuple):
    user_id: str
    node: int


class Chooses(NamedTuple):
    user_id: str
    node: int
    socket_id: str | None
    status: ChosenStatus


class Joins(NamedTuple):
    user_id: str
    conversation_id: str


class Leaves(NamedTuple):
    user_id: str
    conversation_id: str


class Blocks(NamedTuple):
    user_id: str
    other_id: str
    blocked: bool


Happening = Connects | Disconnects | Chooses | Joins | Leaves | Blocks
HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    st.builds(Connects, USERS, NODES),
    st.builds(Disconnects, USERS, NODES),
    st.builds(Chooses, USERS, NODES, st.sampled_from([None, "phone"]), STATUSES),
    st.builds(Joins, USERS, CONVERSATIONS),
    st.builds(Leaves, USERS, CONVERSATIONS),
    st.builds(Blocks, USERS, USERS, st.booleans()),
)
NEWS_TAKE_S = 3.0
"""Within this time all nodes know that a user has connected or that members have changed, if nothing fails."""

PAUSES_S = st.sampled_from([0.0, 0.0005, 0.001, 0.002, 0.01, 0.3, 11.0])


@pytest.fixture(autouse=True, scope="module")
def _two_nodes_are_many() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(peers, "ANNOUNCED_FROM", 1)
        monkeypatch.setattr(contact_places, "SELECTIVE_AFTER_S", 1.0)
        monkeypatch.setattr(contact_places, "ADDRESSED_SHARE", 1.0)
        yield


class Nodes(RuleBasedStateMachine):
    """Users connect, choose a status, disconnect, join and leave conversations and block each other on up to three
    nodes, which are cut off and killed, over a bus that loses, doubles and delays messages. Once that ends, all clients
    know of their contacts what is true."""

    @initialize(seed=st.integers(0, 2**32), faults=FAULTS)
    def start(self, seed: int, faults: frozenset[str]) -> None:
        self.world = ContactWorld(seed)
        for _ in range(2):
            self.world.start_node()
        self.world.pass_time(20)
        for index, user_id in enumerate(PEOPLE):
            self.world.run(self._node(index).connect(user_id, "phone"))
        self.world.pass_time(1)
        self.world.faults = faults
        self.is_calm = not faults

    def _node(self, index: int) -> ContactNode:
        return self.world.contact_nodes[index % len(self.world.nodes)]

    @rule(happenings=st.lists(st.tuples(HAPPENINGS, PAUSES_S), min_size=1, max_size=5))
    def happen(self, happenings: list[tuple[Happening, float]]) -> None:
        """Lets things happen at nearly the same time."""
        for happening, pause_s in happenings:
            self.world.loop.create_task(self._let_happen(happening))
            self.world.pass_time(pause_s)
        if self.is_calm:
            self.world.pass_time(NEWS_TAKE_S)
            assert self.world.signals_missed() == []

    async def _let_happen(self, happening: Happening) -> None:
        world = self.world
        match happening:
            case Connects(user_id, node) | Chooses(user_id, node):
                attempted = self._node(node)
                try:
                    if isinstance(happening, Connects):
                        await attempted.connect(user_id, "phone")
                    else:
                        await attempted.choose(user_id, happening.socket_id, happening.status)
                except ChatError:
                    assert attempted.is_cut_off or attempted.is_uncertain or not attempted.is_alive
            case Disconnects(user_id, node):
                self._node(node).disconnect(user_id, "phone")
            case Joins(user_id, conversation_id):
                world.join(user_id, conversation_id)
            case Leaves(user_id, conversation_id):
                world.leave(user_id, conversation_id)
            case Blocks(user_id, other_id, blocked):
                world.set_block(user_id, other_id, blocked=blocked)

    @rule(seconds=st.sampled_from([0.001, 0.05, 0.3, 2.0, 11.0, 40.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(node=NODES, failure=st.sampled_from(["cut off", "uncertain", "none", "killed"]), faults=FAULTS)
    def fail(self, node: int, failure: str, faults: frozenset[str]) -> None:
        self.world.faults = faults
        self.is_calm = False
        failing = self._node(node)
        failing.is_cut_off, failing.is_uncertain = failure == "cut off", failure == "uncertain"
        if failure == "killed":
            if len(self.world.nodes) > 1:
                failing.kill()
            self.world.start_node()

    @rule()
    def add_node(self) -> None:
        if len(self.world.nodes) < NODES_MAX:
            self.world.start_node()
            self.is_calm = False

    @rule()
    def settle(self) -> None:
        self.world.settle()
        self.is_calm = True
        assert self.world.signals_missed() == []
        assert self.world.seen_by_strangers == []
        for node in self.world.contact_nodes:
            assert node.places.is_selective, node.node_id
            assert not node.places._tasks._tasks, f"{node.node_id} looks up contacts for ever"
            for user_id, sockets in node.sockets.items():
                for other_id in PEOPLE:
                    if sockets and user_id != other_id and self.world.are_contacts(user_id, other_id):
                        known, truth = node.known.get((user_id, other_id)), self._truth(other_id)
                        assert known == truth, f"{user_id} at {node.node_id} sees {other_id} {known}, not {truth}"

    def _truth(self, user_id: str) -> ShownStatus:
        """Returns what others should see: merged from what each node knows of its own sockets."""
        places = [node.signals.presence._state.away(user_id) for node in self.world.nodes]
        status = shown_status(self.world.record(user_id), *places)
        return "offline" if status == "invisible" else status

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.settle()
            finally:
                self.world.close()


TestNodes = pytest.mark.timeout(1200)(Nodes.TestCase)
TestNodes.settings = settings(max_examples=repetitions(800, usual=8), stateful_step_count=20, deadline=None)
