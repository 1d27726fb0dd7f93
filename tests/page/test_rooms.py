"""Conversations and people: topics and pictures, handles, the directory, and notices among the messages."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_topic_and_picture_are_shown_to_all_members(driver: Driver, demo_url: str) -> None:
    lines = run(driver, demo_url, "rooms", "about")["lines about the room"]
    assert lines["widths"] == [1, 1]
    topic = "changed the topic to “Plans: https://example.com/plan.”"
    assert lines["lines"] == [f"alice {topic}, changed the description, and changed the picture"]


def test_a_handle_tells_people_apart_and_mentions_them(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "rooms", "handles")
    assert reports["distinguished"] == {"refused": True, "shown": ["@ann.smith"], "mentions": ["alice"]}
    lists = ("list", "search", "switcher", "chosen", "members", "results", "forward", "seen by", "reacted by")
    sentences = {
        "notices": "Nora @nora1 added Nora @nora2",
        "bell": ["Nora @nora2 mentioned you", "Nora @nora1 mentioned you"],
        "report": "@nora1",
    }
    assert reports["namesakes"] == {"header": 1} | sentences | dict.fromkeys((*lists, "messages"), "@nora1 @nora2")


def test_the_keyboard_finds_a_person_in_the_directory(driver: Driver, demo_url: str) -> None:
    found = run(driver, demo_url, "rooms", "directory")["found in the directory"]
    assert found == {"before": 0, "first": "true", "second": "true"}


def test_what_happened_stands_where_it_happened(driver: Driver, demo_url: str) -> None:
    lines = run(driver, demo_url, "rooms", "happened")["notices"]
    joined, renamed, accepted, removed = lines["live"]
    assert (joined, renamed) == ("carol joined", "You changed the name to “New events”")
    assert (accepted, removed) == ("bob accepted the offer “Bike” for €1.00", "You removed bob")
    assert lines["order"] == ["One", joined, renamed, "Two", accepted, removed]
    assert lines["unreadCount"] == 0


def test_a_channel_needs_a_name_and_shows_its_sign(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "rooms", "channel")["started a channel"] == {"before": True, "signs": 1}
