"""Nodes agree on who is online, whatever happens to their messages, their database and themselves."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import ChosenStatus, ShownStatus
from talkwire.core.ports.bus import EphemeralBatch
from talkwire.core.signals.presence_state import shown_status
from tests.contracts.presence_nodes import USER_IDS, PresenceNode, World
from tests.repetition import repetitions

NODES = st.integers(0, 1)
FAULTS = st.frozensets(st.sampled_from(["lost", "doubled", "late"]))
USERS = st.sampled_from(USER_IDS[:2])
SOCKETS = st.just("phone")
STATUSES: st.SearchStrategy[ChosenStatus] = st.sampled_from(["online", "away", "dnd", "invisible"])


class Nodes(RuleBasedStateMachine):
    """Users connect, choose a status and disconnect on up to three nodes, which are cut off and killed, over a bus that
    loses, doubles and delays messages. Once that ends, all nodes show the same, and their clients know it."""

    @initialize(seed=st.integers(0, 2**32), faults=FAULTS)
    def start(self, seed: int, faults: frozenset[str]) -> None:
        self.world = World(seed)
        for _ in range(2):
            self.world.start_node()
        self.world.pass_time(20)
        self.world.faults = faults

    def _node(self, index: int) -> PresenceNode:
        return self.world.nodes[index % len(self.world.nodes)]

    @rule(node=NODES, user_id=USERS, socket_id=SOCKETS)
    def connect(self, node: int, user_id: str, socket_id: str) -> None:
        try:
            self.world.run(self._node(node).connect(user_id, socket_id))
        except ChatError:
            assert self._node(node).is_cut_off or self._node(node).is_uncertain

    @rule(node=NODES, user_id=USERS, socket_id=SOCKETS)
    def disconnect(self, node: int, user_id: str, socket_id: str) -> None:
        self.world.run(self._node(node).close_socket(user_id, socket_id))

    @rule(node=NODES, user_id=USERS, socket_id=st.none() | SOCKETS, status=STATUSES)
    def choose(self, node: int, user_id: str, socket_id: str | None, status: ChosenStatus) -> None:
        try:
            self.world.run(self._node(node).choose(user_id, socket_id, status))
        except ChatError:
            assert self._node(node).is_cut_off or self._node(node).is_uncertain

    @rule(seconds=st.sampled_from([0.05, 0.3, 2.0, 11.0, 40.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(node=NODES, failure=st.sampled_from(["cut off", "uncertain", "none", "killed"]), faults=FAULTS)
    def fail(self, node: int, failure: str, faults: frozenset[str]) -> None:
        """Makes the bus behave in another way, and a node fail: `cut off` from the database and the bus, `uncertain`
        whether its transactions were committed."""
        self.world.faults = faults
        failing = self._node(node)
        failing.is_cut_off, failing.is_uncertain = failure == "cut off", failure == "uncertain"
        if failure == "killed":
            if len(self.world.nodes) > 1:
                failing.kill()
            self.world.start_node()

    @rule()
    def settle(self) -> None:
        self.world.settle()
        for user_id in USER_IDS:
            truth = self._truth(user_id)
            for node in self.world.nodes:
                assert node.shown(user_id) == truth, f"{node.node_id} shows {user_id}"
                if any(node.sockets.values()):
                    assert node.notified[user_id] == truth, f"{node.node_id} shows another status of {user_id}"

    def _truth(self, user_id: str) -> ShownStatus:
        """Returns what others should see: merged from what each node knows of its own sockets."""
        places = [node.signals.presence._state.away(user_id) for node in self.world.nodes]
        connected = [bool(node.sockets.get(user_id)) for node in self.world.nodes]
        assert [place is not None for place in places] == connected
        status = shown_status(self.world.record(user_id), *places)
        return "offline" if status == "invisible" else status

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.settle()
            finally:
                self.world.close()


TestNodes = pytest.mark.timeout(1200)(Nodes.TestCase)
TestNodes.settings = settings(max_examples=repetitions(800, usual=6), stateful_step_count=30, deadline=None)


def _two_nodes() -> World:
    world = World(0)
    world.start_node()
    world.start_node()
    world.pass_time(20)
    return world


def test_a_lost_connect_is_found_at_the_next_message() -> None:
    with closing(_two_nodes()) as world:
        a, b = world.nodes
        world.run(b.connect("bob", "phone"))
        world.lose_all = True
        world.run(a.connect("alice", "phone"))
        world.pass_time(0.2)
        assert b.notified["alice"] == "offline"
        world.lose_all = False
        world.run(a.connect("carol", "phone"))
        world.pass_time(0.2)
        assert b.notified == {"alice": "online", "bob": "online", "carol": "online"}


def test_a_late_repetition_changes_nothing() -> None:
    with closing(_two_nodes()) as world:
        a, b = world.nodes
        world.run(b.connect("bob", "phone"))
        world.run(a.connect("alice", "phone"))
        world.pass_time(1)
        arrivals = [message for message in b.received if isinstance(message, EphemeralBatch) and message.events]
        world.run(a.close_socket("alice", "phone"))
        world.pass_time(11)
        assert b.notified["alice"] == "offline"
        for message in arrivals:
            world.run(b.receive_again(message))
        assert (b.notified["alice"], b.shown("alice")) == ("offline", "offline")


@pytest.mark.parametrize("chooser", [0, 1], ids=["on the user's node", "on another node"])
def test_a_lost_status_is_found_although_nothing_follows_it(chooser: int) -> None:
    with closing(_two_nodes()) as world:
        a, b = world.nodes
        for node, user_id in ((a, "alice"), (a, "carol"), (b, "bob")):
            world.run(node.connect(user_id, "phone"))
        world.pass_time(1)
        world.lose_all = True
        world.run(world.nodes[chooser].choose("alice", None, "dnd"))
        world.pass_time(1)
        world.lose_all = False
        world.pass_time(15)
        assert (a.notified["alice"], b.notified["alice"]) == ("dnd", "dnd")


@pytest.mark.parametrize("status", ["dnd", "invisible"])
def test_a_status_reaches_the_clients_of_the_node_that_stores_it(status: ChosenStatus) -> None:
    """A REST request may arrive at a node where its user has no socket."""
    with closing(_two_nodes()) as world:
        a, b = world.nodes
        world.run(a.connect("bob", "phone"))
        world.run(b.connect("alice", "phone"))
        world.pass_time(15)
        world.run(a.choose("alice", None, status))
        world.pass_time(1)
        expected = "offline" if status == "invisible" else status
        assert (a.notified["alice"], b.notified["alice"]) == (expected, expected)


@pytest.mark.parametrize("failure", ["is_cut_off", "is_uncertain"])
def test_a_status_is_shown_if_it_is_stored_whatever_its_user_was_answered(failure: str) -> None:
    with closing(_two_nodes()) as world:
        a, b = world.nodes
        world.run(a.connect("alice", "phone"))
        world.run(b.connect("bob", "phone"))
        world.pass_time(15)
        setattr(a, failure, True)
        with pytest.raises(ChatError):
            world.run(a.choose("alice", None, "dnd"))
        setattr(a, failure, False)
        world.pass_time(15)
        expected = "dnd" if failure == "is_uncertain" else "online"
        assert (a.shown("alice"), a.notified["alice"], b.notified["alice"]) == (expected, expected, expected)


def test_who_becomes_invisible_and_connects_elsewhere_at_once_is_offline_there() -> None:
    with closing(_two_nodes()) as world:
        a, b = world.nodes
        world.run(b.connect("alice", "phone"))
        world.run(a.connect("bob", "phone"))
        world.pass_time(15)
        world.run(a.choose("bob", None, "invisible"))
        world.run(b.connect("bob", "laptop"))
        world.pass_time(15)
        assert b.notified["bob"] == "offline"


@pytest.mark.parametrize("failure", ["is_cut_off", "is_uncertain"])
def test_a_status_is_announced_although_its_recording_failed(failure: str) -> None:
    with closing(_two_nodes()) as world:
        a, b = world.nodes
        world.run(a.connect("alice", "phone"))
        world.run(b.connect("bob", "phone"))
        world.pass_time(1)
        world.run(a.choose("alice", "phone", "dnd"))
        setattr(a, failure, True)
        world.pass_time(2)
        setattr(a, failure, False)
        world.pass_time(15)
        assert b.notified["alice"] == "dnd"
