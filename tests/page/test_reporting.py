"""Reporting messages to the admins of the server."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_a_message_is_reported_with_a_reason_and_a_note(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "reporting", "message")["reported"] == {
        "thanks": True,
        "reason": "abuse",
        "note": "The third time",
        "state": "open",
    }


def test_nobody_reports_their_own_message(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "reporting", "own")["offered"] == {"reporting": False}


def test_a_decision_is_unread_until_the_bell_shows_it(driver: Driver, demo_url: str, admin_token: str) -> None:
    decided = run(driver, demo_url, "reporting", "decision", token=admin_token)["decided"]
    assert decided == {"status": 200, "shown": [True, True]}
