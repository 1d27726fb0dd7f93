"""To which nodes a signal of a conversation is sent among many, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from talkwire.core.cluster import peers
from talkwire.core.domain.events import (
    RoomEntered,
    RoomLeft,
    SignalSent,
    TurnWorking,
    TypingChanged,
    UnstoredEvent,
    UploadProgressed,
)
from talkwire.core.domain.nodes.peer import ROUTED, Peer
from talkwire.core.ports.bus import Receivers
from talkwire.core.signals import contact_places
from talkwire.storage.tables import presence as presence_rows
from tests.contracts.contact_nodes import ContactNode, ContactWorld
from tests.contracts.presence_nodes import DELAY_S

WAVE = SignalSent("c", "alice", "wave")


@pytest.fixture(autouse=True)
def _two_nodes_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 1)
    monkeypatch.setattr(contact_places, "SELECTIVE_AFTER_S", 1.0)
    monkeypatch.setattr(contact_places, "ADDRESSED_SHARE", 1.0)


@pytest.fixture
def world() -> Iterator[ContactWorld]:
    """Three nodes. Alice and bob are in the conversation `c`, and with carol in the large one `f`. Alice is connected
    to the first node, bob to the second one, and carol to the third."""
    world = ContactWorld(0)
    for _ in range(3):
        world.start_node()
    world.pass_time(20)
    for node, user_id in zip(world.contact_nodes, ("alice", "bob", "carol"), strict=True):
        world.run(node.connect(user_id, "phone"))
    world.pass_time(3)
    yield world
    world.close()


def _receivers(node: ContactNode, event: UnstoredEvent = WAVE) -> list[Receivers]:
    return [*node.signals.by_receivers([event])]


@pytest.mark.parametrize(
    "event",
    [
        WAVE,
        TypingChanged("c", "alice", "Alice", is_typing=True),
        TurnWorking("c", "alice"),
        RoomEntered("c", "alice", "Alice"),
    ],
)
def test_a_signal_goes_to_the_nodes_of_the_members(world: ContactWorld, event: UnstoredEvent) -> None:
    assert _receivers(world.contact_nodes[0], event) == [("n2",)]


def test_all_nodes_learn_that_a_user_has_left_a_room(world: ContactWorld) -> None:
    """A node to which nobody is connected any more may have the user among the room's occupants."""
    assert _receivers(world.contact_nodes[0], RoomLeft("c", "alice", "Alice")) == [None]


def test_signals_with_different_receivers_are_sent_apart(world: ContactWorld) -> None:
    progress = UploadProgressed("alice", "u", 1, 2)
    sent = world.contact_nodes[0].signals.by_receivers([WAVE, progress, WAVE, SignalSent("e", "dave", "wave")])
    assert sent == {("n2",): [WAVE, WAVE], None: [progress, SignalSent("e", "dave", "wave")]}


def test_a_signal_that_no_other_node_needs_is_not_sent(world: ContactWorld) -> None:
    world.run(world.contact_nodes[1].close_socket("bob", "phone"))
    world.pass_time(15)
    assert _receivers(world.contact_nodes[0]) == []


def test_the_users_own_devices_on_other_nodes_receive_it_too(world: ContactWorld) -> None:
    here, _, third = world.contact_nodes
    world.run(third.connect("alice", "laptop"))
    world.pass_time(3)
    assert [set(to or ()) for to in _receivers(here)] == [{"n2", "n3"}]


def test_a_signal_to_a_large_group_goes_to_all(world: ContactWorld) -> None:
    assert _receivers(world.contact_nodes[0], SignalSent("f", "alice", "wave")) == [None]


def test_a_signal_to_most_nodes_goes_to_all(world: ContactWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_places, "ADDRESSED_SHARE", 0.4)
    assert _receivers(world.contact_nodes[0]) == [None]


def test_a_signal_to_a_conversation_with_a_team_goes_to_all(world: ContactWorld) -> None:
    here = world.contact_nodes[0]
    membership = here.directory.memberships.get("c")
    assert membership is not None
    membership.has_teams = True
    assert _receivers(here) == [None]


def test_the_users_device_that_was_there_before_receives_it_too(world: ContactWorld) -> None:
    here, _, third = world.contact_nodes
    for node in (third, here):
        world.run(node.connect("dave", "laptop"))
        world.pass_time(3)
    assert _receivers(here, SignalSent("e", "dave", "wave")) == [("n3",)]


@pytest.mark.parametrize(("user_id", "conversation_id"), [("bob", "c"), ("alice", "d"), ("alice", "unknown")])
def test_a_signal_of_who_is_not_connected_here_or_no_member_goes_to_all(
    world: ContactWorld, user_id: str, conversation_id: str
) -> None:
    here = world.contact_nodes[0]
    world.run(here.directory.find("bob"))
    world.run(here.connect("carol", "laptop"))
    world.pass_time(3)
    assert _receivers(world.contact_nodes[0], SignalSent(conversation_id, user_id, "wave")) == [None]


def test_a_signal_of_who_has_just_disconnected_goes_to_all(world: ContactWorld) -> None:
    here = world.contact_nodes[0]
    world.run(here.close_socket("alice", "phone"))
    assert _receivers(here) == [None]


def test_a_signal_goes_to_all_while_this_node_keeps_the_users_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 2)
    world = ContactWorld(0)
    for _ in range(2):
        world.start_node()
    world.pass_time(20)
    here = world.contact_nodes[0]
    world.run(here.connect("alice", "phone"))
    monkeypatch.setattr(contact_places, "SELECTIVE_AFTER_S", 30.0)
    world.start_node()
    world.pass_time(20)
    assert here.peers.address_signals
    assert _receivers(here) == [None]
    world.pass_time(30)
    assert _receivers(here) == []
    world.close()


def test_a_signal_goes_to_all_while_contacts_are_looked_up(world: ContactWorld) -> None:
    here = world.contact_nodes[0]
    here.answers_after_s = 1.0
    world.loop.call_soon(here.places.look_up, ("alice",))
    world.pass_time(0.5)
    assert _receivers(here) == [None]
    world.pass_time(1)
    assert _receivers(here) == [("n2",)]


def test_a_signal_goes_to_all_until_contacts_are_looked_up_again_who_were_changing(world: ContactWorld) -> None:
    here, other, _ = world.contact_nodes
    other.holds_back_after = 0  # what the database has arrives later at other nodes
    world.run(other.close_socket("bob", "phone"))
    world.pass_time(12)
    world.run(other.connect("bob", "phone"))
    world.pass_time(0.3)
    world.loop.call_soon(here.places.look_up, ("alice",))
    world.pass_time(0.1)
    assert _receivers(here) == [None]
    world.pass_time(3)
    assert _receivers(here) == [("n2",)]


def test_a_node_whose_list_is_not_known_receives_all_signals(world: ContactWorld) -> None:
    here = world.contact_nodes[0]
    here.signals.presence.exchange.users.drop("n3")
    assert [set(to or ()) for to in _receivers(here)] == [{"n2", "n3"}]
    here.signals.presence.exchange.users.replace("n3", 5, {})
    assert _receivers(here) == [("n2",)]
    world.loop.call_soon(here.signals.presence.exchange._read, "n3", 9)
    world.pass_time(1.5 * DELAY_S)
    assert [set(to or ()) for to in _receivers(here)] == [{"n2", "n3"}]


def test_a_node_whose_list_could_not_be_read_receives_all_signals(world: ContactWorld) -> None:
    here, _, third = world.contact_nodes
    world.lose_all = True
    world.run(third.connect("dave", "phone"))
    world.pass_time(1.5)
    world.lose_all = False
    here.is_uncertain = True
    world.run(third.choose("carol", "phone", "dnd"))
    world.pass_time(1)
    here.is_uncertain = False
    assert [set(to or ()) for to in _receivers(here)] == [{"n2", "n3"}]
    world.pass_time(12)
    assert _receivers(here) == [("n2",)]


def test_a_node_that_needs_all_signals_receives_them(world: ContactWorld) -> None:
    here, _, third = world.contact_nodes
    third.lease.needs_signals = lambda: True
    world.pass_time(12)
    assert [set(to or ()) for to in _receivers(here)] == [{"n2", "n3"}]


def test_signals_go_to_all_until_it_is_noticed_what_was_missed_while_the_bus_was_away(world: ContactWorld) -> None:
    here, other, third = world.contact_nodes
    here.places.connections = lambda: 1
    assert _receivers(here) == [None]
    world.lose_all = True
    world.run(third.connect("bob", "laptop"))
    world.pass_time(1.5)
    world.lose_all = False
    world.run(other.close_socket("bob", "phone"))
    seen = []
    for _ in range(20):
        world.pass_time(1)
        seen += _receivers(here)
    assert (seen[0], seen[-1]) == (None, ("n3",))
    assert set(seen) <= {None, ("n3",), ("n2", "n3")}


def test_signals_go_to_all_of_users_with_more_contacts_than_are_looked_up(
    world: ContactWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world.contact_nodes[0]
    world.join("alice", "d")
    world.run(here.connect("dave", "phone"))
    monkeypatch.setattr(presence_rows, "CONTACTS_READ_MAX", 2)
    world.loop.call_soon(here.places.look_up, ("dave", "alice"))
    world.pass_time(3)
    assert _receivers(here) == [None]
    assert _receivers(here, SignalSent("e", "dave", "wave")) == [], "these have few enough by themselves"
    monkeypatch.undo()
    world.loop.call_soon(here.places.look_up, ("alice",))
    world.pass_time(3)
    assert here.places._lacking == set()


@pytest.mark.parametrize("revision", [ROUTED - 1, 0])
def test_signals_go_to_all_while_a_node_needs_them_all(world: ContactWorld, revision: int) -> None:
    here = world.contact_nodes[0]
    here.peers.set_peers([Peer("n2", None, revision=ROUTED), Peer("n3", None, revision=revision)])
    assert _receivers(here) == [None]
