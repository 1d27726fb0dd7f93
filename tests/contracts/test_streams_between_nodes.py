"""Streams between nodes: who is the home, to which nodes its changes go, and what readers see if something is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from talkwire.core.cluster import peers
from talkwire.core.cluster.peers import ASK_S
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import OpenStreamAt, StreamAdvanced, StreamsOpen, StreamsRead
from talkwire.core.domain.nodes.peer import LISTED
from talkwire.core.domain.parts.growing_parts import PartChange
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.signals.streams.reading_nodes import LIST_EVERY_S, LISTED_AT_ONCE, READ_S
from tests.contracts.stream_nodes import MESSAGE_ID, StreamNode, StreamWorld

DELTA_S = 0.1
"""Within this time readers receive what was written."""


@pytest.fixture
def few() -> Iterator[StreamWorld]:
    """Three nodes, of which the first is the home of a stream."""
    yield from _running()


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamWorld]:
    """The same if three nodes are many."""
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 2)
    yield from _running()


def _running() -> Iterator[StreamWorld]:
    world = StreamWorld(0)
    for _ in range(3):
        world.start_node()
    world.pass_time(1)
    world.run(world.nodes[0].open())
    world.pass_time(DELTA_S)
    world.take_changes()
    yield world
    world.close()


def _write(world: StreamWorld, node: StreamNode, text: str, attempt: int = 1) -> None:
    world.run(node.append(attempt, 0, text))
    world.pass_time(DELTA_S)


def _homes(world: StreamWorld) -> list[str]:
    return [node.node_id for node in world.nodes if node.texts() is not None]


# --- the home ---------------------------------------------------------------------------------------------------------


def test_an_author_goes_on_at_a_node_that_remembers_a_former_home(few: StreamWorld) -> None:
    first, second, third = few.nodes
    _write(few, third, "One")
    second.is_cut_off = third.is_cut_off = True
    attempt = few.run(second.open()).attempt  # the others do not learn of it
    first.is_cut_off = True
    second.is_cut_off = third.is_cut_off = first.is_cut_off = False
    _write(few, third, ", two", attempt)
    assert (_homes(few), second.texts()) == (["n2"], ["One, two"])


def test_a_former_home_does_not_take_a_newer_attempt_for_invalid(few: StreamWorld) -> None:
    first, second, _ = few.nodes
    first.is_cut_off = True
    attempt = few.run(second.open()).attempt
    first.is_cut_off = False
    _write(few, first, "One", attempt)
    assert (_homes(few), second.texts()) == (["n2"], ["One"])


def test_an_attempt_that_nobody_has_opened_is_invalid(few: StreamWorld) -> None:
    for node in few.nodes:
        with pytest.raises(ChatError, match="must be at most 1"):
            few.run(node.append(2, 0, "One"))
    few.pass_time(1)
    assert (_homes(few), few.take_changes()) == (["n1"], [])


def test_a_former_home_that_cannot_know_does_not_call_an_attempt_invalid(few: StreamWorld) -> None:
    first, second, _ = few.nodes
    first.is_cut_off = True
    attempt = few.run(second.open()).attempt
    first.is_cut_off, first.has_database = False, False
    with pytest.raises(ChatError) as refused:
        few.run(first.append(attempt, 0, "One"))
    assert refused.value.code == "unavailable"


def test_a_home_that_has_given_up_its_streams_takes_them_up_again(few: StreamWorld) -> None:
    first, second, third = few.nodes
    reader = third.connect()
    _write(few, second, "One")
    few.pass_time(1)
    few.run(first.give_up())
    few.run(second.append(1, 0, ", two", 3))
    few.pass_time(DELTA_S)
    assert (_homes(few), reader.texts) == (["n1"], ["One, two"])


def test_a_home_that_takes_a_stream_up_again_does_not_count_anew(few: StreamWorld) -> None:
    first, second, _ = few.nodes
    reader = second.connect()
    _write(few, first, "One")
    few.pass_time(1)
    second.is_cut_off = True
    few.run(first.give_up())
    few.run(first.rewind(1, 0, 0))
    few.run(first.append(1, 0, "Two", 0))
    few.pass_time(DELTA_S)
    second.is_cut_off = False
    _write(few, first, "!")
    assert (reader.texts, reader.wrong) == (["Two!"], [])


@pytest.mark.parametrize("part", [0, 1])
def test_an_author_rewinds_at_a_node_that_was_the_home(few: StreamWorld, part: int) -> None:
    first, second, _ = few.nodes
    _write(few, first, "One")
    few.pass_time(1)
    first.is_cut_off = True
    few.pass_time(0.1)
    few.run(second.append(1, 0, ", two", 3))
    few.run(second.append(1, 1, "Three", 0))
    first.is_cut_off = False
    few.run(first.append(1, 1, "not stored"))
    few.run(first.rewind(1, part, 2))
    assert (_homes(few), second.texts()) == (["n2"], ["On"] if part == 0 else ["One, two", "Th"])


def test_an_author_finishes_at_a_node_that_was_the_home(few: StreamWorld) -> None:
    first, second, _ = few.nodes
    _write(few, first, "One")
    few.pass_time(1)
    first.is_cut_off = True
    few.run(second.append(1, 0, ", two", 3))
    first.is_cut_off = False
    few.run(first.finish(1))
    assert (few.message.state, few.message.parts) == ("done", (TextPart("One, two"),))


def test_only_the_newest_attempt_finishes(few: StreamWorld) -> None:
    first, second, third = few.nodes
    first.is_cut_off = True
    few.run(second.open())
    first.is_cut_off = False
    for node in (first, second, third):
        with pytest.raises(ChatError, match="Another attempt"):
            few.run(node.finish(1))
    assert few.message.state == "streaming"


def test_a_rewind_that_was_not_stored_is_stored_later(few: StreamWorld) -> None:
    first = few.nodes[0]
    _write(few, first, "One")
    few.pass_time(1)
    first.has_database = False
    with pytest.raises(ChatError):
        few.run(first.rewind(1, 0, 2))
    first.has_database = True
    few.pass_time(2)
    assert few.message.parts == (TextPart("On"),)


def test_a_node_that_counted_as_dead_for_a_while_receives_everything(few: StreamWorld) -> None:
    first, second, third = few.nodes
    reader = second.connect()
    _write(few, first, "One")
    third.kill()
    few.run(few.read_leases_without(second))
    few.run(first.rewind(1, 0, 0))
    _write(few, first, "Two")
    few.read_leases()
    _write(few, first, "!")
    assert (reader.texts, reader.wrong) == (["Two!"], [])


def test_two_homes_ask_the_database_at_most_once_a_second(few: StreamWorld) -> None:
    first, second, third = few.nodes
    reader = third.connect()
    _write(few, first, "One")
    few.pass_time(1)
    first.is_cut_off = True
    few.run(second.append(1, 0, ", two", 3))
    first.is_cut_off, first.has_database = False, False
    few.found = 0
    for _ in range(20):
        with contextlib.suppress(ChatError):
            few.run(first.append(1, 0, "!"))
        few.run(second.append(1, 0, "."))
        few.pass_time(0.05)
    few.pass_time(2)
    assert (_homes(few), reader.texts) == (["n2"], [f"One, two{'.' * 20}"])
    assert few.found <= 5


def test_of_two_nodes_that_take_themselves_for_the_home_one_remains(few: StreamWorld) -> None:
    first, second, third = few.nodes
    reader = third.connect()
    _write(few, first, "One")
    first.is_cut_off = True
    few.pass_time(1)
    few.run(second.append(1, 0, ", two", 3))
    first.is_cut_off = False
    few.run(first.append(1, 0, "!"))  # the first node does not know yet, and what it accepts is not stored
    few.pass_time(2)
    assert (_homes(few), second.texts(), reader.texts) == (["n2"], ["One, two"], ["One, two"])


def test_a_home_asks_the_database_at_most_once_a_second_and_repairs_what_others_have_sent(few: StreamWorld) -> None:
    first, second, third = few.nodes
    reader = third.connect()
    _write(few, first, "One")
    wrong = (PartChange(0, text="wrong", replace=True),)
    for number in range(20):
        event = StreamAdvanced(
            "c", MESSAGE_ID, 1, wrong, attempt=1, number=number, home_id=second.node_id, is_whole=True
        )
        second.publish_to([event], None)
        few.pass_time(0.01)
    assert reader.texts == ["wrong"]
    few.pass_time(1)
    assert (_homes(few), reader.texts, few.found) == (["n1"], ["One"], 2)


def test_readers_at_a_former_home_do_not_keep_what_was_not_stored(few: StreamWorld) -> None:
    first, second, _ = few.nodes
    reader = first.connect()
    _write(few, first, "One")
    few.pass_time(1)
    first.is_cut_off = True
    _write(few, first, ", lost")
    assert reader.texts == ["One, lost"]
    attempt = few.run(second.open()).attempt
    first.is_cut_off = False
    few.run(second.rewind(attempt, 0, 3))
    _write(few, second, ", two", attempt)
    assert (_homes(few), reader.texts) == (["n2"], ["One, two"])


def test_a_request_that_writes_learns_of_a_new_attempt_before_it_has_a_text(few: StreamWorld) -> None:
    for node in few.nodes[1:]:
        few.run(node.open())
        few.pass_time(DELTA_S)
    assert few.nodes[0].attempts == [2, 3]


@pytest.mark.parametrize("who", ["a home that gives up", "a node that misses a change"])
def test_readers_keep_what_they_have_until_there_is_something_newer(few: StreamWorld, who: str) -> None:
    first, second, _ = few.nodes
    _write(few, first, "One")
    node = first if who == "a home that gives up" else second
    node.connect()
    if node is first:
        few.run(first.give_up())
    else:
        second.is_cut_off = True
        _write(few, first, ", two")
        second.is_cut_off = False
        few.run(first.append(1, 0, ", three"))
        few.pass_time(0.0515)  # the change has come, and nothing else yet
    parts = node.streams.parts_of(MESSAGE_ID)
    assert parts is not None
    assert parts.values() == (TextPart("One"),)


def test_a_reader_learns_what_was_removed_while_the_node_was_away(few: StreamWorld) -> None:
    first, second, _ = few.nodes
    reader = second.connect()
    few.run(first.append(1, 0, "One"))
    few.run(first.append(1, 1, "part two"))
    few.pass_time(DELTA_S)
    assert reader.texts == ["One", "part two"]
    second.is_cut_off = True
    few.run(first.rewind(1, 0, 2))
    few.pass_time(DELTA_S)
    second.is_cut_off = False
    _write(few, first, "ly")
    few.pass_time(DELTA_S)
    assert (reader.texts, reader.wrong) == (["Only"], [])


# --- among few nodes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_older", [False, True])
@pytest.mark.parametrize("can_address", [False, True])
def test_all_of_few_nodes_receive_the_changes(few: StreamWorld, *, is_older: bool, can_address: bool) -> None:
    few.nodes[2].revision = LISTED - 1 if is_older else LISTED
    for node in few.nodes:
        node.peers.can_address = can_address
    few.read_leases()
    reader = few.nodes[1].connect()
    _write(few, few.nodes[0], "One")
    few.pass_time(2 * READ_S)
    _write(few, few.nodes[0], ", two")
    assert few.take_changes() == [(None, False, 1), (None, False, 2)]
    assert reader.texts == ["One, two"]
    assert few.nodes[2].streams.whole(MESSAGE_ID)


# --- among many nodes -------------------------------------------------------------------------------------------------


def test_nodes_with_readers_receive_the_changes(many: StreamWorld) -> None:
    first, second, third = many.nodes
    reader = second.connect()
    many.pass_time(LIST_EVERY_S)
    many.take_changes()
    for word in ("One", ", two", ", three"):
        _write(many, first, word)
    assert [(to, is_whole) for to, is_whole, _ in many.take_changes()] == [(("n2",), False)] * 3
    assert reader.texts == ["One, two, three"]
    assert third.streams.parts_of(MESSAGE_ID) is None


def test_a_node_whose_readers_were_there_before_has_everything_at_once(many: StreamWorld) -> None:
    reader = many.nodes[1].connect()
    attempt = many.run(many.nodes[0].open()).attempt
    many.pass_time(0.01)
    assert [(to, is_whole) for to, is_whole, _ in many.take_changes()] == [(("n2",), True)]
    _write(many, many.nodes[0], "One", attempt)
    assert reader.texts == ["One"]


def test_readers_have_no_gap_when_nodes_become_many(few: StreamWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, _ = few.nodes
    reader = second.connect()
    _write(few, first, "One")
    few.pass_time(20)
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 2)
    few.read_leases()
    few.take_changes()
    _write(few, first, ", two")
    assert (few.take_changes(), reader.texts) == ([(None, False, 2)], ["One, two"])
    few.pass_time(READ_S)
    _write(few, first, ", three")
    assert (few.take_changes(), reader.texts) == ([(("n2",), False, 3)], ["One, two, three"])


def test_nodes_that_are_few_again_have_everything_though_nothing_is_new(
    many: StreamWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(many, many.nodes[0], "One")
    monkeypatch.setattr(peers, "ANNOUNCED_FROM", 9)
    many.read_leases()
    many.pass_time(LIST_EVERY_S + DELTA_S)
    assert many.take_changes() == [(None, True, 1)]
    assert many.nodes[1].streams.parts_of(MESSAGE_ID) is not None


def test_everything_goes_only_to_the_node_that_asks_though_all_read(many: StreamWorld) -> None:
    first, second, third = many.nodes
    third.connect()
    many.pass_time(LIST_EVERY_S)
    _write(many, first, "One")
    second.connect()
    many.take_changes()
    many.pass_time(LIST_EVERY_S)
    assert many.take_changes() == [(("n2",), True, 1)]
    _write(many, first, ", two")
    assert many.take_changes() == [(None, False, 2)]


def test_all_nodes_receive_the_changes_where_none_can_be_addressed(many: StreamWorld) -> None:
    for node in many.nodes:
        node.peers.can_address = False
    many.read_leases()
    _write(many, many.nodes[0], "One")
    many.pass_time(2 * READ_S)
    many.take_changes()
    _write(many, many.nodes[0], ", two")
    assert many.take_changes() == [(None, False, 2)]


def test_copies_that_nobody_reads_are_forgotten(many: StreamWorld) -> None:
    first, second, third = many.nodes
    reader = second.connect()
    many.pass_time(LIST_EVERY_S)
    _write(many, first, "One")
    assert reader.texts == ["One"]
    second.readers.clear()
    first.streams._drop(MESSAGE_ID)  # it has ended, which the second node does not learn
    many.message = replace(many.message, id=MESSAGE_ID + 1)
    for _ in range(10):
        event = StreamsOpen(third.node_id, (OpenStreamAt(MESSAGE_ID + 1, "c", 1, 0),))
        third.publish_to([event], None)
        many.pass_time(LIST_EVERY_S)
    assert second.streams.parts_of(MESSAGE_ID) is None


def test_a_first_reader_receives_everything_within_a_second(many: StreamWorld) -> None:
    _write(many, many.nodes[0], "One")
    assert many.take_changes() == [], "nobody reads it elsewhere"
    reader = many.nodes[1].connect()
    _write(many, many.nodes[0], ", two")
    assert reader.texts == ["One"], "which was stored"
    many.pass_time(LIST_EVERY_S - DELTA_S + 0.01)
    assert reader.texts == ["One, two"]


def test_the_list_of_a_former_home_is_not_answered(many: StreamWorld) -> None:
    first, second, third = many.nodes
    third.connect()
    many.run(second.open())
    many.pass_time(LIST_EVERY_S)
    many.sent.clear()
    first.publish_to([StreamsOpen(first.node_id, (OpenStreamAt(MESSAGE_ID, "c", 1, 0),))], None)
    many.pass_time(DELTA_S)
    assert ("n1",) not in [to for to, event in many.sent if isinstance(event, StreamsRead)]


def test_a_node_without_readers_receives_nothing_after_some_seconds(many: StreamWorld) -> None:
    first, second, _ = many.nodes
    second.connect()
    many.pass_time(LIST_EVERY_S)
    _write(many, first, "One")
    second.readers.clear()
    many.pass_time(READ_S)
    many.take_changes()
    _write(many, first, ", two")
    assert many.take_changes() == []
    assert second.streams.parts_of(MESSAGE_ID) is None
    reader = second.connect()
    many.pass_time(LIST_EVERY_S)
    assert reader.texts == ["One, two"]


def test_changes_that_still_come_after_the_last_reader_are_not_asked_about(many: StreamWorld) -> None:
    first, second, _ = many.nodes
    second.connect()
    many.pass_time(LIST_EVERY_S)
    _write(many, first, "One")
    second.readers.clear()
    many.pass_time(LIST_EVERY_S)
    many.take_changes()
    for _ in range(3):
        _write(many, first, ", more")
    assert [is_whole for _, is_whole, _ in many.take_changes()] == [False] * 3


def test_a_lost_change_is_repaired_and_an_idle_stream_too(many: StreamWorld) -> None:
    first, second, _ = many.nodes
    reader = second.connect()
    many.pass_time(LIST_EVERY_S)
    _write(many, first, "One")
    for last in (", two", ", three"):
        second.is_cut_off = True
        _write(many, first, last)
        second.is_cut_off = False
        many.pass_time(2 * LIST_EVERY_S + DELTA_S)
        assert reader.texts == many.nodes[0].texts()


def test_a_node_goes_on_receiving_when_two_lists_in_a_row_are_lost(many: StreamWorld) -> None:
    first, second, _ = many.nodes
    second.connect()
    many.pass_time(LIST_EVERY_S + 0.01)
    many.take_changes()
    second.is_cut_off = True
    many.pass_time(2 * LIST_EVERY_S)
    second.is_cut_off = False
    _write(many, first, "One")
    assert [to for to, _, _ in many.take_changes()] == [("n2",)]


def test_all_nodes_receive_the_changes_while_one_of_them_is_older(many: StreamWorld) -> None:
    first = many.nodes[0]
    many.start_node(LISTED - 1)
    many.pass_time(1)
    _write(many, first, "One")
    _write(many, first, ", two")
    assert many.take_changes() == [(None, True, 0), (None, False, 1), (None, False, 2)]
    many.nodes[3].kill()
    many.read_leases()
    _write(many, first, ", three")
    assert many.take_changes() == [(None, False, 3)], "nobody has been asked yet"
    many.pass_time(READ_S)
    _write(many, first, ", four")
    assert many.take_changes() == []


def test_a_node_that_starts_changes_nothing_for_the_others(many: StreamWorld) -> None:
    first, second, _ = many.nodes
    second.connect()
    many.pass_time(LIST_EVERY_S)
    many.take_changes()
    newcomer = many.start_node()
    _write(many, first, "One")
    reader = newcomer.connect()
    many.pass_time(LIST_EVERY_S)
    assert {to for to, _, _ in many.take_changes()} == {("n2",), ("n4",)}
    assert reader.texts == ["One"]


def test_many_streams_are_listed_in_several_events(many: StreamWorld) -> None:
    home, other = many.nodes[:2]
    (stream,) = home.streams._streams.values()
    home.streams._streams._streams.update(dict.fromkeys(range(LISTED_AT_ONCE + 1), stream))
    many.sent.clear()
    other.connect()
    many.pass_time(LIST_EVERY_S)
    assert [len(event.streams) for _, event in many.sent if isinstance(event, StreamsOpen)] == [LISTED_AT_ONCE, 1]
    assert [(to, event.node_id) for to, event in many.sent if isinstance(event, StreamsRead)] == [(("n1",), "n2")] * 2


@pytest.mark.parametrize("is_new", [False, True])
def test_a_request_waits_until_its_node_has_the_text(many: StreamWorld, *, is_new: bool) -> None:
    _write(many, many.nodes[0], "One")
    node = many.start_node() if is_new else many.nodes[1]
    node.connect()
    if is_new:
        many.pass_time(0.06)  # it knows the others, and no list of theirs
    before = many.loop.time()
    many.run(node.streams.copied(MESSAGE_ID))
    assert many.loop.time() - before < DELTA_S
    parts = node.streams.parts_of(MESSAGE_ID)
    assert parts is not None
    assert len(parts) == 1


@pytest.mark.parametrize("node", [0, 1])
def test_a_request_does_not_wait_for_a_stream_that_no_other_node_has(many: StreamWorld, node: int) -> None:
    before = many.loop.time()
    for message_id in (MESSAGE_ID, MESSAGE_ID + 1) if node == 0 else (MESSAGE_ID + 1,):
        many.run(many.nodes[node].streams.copied(message_id))
    assert many.loop.time() - before < DELTA_S


def test_a_request_waits_no_longer_than_a_second(many: StreamWorld) -> None:
    node = many.nodes[1]
    node.connect()
    node.is_cut_off = True
    before = many.loop.time()
    many.run(node.streams.copied(MESSAGE_ID))
    assert many.loop.time() - before == pytest.approx(ASK_S, abs=0.01)
