"""Getting to messages, and what is done with them besides talking."""

from __future__ import annotations

from tests.page.driving import Driver, Scenarios, run


def test_a_link_leads_to_its_message_and_on_in_both_directions(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "moving", "jump")
    far_back = reports["far back"]
    assert far_back["focused"]
    assert far_back["off"] < 60, "pixels from the middle"
    assert reports["scrolled on"] == {"older": True, "newer": True, "address": "#/conversation/talk-123"}
    assert "don't have access" in reports["not here"]["notice"]
    assert reports["not here"]["stays"]
    assert reports["gone"] == {"notice": "This message was deleted."}


def test_a_conversation_opens_where_the_unread_begins(crowded: Scenarios) -> None:
    assert crowded("moving", "unread")["opened"] == {"near_top": True}


def test_a_quote_leads_to_its_message(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "moving", "quotes")
    assert reports["quoted"] == {"says": ["alice\nquotable"], "focused": True}


def test_messages_are_pinned_forwarded_looked_up_and_taken_back(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "moving", "keeping")
    assert reports["pinned"] == {"marked": ["Pinned"], "may_unpin": False}
    assert reports["forwarded"] == {"offered": ["conv-456", "test-conv"], "hash": "general"}
    assert reports["looked up"] == {"versions": ["keep that", "keep this"]}
    assert reports["deleted"] == {"preview": "keep that", "kept": True}


def test_text_and_link_of_a_message_are_copied(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "moving", "copying")
    assert reports["copied"] == {"text": "**copy** me", "link": "/#/conversation/general/ID", "tabs": 1}


def test_what_has_just_scrolled_can_be_pressed(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "moving", "pressing")["pressed"] == {"conversations": True, "messages": True}


def test_who_leaves_while_messages_come_has_read_what_they_have_seen(crowded: Scenarios) -> None:
    assert crowded("moving", "leaving")["left"] == {"disagreements": []}
