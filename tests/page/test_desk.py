"""The desk of a team: who handles a conversation, and since when somebody waits."""

from __future__ import annotations

import pytest

from tests.page.driving import Driver, run


def test_a_customer_is_served_by_one_colleague_after_the_other(
    driver: Driver, demo_url: str, service_token: str
) -> None:
    assert run(driver, demo_url, "desk", "journey", token=service_token)["served"] == {
        "waits": True,
        "answered": 0,
        "noted": [
            "I call her.",
            "Nobody answers.",
            "carol-journey handed the conversation over to bob-journey.",
            "She wants another cup.",
        ],
        "nameless": 0,
        "forCustomer": {"entries": 0, "bars": 0},
    }


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_axe_finds_nothing_wrong_at_the_desk(driver: Driver, demo_url: str, service_token: str, width: str) -> None:
    looked = run(driver, demo_url, "desk", width, token=service_token)["looked at"]
    assert looked == {"found": [], "wide": []}


def test_keys_lead_to_the_next_who_waits_and_take_note_and_close(
    driver: Driver, demo_url: str, service_token: str
) -> None:
    assert run(driver, demo_url, "desk", "keys", token=service_token)["pressed"] == {
        "chosen": "Mine",
        "focused": "Mine",
        "visited": ["handled-keys", "order-keys", "order-keys", "handled-keys", "order-keys"],
        "isLast": True,
    }


def test_back_leads_from_the_notes_to_the_conversation_the_desk_and_the_list_of_a_phone(
    driver: Driver, demo_url: str, service_token: str
) -> None:
    assert run(driver, demo_url, "desk", "phone", token=service_token)["went back"] == {
        "seen": ["notes", "conversation", "desk", "list"]
    }


def test_a_conversation_outside_the_list_is_live_and_nothing_in_it_is_unread(
    driver: Driver, demo_url: str, service_token: str
) -> None:
    assert run(driver, demo_url, "desk", "unlisted", token=service_token)["seen"] == {
        "title": "Talkwire",
        "inList": 0,
        "isThere": True,
    }


def test_a_second_answer_waits_until_its_author_has_decided(driver: Driver, demo_url: str, service_token: str) -> None:
    carol = "carol-collision"
    assert run(driver, demo_url, "desk", "collision", token=service_token)["asked"] == {
        "first": {
            "asked": f"{carol} answered meanwhile: I have sent another one. Send yours anyway?",
            "focused": "Keep as draft",
            "refused": 0,
            "draft": "This one?",
            "files": 1,
            "reply": "Replying to alice-collisionIt was a gift.Cancel",
            "letters": 0,
            "focus": "This one?",
            "sent": 1,
        },
        "second": {"asked": f"{carol} handles this conversation now. Send yours anyway?", "focus": "textarea"},
        "third": {"asked": f"{carol} answered meanwhile: At nine? Send yours anyway?", "waits": 0},
        "stored": [
            "My cup is broken.",
            "It was a gift.",
            "I am sorry.",
            "I have sent another one.",
            "This one?",
            "I call you.",
            "At nine?",
            "Tomorrow at ten?",
        ],
        # What it depends on: who handles the conversation. After a customer's message, it is sent again at once.
        "sent": [
            ["I am sorry.", None],
            ["I am sorry.", None],
            ["This one?", None],
            ["This one?", None],
            ["I call you.", None],
            ["I call you.", carol],
        ],
        "ofCustomer": [["My cup is broken.", None, "-"], ["It was a gift.", None, "-"]],
    }
