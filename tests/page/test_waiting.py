"""The reader's own messages that are not sent yet: slow mode, and what can be done with a message that waits."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_slow_mode_says_when_its_reader_may_write_again(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "waiting", "slow_mode")["slowed"] == {
        "says": "Slow mode: you can write again in …",
        "counted": True,
        "meanwhile": {"letters": 0, "field": "Two of bob", "enabled": False},
        "reloaded": {"field": "Two of bob", "enabled": False},
        "alice": 0,
    }


def test_a_message_that_slow_mode_delays_is_sent_when_slow_mode_ends(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "waiting", "delays")["delayed"] == {
        "says": ["Slow mode: will be sent in …", "Slow mode: will be sent in …"],
        "left": 0,
    }


def test_a_message_that_waits_can_be_edited_copied_and_cancelled(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "waiting", "taken_back")["taken back"] == {
        "buttons": ["Edit", "Copy text", "Cancel sending"],
        "whileDelivered": 0,
        "second": {"field": "The second one", "letters": 2, "edits": 1},
        "busy": {"field": "", "letters": 1, "edits": 0},
        "copy": "The first one",
        "order": ["The first one, changed", "The second one"],
        "meanwhile": {"field": "The second one, too", "edits": 1, "letters": ["The second one"]},
        "sent": ["Sent before", "The first one, changed", "The second one, too"],
        "draft": "A draft",
    }


def test_the_message_that_is_edited_is_quoted_and_marked(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "waiting", "edited")["edited"] == {
        "quoted": "Is one mesage",
        "during": ["Is one mesage"],
        "afterwards": [],
    }


def test_what_is_not_sent_can_be_copied_when_its_author_is_removed(driver: Driver, demo_url: str) -> None:
    says = "You can't write in {} any more. What you have written there and not sent is discarded when you close this."
    assert run(driver, demo_url, "waiting", "left_behind")["left"] == {
        "says": says.format("Left behind"),
        "copy": "The first one\n\nThe second one\n\nA draft",
        "away": {"says": says.format("Left while away"), "text": "Another draft"},
        "back": "Another draft",
    }


def test_a_phone_offers_the_draft_of_a_deleted_group(driver: Driver, demo_url: str) -> None:
    left = run(driver, demo_url, "waiting", "left_behind_on_phone")["left"]
    assert left == {"small": [], "isWide": False, "left": []}
