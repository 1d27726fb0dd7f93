"""Numbers with gaps, cursors with holes, counts that are wrong and views that differ are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rigs.torture.checks.cursors import REPLICA_NAMES, SYNC_NAMES, WHOLE, check_cursors
from rigs.torture.checks.log import DENSE_LOG, DENSE_SEQ, check_log
from rigs.torture.checks.story import ALICE, BOB, STABLE, TALK, Story, broken, good_story
from rigs.torture.checks.unread import UNREAD, check_unread, counts
from rigs.torture.checks.views import VIEWS, check_views
from rigs.torture.checks.violation import Findings
from rigs.torture.history import Resumer, Synced
from rigs.torture.tables import LogRow, MemberRow
from talkwire.core.domain.events import DurableEvent
from talkwire.dialects.messenger.outbound import OUTBOUND


@pytest.fixture
def story() -> Story:
    return good_story()


# --- the log --------------------------------------------------------------------------------------------------------


def found_in_log(story: Story) -> list[str]:
    findings = Findings()
    check_log(story.tables, findings)
    return broken(findings)


def test_a_dense_log_passes(story: Story) -> None:
    assert found_in_log(story) == []


def test_a_hole_in_the_log_is_found(story: Story) -> None:
    del story.tables.log[11]
    assert found_in_log(story) == [DENSE_LOG]


def test_a_head_before_the_last_position_is_found(story: Story) -> None:
    story.tables.head -= 1
    assert found_in_log(story) == [DENSE_LOG]


def test_a_message_that_the_log_does_not_have_is_found(story: Story) -> None:
    story.tables.log[3] = replace(story.tables.log[3], type="MessageEdited")
    assert found_in_log(story) == [DENSE_LOG]


def test_a_hole_in_the_numbers_of_messages_is_found(story: Story) -> None:
    message = list(story.tables.messages.values())[-1]
    story.tables.messages[message.id] = replace(message, seq=message.seq + 1)
    assert found_in_log(story) == [DENSE_SEQ]


def test_numbers_in_another_order_than_the_log_are_found(story: Story) -> None:
    first, second = list(story.tables.messages.values())[3:5]
    story.tables.messages[first.id] = replace(first, seq=second.seq)
    story.tables.messages[second.id] = replace(second, seq=first.seq)
    assert found_in_log(story) == [DENSE_SEQ]


def test_a_conversation_that_has_its_last_number_wrong_is_found(story: Story) -> None:
    story.tables.last_seqs[TALK] += 1
    assert found_in_log(story) == [DENSE_SEQ]


# --- cursors --------------------------------------------------------------------------------------------------------


def found_in_cursors(story: Story) -> list[str]:
    findings = Findings()
    check_cursors(story.history, story.tables, findings)
    return broken(findings)


def test_a_whole_cursor_passes(story: Story) -> None:
    assert found_in_cursors(story) == []


def test_an_event_that_sync_left_out_is_found(story: Story) -> None:
    del story.resumer.synced[4]
    assert found_in_cursors(story) == [WHOLE]


def test_an_event_that_sync_gave_twice_is_found(story: Story) -> None:
    story.resumer.synced.insert(4, story.resumer.synced[4])
    assert found_in_cursors(story) == [WHOLE]


def test_events_in_another_order_are_found(story: Story) -> None:
    synced = story.resumer.synced
    synced[4], synced[5] = synced[5], synced[4]
    assert found_in_cursors(story) == [WHOLE]


@pytest.fixture
def replica(story: Story) -> Resumer:
    """A replica of the back end that has received everything that it selects."""
    messages = [row for row in story.tables.log if row.type in REPLICA_NAMES]
    synced = [Synced(0.0, row.pos, REPLICA_NAMES[row.type], row.message_id) for row in messages]
    replica = Resumer("replica", "backend", 0, story.tables.head, synced)
    story.history.replicas.append(replica)
    return replica


def test_a_replica_that_received_each_event_of_its_filter_passes(story: Story, replica: Resumer) -> None:
    assert len(replica.synced) > 3
    assert found_in_cursors(story) == []


def test_an_event_that_a_replica_did_not_receive_is_found(story: Story, replica: Resumer) -> None:
    del replica.synced[1]
    assert found_in_cursors(story) == [WHOLE]


def test_an_event_that_a_replica_received_twice_is_found(story: Story, replica: Resumer) -> None:
    replica.synced.insert(1, replica.synced[1])
    assert found_in_cursors(story) == [WHOLE]


def test_a_refusal_of_a_replica_is_found(story: Story, replica: Resumer) -> None:
    replica.refusals.append("status 410")
    assert found_in_cursors(story) == [WHOLE]


def test_an_event_of_another_user_is_found(story: Story) -> None:
    story.tables.log[4] = LogRow(5, "MessageEdited", "999", None, None, {})
    assert found_in_cursors(story) == [WHOLE]


def test_events_of_ones_own_are_expected_and_those_of_another_user_are_not(story: Story) -> None:
    own = story._log("NotificationsRead", None, {}, user=BOB)
    story._log("NotificationsRead", None, {}, user=ALICE)
    story.resumer.last_pos = story.tables.head
    assert found_in_cursors(story) == [WHOLE]
    story.resumer.synced.append(replace(story.resumer.synced[-1], pos=own, name="notification:read"))
    assert found_in_cursors(story) == []


def test_every_event_that_sync_sends_is_known_by_its_name() -> None:
    sent = {type_.__name__: outbound[0].name for type_, outbound in OUTBOUND.items() if issubclass(type_, DurableEvent)}
    assert dict(SYNC_NAMES) == sent


def test_a_former_member_receives_events_up_to_leaving_and_no_further(story: Story) -> None:
    story._log("MemberRemoved", None, {"user_id": BOB})
    story.send(ALICE, notified=False)
    story.resumer.last_pos = story.tables.head
    assert found_in_cursors(story) == [WHOLE]
    left = story.tables.log[-2]
    story.resumer.synced.append(replace(story.resumer.synced[-1], pos=left.pos, name="member:removed"))
    assert found_in_cursors(story) == []


def test_a_cursor_that_was_refused_is_found(story: Story) -> None:
    story.resumer.refusals.append("sync was refused: cursor_expired")
    assert found_in_cursors(story) == [WHOLE]


# --- unread ---------------------------------------------------------------------------------------------------------


def test_unread_is_what_counting_gives(story: Story) -> None:
    # Five of bob's ten and one more are alice's; of bob's five, one was deleted.
    assert counts(story.tables) == {(TALK, ALICE): 4, (TALK, BOB): 6}
    story.tables.members[TALK, BOB] = MemberRow(read_seq=9)
    assert counts(story.tables)[TALK, BOB] == 2


def test_a_wrong_count_is_found(story: Story) -> None:
    findings = Findings()
    check_unread({"node-1": {(TALK, ALICE): 4, (TALK, BOB): 6}}, story.tables, findings)
    assert broken(findings) == []
    check_unread({"node-2": {(TALK, ALICE): 5, (TALK, BOB): 6}}, story.tables, findings)
    assert broken(findings) == [UNREAD]


# --- views ----------------------------------------------------------------------------------------------------------


def found_in_views(story: Story) -> list[str]:
    findings = Findings()
    check_views(story.history, story.tables, STABLE, findings)
    return broken(findings)


def test_the_same_messages_pass(story: Story) -> None:
    assert found_in_views(story) == []


@pytest.mark.parametrize("kind", ["edited", "deleted", "reacted"])
def test_a_client_that_shows_something_else_is_found(story: Story, kind: str) -> None:
    index = next(index for index, received in enumerate(story.bob.received) if received.kind == kind)
    received = story.bob.received[index]
    if kind == "reacted":
        story.bob.received[index] = replace(received, about=(*received.about[:2], False))
    else:
        del story.bob.received[index]
    assert found_in_views(story) == [VIEWS]


def test_a_resumer_that_shows_something_else_is_found(story: Story) -> None:
    story.resumer.synced = [synced for synced in story.resumer.synced if synced.name != "message:deleted"]
    assert found_in_views(story) == [VIEWS]


def test_a_former_member_shows_no_messages(story: Story) -> None:
    del story.bob.received[10]
    story.bob.ended = True
    assert found_in_views(story) == []
