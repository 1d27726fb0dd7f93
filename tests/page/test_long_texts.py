"""Messages of as much text as the server takes, of whatever characters."""

from __future__ import annotations

from tests.page.driving import Driver, run

BUDGET_MS = 200


def test_no_text_holds_the_page_up(driver: Driver, demo_url: str) -> None:
    took = run(driver, demo_url, "long_texts", "heavy")["drawn"]
    assert {name: ms for name, ms in took.items() if ms > BUDGET_MS} == {}


def test_the_rest_of_a_long_text_comes_when_it_is_asked_for(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "long_texts", "unfolded")["unfolded"] == {"hidden": 0, "short": True}


def test_what_does_not_fit_is_drawn_over_nothing_else(driver: Driver, demo_url: str) -> None:
    """Marks that are piled upon letters, and a name of 200 wide letters in the list of a group's members."""
    assert run(driver, demo_url, "long_texts", "piled")["drawn"] == {"covered": [], "isInside": True}
