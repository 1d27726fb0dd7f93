"""What is unread, what becomes read, and where the reader is meanwhile."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_ones_own_message_is_in_sight_wherever_it_was_written(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "unread", "own_message")
    assert reports["from the line"] == {"line": 1, "seen": True, "letters": 0}
    assert reports["undone"] == {"said": "100 messages marked as read", "back": 60, "count": "100"}
    assert reports["from above"] == {"seen": True, "order": ["From the line", "From far above"]}
    assert reports["from the middle"] == {"seen": True, "order": ["From far above", "From the middle"]}


def test_a_message_is_drawn_as_what_it_becomes(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "unread", "same_place")["drawn"] == {"moved": []}


def test_what_was_on_the_screen_is_read_in_the_middle_too(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "unread", "reading_on")
    assert reports["read on"] == {"mid": True, "counted": True, "kept": True}
    assert reports["other device"] == {"starts": True, "line": 1}
    assert reports["upwards"] == {"still": True}


def test_a_page_that_goes_away_has_read_what_it_showed(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "unread", "left_at_once")["left"] == {"read": True}


def test_escape_in_the_message_field_reads_nothing(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "unread", "escaping")
    assert reports["escaped"] == {"closed": True, "text": "@bo", "few": True, "line": True}


def test_marking_all_as_read_can_be_taken_back(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "unread", "read_all")["read all"] == {"counts": ["3", "2"], "read": [0, 2]}


def test_what_comes_while_one_looks_elsewhere_is_below_a_line(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "unread", "looking_elsewhere")
    assert reports["back"] == {"unreadBefore": 30, "label": "40 new since TIME", "line": "Meanwhile 1"}
    assert reports["again"] == {"next": "While above"}


def test_the_wheel_works_above_the_button_to_the_newest(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "unread", "wheel_at_button")["turned"] == {"by": True}
