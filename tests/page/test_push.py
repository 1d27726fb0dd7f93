"""Notifications that the server pushes while the page is closed: only the browser vendor's push service is a double."""

from __future__ import annotations

import pytest

from tests.page.driving import Driver, run

pytestmark = pytest.mark.whole_browser


def test_pushes_are_shown_clicked_dismissed_and_ended(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "push", "pushes")
    shown = [{"title": "bob", "body": "While you were away", "silent": False}]
    assert reports["away"] == {"early": 0, "shown": shown, "left": 0}
    assert reports["opened"] == {"isPlace": True}
    assert reports["read"] == {"type": "dismiss", "badge": 0, "left": 0}
    assert reports["led"] == {"focused": True, "message": True}
    assert reports["signed out"] == {"again": 1, "left": 0, "subscribed": None}


def test_who_declines_notifications_is_not_asked_again(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "push", "notNow")["declined"] == {"offers": 0}


def test_a_browser_without_push_says_why_it_is_not_among_the_devices(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "push", "impossible")["impossible"] == {
        "says": "No devices. They arrive only while this page is open, because this browser doesn't support push here."
    }
