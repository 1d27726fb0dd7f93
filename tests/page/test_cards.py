"""Cards: approvals and polls among the messages of a conversation."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_an_approval_waits_for_the_reader_who_edits_the_amount(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "cards", "approval")["approved"] == {
        "counted": "Waiting for you 1 1 decision waits for you",
        "asked": {
            "kind": "Your decision is needed",
            "text": "cups",
            "fields": "Customer Dana Fox",
            "link": "https://example.com/orders/1207",
            "progress": "Approve: 0 of 2 · Decline: 0 of 1",
        },
        "isRefused": True,
        "chosen": {"mine": "You chose “Approve”", "focus": True},
        "unread": 0,
        "decided": "Decided: Approve by You and carol Who chose what",
        "input": "Amount in EUR 10",
        "why": "Approve 2 Y You One cup only C carol Decline 0 Nobody yet",
        "left": 0,
    }


def test_a_poll_is_made_in_the_composer_and_its_counts_move(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "cards", "poll")["voted"] == {
        "problem": "Two answers are the same.",
        "kind": "Poll · up to 3 answers",
        "moved": ["Noodles 2 votes", "Soup 0 votes", "Picnic 1 vote"],
        "who": "Noodles 2 B bob C carol Soup 1 Y You Picnic 1 B bob",
        "canEdit": False,
        "edits": 0,
        "standing": "Closed 4 votes Who chose what",
        "buttons": 0,
    }


def test_cards_fit_a_phone_and_axe_finds_nothing_wrong(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "cards", "phone")["looked at"] == {
        "found": [],
        "wide": 320,
        "inRow": True,
        "low": 0,
    }
