"""With many nodes, each keeps those users of the others who are of interest, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from talkwire.core.cluster import peers
from talkwire.core.commands.command import Page
from talkwire.core.commands.presence import ListOnline
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import RoomEntered, RoomLeft
from talkwire.core.domain.model import Presence
from talkwire.core.signals import contact_places, presence_exchange
from tests.contracts.contact_nodes import ContactNode, ContactWorld
from tests.contracts.node import BACKEND

MANY_AFTER_S = 5.0


@pytest.fixture(autouse=True)
def _two_nodes_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 1)
    monkeypatch.setattr(contact_places, "SELECTIVE_AFTER_S", MANY_AFTER_S)


@pytest.fixture
def world() -> Iterator[ContactWorld]:
    """Two nodes that are selective. Alice and bob are contacts."""
    world = ContactWorld(0)
    for _ in range(2):
        world.start_node()
    world.pass_time(20)
    yield world
    world.close()


def _connect(world: ContactWorld, node: ContactNode, *user_ids: str) -> None:
    for user_id in user_ids:
        world.run(node.connect(user_id, "phone"))
    world.pass_time(1)


def _kept(node: ContactNode) -> set[str]:
    return set(node.signals.presence.exchange.users.ids())


def test_only_users_of_interest_are_kept(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob", "carol", "dave")
    assert _kept(here) == set()
    _connect(world, here, "alice")
    assert _kept(here) == {"bob"}
    _connect(world, here, "dave")
    assert _kept(here) == {"bob", "dave"}, "dave is connected to both"


def test_nobody_is_kept_once_the_last_member_has_left(world: ContactWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    here, other = world.contact_nodes
    monkeypatch.setattr(here.directory, "_idle_max", 0)
    _connect(world, other, "bob")
    _connect(world, here, "alice")
    assert _kept(here) == {"bob"}
    world.run(here.close_socket("alice", "phone"))
    world.pass_time(30)
    assert _kept(here) == set()


def test_few_nodes_keep_everybody_until_they_have_been_many_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 2)
    world = ContactWorld(0)
    for _ in range(2):
        world.start_node()
    world.pass_time(20)
    here, other = world.contact_nodes
    _connect(world, other, "bob", "dave")
    _connect(world, here, "alice")
    assert _kept(here) == {"bob", "dave"}
    world.start_node()
    world.pass_time(MANY_AFTER_S + 15)
    assert here.places.is_selective
    assert _kept(here) == {"bob", "dave"}, "what was recorded before may still arrive"
    world.pass_time(60)
    assert _kept(here) == {"bob"}
    assert [here.known["alice", "bob"]] == ["online"]
    world.run(other.close_socket("bob", "phone"))
    world.pass_time(11)
    assert here.known["alice", "bob"] == "offline"
    world.close()


def test_a_bus_that_cannot_announce_keeps_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContactNode, "bus_allows_selection", False)
    world = ContactWorld(0)
    for _ in range(2):
        world.start_node()
    here, other = world.contact_nodes
    world.pass_time(20)
    _connect(world, other, "bob", "dave")
    assert _kept(here) == {"bob", "dave"}
    world.close()


def test_who_is_watched_is_kept(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, here, "alice")
    _connect(world, other, "carol", "dave")
    watched = {"carol"}
    here.places.is_watched = watched.__contains__
    world.loop.call_soon(partial(here.places.look_up, ["carol"], contacts=False))
    world.pass_time(1)
    assert _kept(here) == {"carol"}
    world.run(other.close_socket("carol", "phone"))
    world.pass_time(11)
    _connect(world, other, "carol")
    assert _kept(here) == {"carol"}
    watched.clear()
    world.pass_time(30)
    assert _kept(here) == set()


def test_who_leaves_while_their_place_is_looked_up_is_not_kept(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob")
    world.run(other.close_socket("bob", "phone"))
    world.pass_time(10.5)  # the end of bob's grace period is recorded, and about to be sent
    assert "bob" in other.signals.presence._state.ids() or _kept(here) == set()
    world.faults = frozenset({"slow"})
    _connect(world, here, "alice")
    world.faults = frozenset()
    world.pass_time(5)
    assert _kept(here) == set()
    assert here.known["alice", "bob"] == "offline"


def test_former_contacts_see_nothing_even_before_the_users_node_has_sent_the_user_again(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob")
    _connect(world, here, "alice")
    world.lose_all = True
    world.leave("bob", "c")
    world.pass_time(0.1)
    [(_, place)] = here.signals.presence.exchange.users.places_of("bob")
    assert place.circle_ids == ()
    world.set_block("bob", "alice", blocked=True)
    world.pass_time(0.1)
    [(_, place)] = here.signals.presence.exchange.users.places_of("bob")
    assert place.blocked_ids == ("alice",)
    world.set_block("bob", "alice", blocked=False)
    world.pass_time(0.1)
    [(_, place)] = here.signals.presence.exchange.users.places_of("bob")
    assert place.blocked_ids == ()


def test_who_is_in_no_list_any_more_that_was_read_during_a_lookup_is_not_kept(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob")
    here.answers_after_s = 30
    world.run(here.connect("alice", "phone"))
    world.lose_all = True
    world.run(other.close_socket("bob", "phone"))
    world.pass_time(40)
    assert _kept(here) == set()


def test_who_leaves_the_conversation_during_a_lookup_is_not_kept_for_it(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob")
    here.answers_after_s = 0.5
    world.run(here.connect("alice", "phone"))
    world.pass_time(0.1)
    world.lose_all = True
    world.leave("bob", "c")
    world.pass_time(0.6)
    assert _kept(here) == set()


def test_who_joins_a_conversation_learns_of_its_members_though_no_message_arrives(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, here, "dave")
    _connect(world, other, "carol")
    world.lose_all = True
    world.join("dave", "d")
    world.pass_time(0.5)
    assert here.known["dave", "carol"] == "online"


def test_the_members_of_a_group_that_has_become_small_learn_of_each_other(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, here, "alice")
    _connect(world, other, "carol")
    world.lose_all = True
    world.leave("bob", "f")
    world.pass_time(0.5)
    assert here.known["alice", "carol"] == "online"


def test_a_choice_is_shown_although_the_message_that_says_where_its_user_is_is_older(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob")
    world.run(other.choose("bob", None, "invisible"))
    world.run(other.close_socket("bob", "phone"))
    world.pass_time(15)
    _connect(world, here, "alice")
    world.run(other.connect("bob", "phone"))
    world.pass_time(0.2)
    world.run(here.choose("bob", None, "online"))
    world.pass_time(2)
    assert here.known["alice", "bob"] == "online"


def test_members_of_a_group_that_has_become_large_see_nothing_more_of_each_other(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, here, "alice")
    _connect(world, other, "bob")
    world.join("carol", "c")
    world.pass_time(1)
    world.run(other.choose("bob", None, "dnd"))
    world.pass_time(1)
    assert [here.known["alice", "bob"]] == ["online"]


def test_a_failed_lookup_is_an_error_for_who_waits_and_is_tried_again(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob")
    _connect(world, here, "carol")
    here.is_cut_off = True
    world.loop.call_soon(here.places.look_up, ["alice"])
    world.pass_time(0)
    with pytest.raises(ChatError, match="does not answer"):
        world.run(here.places.wait(["alice"]))
    here.is_cut_off = False
    world.pass_time(2)
    world.run(here.places.wait(["alice"]))


def test_who_reconnects_at_once_is_looked_up_although_others_were_passed_over_meanwhile(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, here, "alice")
    world.run(here.close_socket("alice", "phone"))
    world.loop.call_soon(here.directory.forget_idle)
    _connect(world, other, "bob")
    assert _kept(here) == set()
    _connect(world, here, "alice")
    assert here.known["alice", "bob"] == "online"


def test_a_lookup_between_two_messages_of_a_batch_finds_who_was_in_the_first(
    world: ContactWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_exchange, "CIRCLES_MAX", 1)
    here, other = world.contact_nodes
    other.holds_back_after = 1
    for user_id in ("bob", "dave"):
        world.run(other.connect(user_id, "phone"))
    world.pass_time(0.6)
    assert here.signals.presence.exchange.users.version(other.node_id) == 1
    world.run(here.connect("alice", "phone"))
    other.holds_back_after = None
    world.pass_time(5)
    assert here.known["alice", "bob"] == "online"


def test_occupants_leave_rooms_with_their_node_whether_they_are_kept_or_not(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, here, "alice")
    _connect(world, other, "carol")
    other.signals.publish_room_change(RoomEntered("f", "carol", "Carol"))
    world.pass_time(1)
    assert (_kept(here), here.rooms) == (set(), [RoomEntered("f", "carol", "Carol", other.node_id)])
    other.kill()
    world.pass_time(60)
    assert here.rooms[1:] == [RoomLeft("f", "carol", "Carol")]


def test_an_occupant_has_left_if_a_list_that_was_read_does_not_have_them(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, here, "alice")
    _connect(world, other, "carol")
    other.signals.publish_room_change(RoomEntered("f", "carol", "Carol"))
    world.pass_time(1)
    world.lose_all = True
    world.run(other.close_socket("carol", "phone"))
    world.pass_time(20)
    assert here.rooms[1:] == [RoomLeft("f", "carol", "Carol")]


def test_who_is_called_has_not_gone_while_it_is_looked_up_where_they_are(world: ContactWorld) -> None:
    world.start_node()
    world.pass_time(20)
    here, other, third = world.contact_nodes
    for node in (other, third):
        _connect(world, node, "dave")
    gone: list[str] = []
    here.signals.presence.exchange.on_move = lambda move: gone.extend([move.user_id] * move.gone)
    here.places.is_called = {"dave"}.__contains__
    world.run(other.close_socket("dave", "phone"))
    world.pass_time(9.9)
    world.faults = frozenset({"slow"})
    world.loop.call_soon(partial(here.places.look_up, ["dave"], contacts=False))
    world.pass_time(1)
    world.faults = frozenset()
    world.pass_time(5)
    assert (gone, _kept(here)) == ([], {"dave"})
    world.run(third.close_socket("dave", "phone"))
    world.pass_time(12)
    assert gone == ["dave"]


def test_a_lookup_that_fails_by_a_defect_is_an_error_for_who_waits(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob")
    here.is_broken = True
    world.run(here.connect("alice", "phone"))
    with pytest.raises(ChatError, match="not yet answered"):
        world.run(here.places.wait(["alice"]))
    here.is_broken = False
    world.pass_time(3)
    assert here.known["alice", "bob"] == "online"


def test_a_question_does_not_wait_for_ever(world: ContactWorld) -> None:
    here, _ = world.contact_nodes
    here.hangs = True
    world.run(here.connect("alice", "phone"))
    with pytest.raises(ChatError, match="not yet answered"):
        world.run(here.places.wait(["alice"]))
    here.hangs = False


def test_nothing_is_remembered_of_changes_while_nothing_is_looked_up(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, here, "alice")
    _connect(world, other, "bob")
    world.leave("bob", "c")
    world.set_block("bob", "alice", blocked=True)
    world.pass_time(1)
    assert [len(each) for each in (here.places._left, here.places._moved, here.places._replaced)] == [0, 0, 0]


@pytest.mark.parametrize(("are_many", "times"), [(True, 1), (False, 0)])
def test_users_are_sent_again_if_there_are_many_nodes(
    monkeypatch: pytest.MonkeyPatch, times: int, *, are_many: bool
) -> None:
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 1 if are_many else 2)
    world = ContactWorld(0)
    for _ in range(2):
        world.start_node()
    here, other = world.contact_nodes
    _connect(world, other, "bob")
    before = here.signals.presence.exchange.users.version(other.node_id)
    world.leave("bob", "c")
    world.pass_time(2)
    assert here.signals.presence.exchange.users.version(other.node_id) - before == times
    world.close()


def test_who_is_online_is_listed_whether_they_are_kept_or_not(world: ContactWorld) -> None:
    here, other = world.contact_nodes
    _connect(world, other, "bob", "dave")
    _connect(world, here, "alice")
    first = world.run(_list(here, ListOnline(limit=2)))
    assert [each.user_id for each in first.items] == ["alice", "bob"]
    second = world.run(_list(here, ListOnline(first.next, limit=2)))
    assert ([each.user_id for each in second.items], second.next) == (["dave"], None)


async def _list(node: ContactNode, query: ListOnline) -> Page[Presence]:
    found = await node.signals.handlers[ListOnline](BACKEND, query)
    assert isinstance(found, Page)
    return found
