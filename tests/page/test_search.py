"""Messages, people and conversations are found."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_messages_are_found_here_and_everywhere(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "search", "search")
    assert reports["found here"] == {"first": 20, "all": 30, "marked": ["Grüße"]}
    assert reports["found elsewhere"] == {"newest": ["needle"], "stays": True}


def test_one_field_finds_conversations_people_and_messages(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "search", "everywhere")
    assert reports["found"] == {
        "kept": {"text": "haystack", "found": 1},
        "ended": "",
        "stays": True,
        "cleared": ["", "", ""],
        "left": ["test-conv"],
    }


def test_a_search_that_fails_can_be_tried_again(driver: Driver, demo_url: str) -> None:
    assert "tried again" in run(driver, demo_url, "search", "failure")


def test_a_search_without_results_offers_what_comes_next(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "search", "nothing")["cleared"] == {"typed": "edit this", "text": "", "left": 0}
