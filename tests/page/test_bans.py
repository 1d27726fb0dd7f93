"""What users see who are banned from a conversation."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_a_banned_user_sees_why_and_until_when(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "bans", "banned")["banned"] == {
        "told": "You were banned from Rowing club until TIME: Too loud",
        "refused": "You are banned from this conversation until TIME: Too loud",
    }
