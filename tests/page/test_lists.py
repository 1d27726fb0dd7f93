"""Favourites, the archive, saved messages, forwarding, and offers in the list of conversations."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_favourites_come_first_and_the_archive_lasts_until_a_message(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "lists", "favouritesAndArchive")
    assert reports["listed"] == {
        "first": "Plans",
        "archived": ["Plans", "Quiet"],
        "inArchive": "list-action",
        "back": "list-action",
        "stays": "1",
        "isInside": "false",
        "unread": "2 unread",
    }
    assert reports["from the details"] == {"favourites": 0}


def test_a_group_that_the_reader_is_added_to_comes_first(driver: Driver, demo_url: str) -> None:
    shown = run(driver, demo_url, "lists", "added")["added"]["shown"]
    assert shown == ["Older", "Older", "Whole", "Whole"]


def test_a_direct_conversation_without_a_message_is_in_no_list(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "lists", "unusedDirect")["unused"] == {"beforeMessage": ["Beside"]}


def test_a_mute_for_a_time_ends_by_itself_on_all_devices(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "lists", "muteForATime")["muted"] == {
        "first": "For 1 hour",
        "labels": ["Mute", "For 1 hour", "For 8 hours", "Until tomorrow, TIME", "Until I turn it back on"],
        "isMuted": True,
        "isTomorrow": True,
        "ended": "",
    }


def test_sections_are_made_collapsed_renamed_and_removed(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "lists", "ownSections")["sections"] == {
        "all": ["Home", "Ape", "Work", "Bee", "Zoo"],
        "focused": ["Ape", "Work", "Ape", "Home"],
        "stays": ["false", "true"],
        "section": "Home",
    }


def test_a_saved_message_is_marked_and_found_again(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "lists", "saved")["saved"] == {
        "where": "Notes from the fair in Nürnberg, autumn planning group",
        "hidden": {"320": [], "390": [], "1440": []},
    }


def test_what_is_attached_to_a_text_stands_below_it(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "lists", "attached")["attached"] == {
        "forwarded": "2 files",
        "pinned": "2 files",
        "kept": "2 files",
        "isAligned": True,
    }


def test_a_message_is_forwarded_to_each_place_by_itself(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "lists", "forwarding")["forwarded"] == {
        "forbidden": 0,
        "chips": ["Alice writes", "Target", "stranger"],
        "reached": "checkbox",
        "stayed": {
            "chips": ["Alice writes"],
            "comment": "Look at this",
            "done": "Forwarded to stranger, Target",
            "problem": "Not forwarded to Alice writes",
        },
        "contents": ["Pass it on", "Look at this"],
        "retried": ["Pass it on", "Look at this"],
    }


def test_an_offer_moves_its_conversation_and_counts_as_unread(driver: Driver, demo_url: str) -> None:
    listed = run(driver, demo_url, "lists", "offersInTheList")["listed"]
    assert listed == {
        "first": "Market",
        "preview": "alice: Offer: CHF 120.00",
        "withdrawn": "alice: Offer: CHF 120.00 · Withdrawn",
        "currency": "CHF",
        "days": ["today"],
    }


def test_without_the_setting_the_page_has_no_offers(driver: Driver, demo_url: str) -> None:
    opened = run(driver, demo_url, "lists", "withoutOffers")["opened"]
    assert opened == {"buttons": 0, "cards": 0, "last": "alice: Hello"}


def test_what_is_not_sent_is_in_its_row_and_outlives_a_reload(driver: Driver, demo_url: str) -> None:
    unsent = run(driver, demo_url, "lists", "unsent")["unsent"]
    rows = ["Waits", "You: Written offline", "Draft: 2 files", "Draft in a thread"]
    assert unsent["before"] == ["Above"]
    assert [text.strip() for text in unsent["written"]] == rows
    assert unsent["reloaded"] == unsent["written"]
    assert unsent["shown"] == [1, 1, 1], "the buttons of threads, notifications and offers"
    assert unsent["sent"] == "You: Written offline"


def test_a_dialog_stays_in_its_place_when_its_list_arrives(driver: Driver, demo_url: str) -> None:
    moved = run(driver, demo_url, "lists", "arriving")["arrived"]
    assert moved == {"New conversation": 0, "Browse public conversations": 0, "People": 0}
