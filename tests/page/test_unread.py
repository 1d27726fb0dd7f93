"""What is unread, what becomes read, and where the reader is meanwhile."""

from __future__ import annotations

from tests.page.driving import Scenarios


def test_ones_own_message_is_in_sight_wherever_it_was_written(crowded: Scenarios) -> None:
    reports = crowded("unread", "own_message")
    assert reports["from the line"] == {"line": 1, "seen": True, "letters": 0}
    assert reports["undone"] == {"onScreen": True, "alike": True, "counted": True, "read": True, "count": True}
    assert reports["from above"] == {"seen": True, "order": ["From the line", "From far above"]}
    assert reports["from the middle"] == {"seen": True, "order": ["From far above", "From the middle"]}


def test_a_message_is_drawn_as_what_it_becomes(crowded: Scenarios) -> None:
    assert crowded("unread", "same_place")["drawn"] == {"moved": []}


def test_what_was_on_the_screen_is_read_in_the_middle_too(crowded: Scenarios) -> None:
    reports = crowded("unread", "reading_on")
    assert reports["read on"] == {"mid": True, "counted": True, "kept": True}
    assert reports["other device"] == {"starts": True, "line": 1}
    assert reports["upwards"] == {"still": True}


def test_messages_of_any_height_are_read_once_their_end_was_in_sight(crowded: Scenarios) -> None:
    assert crowded("unread", "differing_heights")["read"] == {"counted": [0, 0, 0, 0, 0], "some": True}


def test_a_page_that_goes_away_has_read_what_it_showed(crowded: Scenarios) -> None:
    assert crowded("unread", "left_at_once")["left"] == {"read": True}


def test_escape_in_the_message_field_reads_nothing_by_accident(crowded: Scenarios) -> None:
    reports = crowded("unread", "escaping")
    assert reports["escaped"] == {"closed": True, "text": "@bo", "few": True, "line": True}
    assert reports["went on"] == {"skipped": True, "read": 120, "undone": True, "isFocused": True}


def test_marking_all_as_read_can_be_taken_back(crowded: Scenarios) -> None:
    assert crowded("unread", "read_all")["read all"] == {"counts": ["3", "2"], "read": [0, 2]}


def test_what_comes_while_one_looks_elsewhere_is_below_a_line(crowded: Scenarios) -> None:
    reports = crowded("unread", "looking_elsewhere")
    assert reports["back"] == {
        "unreadBefore": 30,
        "unreadStill": 30,
        "label": "40 new since TIME",
        "line": "Meanwhile 1",
    }
    assert reports["again"] == {"next": "While above"}


def test_whoever_is_idle_reads_nothing(crowded: Scenarios) -> None:
    assert crowded("unread", "idle")["idle"] == {"line": 1, "badge": 1, "read": 1, "lineAfter": 1}


def test_the_wheel_works_above_the_button_to_the_newest(crowded: Scenarios) -> None:
    assert crowded("unread", "wheel_at_button")["turned"] == {"up": True}


def test_what_a_jump_skips_stays_unread(crowded: Scenarios) -> None:
    assert crowded("unread", "skipping")["skipped"] == {
        "same": True,
        "counted": True,
        "returned": True,
        "led": True,
        "still": True,
        "after": 201,
    }


def test_a_conversation_that_is_not_listed_yet_shows_what_is_unread(crowded: Scenarios) -> None:
    assert crowded("unread", "opened_by_address")["opened"] == {"line": 1, "read": 0}


def test_what_was_written_meanwhile_is_seen_at_once(crowded: Scenarios) -> None:
    seen = crowded("unread", "written_meanwhile")["opened"]
    assert seen == {"near": True, "line": 1, "far": True, "kept": True, "reloaded": True}


def test_a_message_just_below_the_screen_is_not_overlooked(crowded: Scenarios) -> None:
    assert crowded("unread", "just_below")["below"] == {"isNear": True, "shown": 1, "left": 0}
