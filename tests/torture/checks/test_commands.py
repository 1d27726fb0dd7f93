"""What was acknowledged and did not happen, or happened twice, is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rigs.torture.checks.commands import ALLOWED, ANSWERED, NOT_LOST, ONCE, check_commands
from rigs.torture.checks.story import BOB, TALK, Story, answered, broken, good_story
from rigs.torture.checks.violation import Findings
from rigs.torture.history import Command, Kind, lines
from rigs.torture.tables import MESSAGE_ID_BASE, MemberRow

MOVING = frozenset({"110"})


def found(story: Story) -> Findings:
    findings = Findings()
    check_commands(story.history, story.tables, MOVING, findings)
    return findings


@pytest.fixture
def story() -> Story:
    return good_story()


def of_kind(story: Story, kind: Kind) -> Command:
    return next(command for command in story.history.commands if command.kind == kind)


def test_a_good_history_passes(story: Story) -> None:
    assert broken(found(story)) == []


def test_a_lost_message_is_found_and_the_history_shows_its_acknowledgement(story: Story) -> None:
    command = story.history.commands[4]
    assert command.message_id is not None
    del story.tables.messages[command.message_id]
    findings = found(story)
    assert broken(findings) == [NOT_LOST]
    shown = "\n".join(lines(story.history, findings.violations[0].about))
    assert f"command {command.number}: attempt 1 acked" in shown


def test_a_message_that_was_answered_under_another_id_is_found(story: Story) -> None:
    story.history.commands[4].tries.append(answered(50, "acked"))
    story.history.commands[4].tries[-1].message_id = MESSAGE_ID_BASE + 3
    assert broken(found(story)) == [NOT_LOST]


def test_a_message_with_another_text_is_found(story: Story) -> None:
    id_ = story.history.commands[5].message_id or 0
    story.tables.messages[id_] = replace(story.tables.messages[id_], content="something else")
    assert broken(found(story)) == [NOT_LOST]


def test_a_doubled_message_is_found(story: Story) -> None:
    first = story.tables.messages[story.history.commands[4].message_id or 0]
    story.tables.messages[first.id + 1000] = replace(first, id=first.id + 1000, seq=99)
    assert broken(found(story)) == [ONCE]


def test_an_unanswered_command_is_found(story: Story) -> None:
    story.history.commands[4].tries = [answered(5, "unknown")]
    assert broken(found(story)) == [ANSWERED]


def test_a_message_of_which_no_answer_came_may_be_there_or_not(story: Story) -> None:
    command = story.history.command("bob", BOB, "send", TALK, content="x", key="never")
    command.tries = [answered(5, "unknown"), answered(6, "refused", "forbidden")]
    assert broken(found(story)) == [ALLOWED]
    command.conversation = "110"
    assert broken(found(story)) == []


def test_a_refusal_that_nothing_explains_is_found(story: Story) -> None:
    story.history.commands[4].tries.insert(0, answered(4, "refused", "conflict"))
    assert broken(found(story)) == [ALLOWED]


def test_a_lost_edit_is_found(story: Story) -> None:
    command = of_kind(story, "edit")
    id_ = command.message_id or 0
    story.tables.messages[id_] = replace(story.tables.messages[id_], content=story.tables.versions.pop(id_)[0])
    assert NOT_LOST in broken(found(story))


def test_an_edit_that_was_undone_by_an_earlier_one_is_found(story: Story) -> None:
    id_ = of_kind(story, "edit").message_id or 0
    story.edit(BOB, id_)
    assert broken(found(story)) == []
    message = story.tables.messages[id_]
    story.tables.messages[id_] = replace(message, content=story.tables.versions[id_][-1])
    story.tables.versions[id_].append(message.content)
    assert broken(found(story)) == [NOT_LOST]


def test_a_lost_delete_is_found(story: Story) -> None:
    command = of_kind(story, "delete")
    message = story.tables.messages[command.message_id or 0]
    story.tables.messages[message.id] = replace(message, deleted=False, content="text 4")
    assert broken(found(story)) == [NOT_LOST]


def test_a_lost_reaction_is_found(story: Story) -> None:
    story.tables.reactions.clear()
    assert broken(found(story)) == [NOT_LOST]


def test_a_lost_read_is_found(story: Story) -> None:
    id_ = story.history.commands[5].message_id or 0
    command = story.history.command("bob", BOB, "read", TALK, message_id=id_)
    command.tries.append(answered(40, "acked"))
    assert broken(found(story)) == [NOT_LOST]
    story.tables.members[TALK, BOB] = MemberRow(read_seq=story.tables.messages[id_].seq)
    assert broken(found(story)) == []


@pytest.mark.parametrize(("kind", "there"), [("add", False), ("remove", True)])
def test_a_lost_membership_is_found(story: Story, kind: Kind, there: object) -> None:
    command = story.history.command("mover", "backend", kind, "110", content="carol")
    command.tries.append(answered(40, "acked"))
    if there:
        story.tables.members["110", "carol"] = MemberRow()
    assert broken(found(story)) == [NOT_LOST]
