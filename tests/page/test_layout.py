"""The page on small screens and without a mouse."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_the_page_fits_a_narrow_screen_and_works_by_keyboard(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "layout", "narrow")
    assert reports["measured"]["widths"] == {"entrance": 320, "list": 320, "conversation": 320, "dialog": 320}


def test_a_panel_in_the_conversations_place_has_the_focus_and_gives_it_back(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "layout", "panel")
    assert reports["came back"]["to"] == "Messages"


def test_a_phone_is_no_desktop(driver: Driver, demo_url: str) -> None:
    looked = run(driver, demo_url, "layout", "phone")["looked"]
    assert looked["focused"] != "TEXTAREA"
    assert looked["smallest"] >= 16
    assert looked["says"] == "Get notified of new messages when you're in another tab or app."
