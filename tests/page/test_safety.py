"""What users write is text, whatever it looks like."""

from __future__ import annotations

from tests.page.driving import Driver, run

MARKUP = "<img src=x onerror=alert(1)>"


def test_markup_in_messages_and_names_is_shown_as_text(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "safety", "markup")
    assert reports["shown as text"] == {
        "author": MARKUP,
        "listed": MARKUP,
        "images": 0,
        "links": ["https://example.com/x.png"],
    }


def test_nothing_runs_or_leaves_whatever_users_write_wherever_they_may(driver: Driver, demo_url: str) -> None:
    looked = run(driver, demo_url, "safety", "corpus")["looked at"]
    assert looked["wrong"] == []
    assert looked["elsewhere"] == []
    assert looked["unseen"] == []
    assert looked["seen"] > 150
    assert looked["taken"] > 300
