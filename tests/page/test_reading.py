"""What messages show of themselves: who reacted, when they were sent, who has read them, which side they begin on."""

from __future__ import annotations

from tests.page.driving import Driver, Scenarios, run


def test_who_reacted_is_named(driver: Driver, demo_url: str) -> None:
    reacted = run(driver, demo_url, "reading", "reactions")["reacted"]
    assert reacted == {"title": "You, bob and carol reacted with 👍", "listed": ["You", "bob", "carol"]}


def test_code_is_copied_by_the_button_in_its_corner(driver: Driver, demo_url: str) -> None:
    copied = run(driver, demo_url, "reading", "code")["copied"]
    assert set(copied) == {"pointer", "keyboard", "touch"}
    for how, seen in copied.items():
        assert seen == {"isInCorner": True, "isBeside": True, "says": "Copied.", "text": f"by {how}"}


def test_each_paragraph_is_read_from_its_own_side(driver: Driver, demo_url: str) -> None:
    directed = run(driver, demo_url, "reading", "directions")["directed"]
    assert directed["field"] == "rtl"
    assert directed["hebrew"] == "rtl"
    assert directed["sides"] == [False, False, True], "from the left"


def test_a_continued_message_shows_its_time_at_the_pointer_and_after_a_tap(driver: Driver, demo_url: str) -> None:
    timed = run(driver, demo_url, "reading", "times")["timed"]
    assert timed == {"before": "0", "after": "1", "untouched": "0", "tapped": "1", "says": True}


def test_a_newcomer_has_read_nothing_before_joining(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "reading", "seen_by_newcomers")["seen"] == {"old": False, "carol": False}


def test_a_newcomer_reads_nothing_that_is_hidden_from_them(driver: Driver, demo_url: str) -> None:
    hidden = run(driver, demo_url, "reading", "hidden_from_newcomers")["hidden"]
    assert hidden == {"states": ["Sent", "Read"], "listed": 0}


def test_ones_own_newest_message_cannot_be_marked_as_unread(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "reading", "ownUnread")["offered"] == {"alone": 0, "answered": 1}


def test_what_is_marked_as_unread_stays_so_while_one_is_there(crowded: Scenarios) -> None:
    assert crowded("reading", "marked_as_unread")["marked"] == {"line": "two"}


def test_a_short_conversation_is_read_however_late_the_page_has_measured_it(crowded: Scenarios) -> None:
    assert "read" in crowded("reading", "short")
