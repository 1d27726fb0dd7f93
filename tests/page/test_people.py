"""Other people: who they are, and of whom one does not want to hear."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_a_name_leads_to_its_person_and_the_talk_with_them(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "people", "talk")["met"] == {"focused": "bob"}


def test_what_a_blocked_person_says_is_folded_and_not_counted(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "people", "block")
    assert reports["blocked"] == {"announced": "bob: Before", "title": "Talkwire", "folded": 3}


def test_what_a_blocked_person_says_is_hidden_wherever_it_would_be_read(driver: Driver, demo_url: str) -> None:
    message, offer = "Message from someone you blocked.", "Offer from someone you blocked."
    assert run(driver, demo_url, "people", "blockedElsewhere")["hidden"] == {
        "read": {
            "list": [offer],
            "threads": [message],
            "conversation": [f"{message}Show", message, f"{offer}Show", "alice accepted an offer", f"{offer}Show"],
            "offers": [f"{offer}Show"] * 2,
            "pins": [message],
            "search": [offer, offer, message],
            "search of the list": [offer, offer, message],
        },
        "openly": "Offer: €5.00",
    }


def test_nobody_writes_to_or_calls_a_person_they_have_blocked(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "people", "blockedDirect")["blocked"] == {"calls": 0, "composers": 0}


def test_a_blocked_person_can_send_again_when_the_block_has_ended(driver: Driver, demo_url: str) -> None:
    refused = run(driver, demo_url, "people", "blockedWriter")["refused"]
    assert refused == {"preview": "You: Before", "offered": ["Try again", "Discard"], "refused": 0}


def test_a_new_name_is_everywhere_at_once(driver: Driver, demo_url: str) -> None:
    assert "renamed" in run(driver, demo_url, "people", "renamed")


def test_deleted_accounts_have_one_name_and_are_not_listed(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "people", "erasedMember")["erased"] == {
        "live": [0, False],
        "reloaded": [0, False],
        "count": "2 Mitglieder",
        "names": ["alice", "bob"],
        "buttons": 0,
    }


def test_the_list_names_deleted_accounts_in_full(driver: Driver, demo_url: str) -> None:
    assert "listed" in run(driver, demo_url, "people", "erasedInList")


def test_nobody_writes_to_or_calls_a_person_without_an_account(driver: Driver, demo_url: str) -> None:
    erased = run(driver, demo_url, "people", "erasedDirect")["erased"]
    assert erased == {"calls": 0, "composers": 0, "blocks": 0, "composersLater": 0, "callsLater": 0}


def test_the_details_show_the_status_of_members(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "people", "statusInDetails")["details"] == {"higher": 0, "lines": 0}
