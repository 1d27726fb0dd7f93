"""What axe finds wrong on the page, on every screen, and what people with a screen reader or without motion get."""

from __future__ import annotations

import pytest

from tests.page.driving import Driver, run

SCREENS = 68


@pytest.mark.whole_browser
@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_axe_finds_nothing_wrong_on_any_screen_light_or_dark(driver: Driver, demo_url: str, width: str) -> None:
    looked = run(driver, demo_url, "accessibility", width)["looked at"]
    assert looked["found"] == []
    assert looked["screens"] >= SCREENS


def test_what_comes_into_sight_moves_for_a_moment_or_not_at_all(driver: Driver, demo_url: str) -> None:
    moved = run(driver, demo_url, "accessibility", "motion", reducedMotion="no-preference")["moved"]
    assert moved["animated"] == {
        ".message": "0.14s",
        ".menu": "0.12s",
        "dialog": "0.14s",
        ".panel": "0.16s",
    }
    assert run(driver, demo_url, "accessibility", "motion", reducedMotion="reduce")["moved"] == {"animated": {}}


def test_nothing_moves_for_who_wants_that(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "accessibility", "stillness")["stood still"] == {"moving": []}


def test_each_message_says_who_wrote_it_to_screen_readers_and_in_copied_text(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "accessibility", "naming")["named"] == {
        "authors": 1,
        "names": [
            "bob, now: Offer: A lamp",
            "bob, now: This message was deleted.",
            "bob, now: notes.txt",
            "bob, now: Continued",
            "bob, now: First of all",
            "bob, now: Continued",
            "carol, now: On its way",
        ],
        "copied": ["bob", "now", "First of all", "bob", "now", "Continued", "bob", "now", "notes.txt"],
    }


def test_screen_readers_announce_new_messages(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "accessibility", "speaking")["announced"] == {
        "all": ["bob: for the ears", "bob mentioned you in Elsewhere", "bob wrote to you"],
        "says": "bob wrote to you, and 1 more",
    }
