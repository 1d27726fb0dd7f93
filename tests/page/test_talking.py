"""People talk: directly, in groups, with changes of what they said, and with what the server refuses."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_two_users_talk(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "talking", "talk")
    talk = ["Hello!\nTwo lines.", "Hi"]
    assert reports["announced"] == {"text": "alice: Hello!\nTwo lines."}
    assert reports["talked"] == {"alice": talk, "bob": talk, "typing": ""}
    assert reports["in the title"] == {"title": "(1) Talkwire"}
    assert reports["talked directly"] == {"bob": ["Only you"], "title": "Talkwire"}
    assert reports["met in a group"] == {"members": "3 members"}


def test_a_first_message_that_is_overtaken_is_shown(driver: Driver, demo_url: str) -> None:
    shown = ["From bob", "From alice"]
    assert run(driver, demo_url, "talking", "overtaken")["overtaken"] == {"shown": shown}


def test_messages_are_edited_answered_reacted_to_and_deleted(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "talking", "changes")
    assert reports["changed"] == {"draft": "a draft", "quoted": "alice\nfirst", "edited": 0}


def test_a_refused_message_says_why_and_can_be_discarded(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "talking", "refusal")
    assert "Must not contain U+0000" in reports["refused"]["reason"]
    assert reports["too long"]["kept"] == 65_537
    assert reports["too long"]["reason"] == "This message is 1 character too long."
