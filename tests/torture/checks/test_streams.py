"""A history in which something was lost, doubled, reordered or made up is found; a good one passes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rigs.torture.checks.story import STABLE, TALK, Story, broken, good_story
from rigs.torture.checks.streams import HOLES, ORDER, STRANGE, TWICE, check_streams
from rigs.torture.checks.violation import Findings
from rigs.torture.history import Stream, Window, lines


def found(story: Story) -> Findings:
    findings = Findings()
    check_streams(story.history, story.tables, story.ends, STABLE, findings)
    return findings


@pytest.fixture
def story() -> Story:
    return good_story()


@pytest.fixture(params=["with offsets", "without"])
def stream(request: pytest.FixtureRequest, story: Story) -> Stream:
    return story.alice if request.param == "with offsets" else story.bob


def test_a_good_history_passes(story: Story) -> None:
    findings = found(story)
    assert broken(findings) == []
    assert findings.looked_at["events received"] == 2 * 14


def test_a_lost_event_is_found_and_the_history_shows_it(story: Story, stream: Stream) -> None:
    lost = stream.received.pop(5)
    findings = found(story)
    assert broken(findings) == [HOLES]
    shown = "\n".join(lines(story.history, findings.violations[0].about))
    assert f"message {lost.message_id}" in shown
    assert f"{stream.client} ({stream.user}" in shown


def test_a_lost_edit_is_found(story: Story, stream: Stream) -> None:
    del stream.received[10]
    assert broken(found(story)) == [HOLES]


def test_an_event_that_is_received_twice_is_found(story: Story, stream: Stream) -> None:
    stream.received.insert(6, replace(stream.received[5]))
    assert broken(found(story)) == [TWICE]


def test_an_event_that_is_received_again_later_is_found(story: Story, stream: Stream) -> None:
    stream.received.insert(8, replace(stream.received[5]))
    assert set(broken(found(story))) <= {TWICE, ORDER}
    assert len(broken(found(story))) == 1


def test_a_reaction_that_is_received_twice_is_found(story: Story, stream: Stream) -> None:
    stream.received.insert(12, replace(stream.received[11]))
    assert broken(found(story)) == [TWICE]


def test_two_events_in_the_wrong_order_are_found(story: Story, stream: Stream) -> None:
    stream.received[4], stream.received[5] = stream.received[5], stream.received[4]
    assert broken(found(story)) == [ORDER]


def test_an_edit_before_what_was_before_it_is_found(story: Story, stream: Stream) -> None:
    stream.received[10], stream.received[11] = stream.received[11], stream.received[10]
    assert len(broken(found(story))) == 1


def test_an_event_that_is_not_in_the_log_is_found(story: Story, stream: Stream) -> None:
    stream.received[10] = replace(stream.received[10], message_id=story.tables.head + 10**12 + 5)
    assert broken(found(story)) == [STRANGE]


def test_events_sent_after_a_conversation_was_open_have_to_be_received(story: Story, stream: Stream) -> None:
    del stream.received[0]
    assert broken(found(story)) == [HOLES]


def test_events_sent_before_that_was_certain_need_not_be_received(story: Story, stream: Stream) -> None:
    stream.windows[0].opened = story.history.commands[0].began + 0.5
    del stream.received[0]
    assert broken(found(story)) == []


def test_a_client_that_stays_connected_has_to_receive_the_last_message(story: Story, stream: Stream) -> None:
    del stream.received[-1]
    assert broken(found(story)) == [HOLES]


def test_a_socket_that_received_nothing_is_found(story: Story, stream: Stream) -> None:
    stream.received.clear()
    assert broken(found(story)) == [HOLES]


def test_a_disconnected_client_need_not_receive_the_last_messages(story: Story, stream: Stream) -> None:
    del stream.received[-2:]
    stream.ended = True
    assert broken(found(story)) == []


def test_a_hole_while_a_recovered_socket_was_away_is_found(story: Story) -> None:
    story.reconnect(story.alice, recovered=True)
    story.send("bob")
    del story.alice.received[-1]
    story.send("bob")
    assert broken(found(story)) == [HOLES]


def test_no_event_is_required_between_closing_a_conversation_and_opening_it_again(story: Story, stream: Stream) -> None:
    stream.windows = [
        Window(TALK, 0.0, closed=4.0, first=0, end=3),
        Window(TALK, story.history.commands[5].began + 0.5, first=3),
    ]
    del stream.received[3:6]
    assert broken(found(story)) == []
    del stream.received[4]
    assert broken(found(story)) == [HOLES]


def test_a_sequence_number_that_goes_back_is_found(story: Story) -> None:
    story.alice.received[5] = replace(story.alice.received[5], seq=2)
    assert broken(found(story)) == [ORDER]


def test_missed_events_have_to_reach_the_next_socket(story: Story) -> None:
    first = story.history.stream("carol's", "carol", "gateway", recoverable=False)
    second = story.history.stream("carol's", "carol", "gateway", recoverable=False)
    notified = [
        replace(received, pos=None, counter=None, seq=None)
        for received in story.bob.received
        if received.kind == "sent"
    ]
    first.windows, second.windows = [Window(TALK, 0.0)], [Window(TALK, 20.0)]
    first.received, second.received = notified[:4], notified[4:]
    first.ended = True
    assert broken(found(story)) == []
    # Nothing is sent about a message that was deleted meanwhile.
    del first.received[2]
    assert broken(found(story)) == []
    del second.received[0]
    assert broken(found(story)) == [HOLES]
