"""Offers: made, answered and withdrawn by members that may, and where they stand among messages."""

from __future__ import annotations

from tests.page.driving import Driver, Scenarios, run


def test_an_amount_that_is_refused_says_why(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "amounts")["refused"] == {
        "thousand": "Here, “.” separates decimals. Enter 1000 if you mean that.",
        "decimals": "Enter an amount such as 120, with up to 2 decimals.",
    }


def test_two_bargain(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "offers", "bargain")
    assert reports["bargained"] == {
        "shown": "€1,200.50",
        "roles": {"alice": ["Withdraw"], "bob": ["Accept", "Counter", "Reject"]},
        "looks": ["primary", "", "quiet"],
        "amount": 120_050,
        "currency": "EUR",
        "suggested": "1200.50",
        "order": ["I sell my bike", "Bike", "What do you say?", "Bike with lock"],
    }
    assert reports["over"] == {
        "warning": "The offer is over for everyone in this conversation, who will see that you withdrew it. "
        "This can't be undone.",
        "cancelled": "Open",
        "asked": "Open",
        "answered": "Rejected\nRejected by bob",
        "lines": [
            "You accepted the offer “Bike with lock” for €1,000.00",
            "You withdrew the offer “Withdrawn” for KWD\xa00.005",
            "bob rejected the offer “Rejected” for KWD\xa00.005",
        ],
        "buttons": 0,
        "panel": ["Short", "Rejected", "Withdrawn", "Bike with lock", "Bike"],
    }


def test_offers_stand_where_they_were_made(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "offers", "places")
    assert reports["placed"] == {"neighbours": ["Message 40", "Message 41"], "first": "Message 1"}


def test_an_offer_is_unread_until_it_is_in_sight(crowded: Scenarios) -> None:
    assert crowded("offers", "seen")["seen"] == {"above": 1, "left": 0}


def test_the_answer_to_an_offer_far_above_is_read_in_its_notice(driver: Driver, demo_url: str) -> None:
    answered = run(driver, demo_url, "offers", "answered")["answered"]
    assert answered == {"before": "2", "isOther": True, "cards": 0}


def test_an_offer_counts_in_a_muted_conversation_too(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "muted")["read"] == {"notified": 0, "unreadOfferCount": 0}


def test_marking_everything_as_read_reads_offers(crowded: Scenarios) -> None:
    assert crowded("offers", "readAll")["read all"] == {"left": [0, 0]}


def test_marking_a_conversation_as_read_reads_its_offers(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "readOne")["read one"] == {"left": [0, 0]}


def test_what_is_unread_starts_at_an_offer(driver: Driver, demo_url: str) -> None:
    marked = run(driver, demo_url, "offers", "unreadFrom")["marked"]
    assert marked == {"counts": ["31", "31 unread"], "lines": 1, "isAbove": True, "isInSight": True}


def test_a_conversation_opens_at_the_first_unread_of_many_offers(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "unreadAmongOffers")["opened"] == {"isAtTop": True, "isFree": True}


def test_who_has_left_is_named_on_offers_and_reactions_and_never_by_an_id(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "left")["named"] == {
        "before": ["Maya", "Accepted\nAccepted by someone", "Someone reacted with 👍"],
        "after": ["Maya", "Accepted\nAccepted by Bela", "Dora reacted with 👍"],
        "panel": [
            "Your offer",
            "Accepted\nby Bela",
            "Offer from Maya",
            "Open\nIts author is no longer in this conversation.",
        ],
        "reacted": "Dora",
    }


def test_that_the_server_cannot_be_reached_is_over_with_the_next_connection(driver: Driver, demo_url: str) -> None:
    back = run(driver, demo_url, "offers", "withdrawnOffline")["back"]
    assert back == {"says": "The server cannot be reached.", "names": ["Withdraw"]}


def test_the_button_to_the_newest_counts_offers(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "countedBelow")["counted"] == {"isSame": True}


def test_a_question_says_that_somebody_else_has_decided(driver: Driver, demo_url: str) -> None:
    decided = run(driver, demo_url, "offers", "decidedMeanwhile")["decided"]
    assert decided == {"mayAccept": False, "names": []}


def test_the_list_of_offers_says_their_day(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "days")["days"] == {"listed": "yesterday", "isTime": True}


def test_many_offers_do_not_squeeze_the_button_above_them(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "many")["many"] == {"isSame": True}


def test_a_counter_offer_ends_when_the_offer_does(driver: Driver, demo_url: str) -> None:
    ends = run(driver, demo_url, "offers", "counterEnds")["ends"]
    assert ends == {"endless": "never", "amountHasFocus": True, "proposed": "custom", "isSame": True}


def test_a_page_that_starts_without_the_server_has_offers_afterwards(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "offers", "withoutServer")["back"] == {"before": 0}


def test_offers_outlive_a_reload_without_the_server_or_their_list_says_that_it_waits(
    driver: Driver, demo_url: str
) -> None:
    reloaded = run(driver, demo_url, "offers", "reloaded")["reloaded"]
    assert reloaded == {"cards": 1, "says": "The list of offers needs a connection.", "buttons": 0}


def test_an_answer_in_a_group_says_whose_offer_it_is_and_nobody_accepts_that_of_who_is_gone(
    driver: Driver, demo_url: str
) -> None:
    grouped = run(driver, demo_url, "offers", "inAGroup")["grouped"]
    assert grouped == {
        "asked": (
            "The offer is from carol, in answer to one from bob. "
            "Everyone in this conversation will see that you accepted. This can't be undone."
        ),
        "own": 1,
        "muted": [],
        "left": ["Reject"],
    }


def test_members_report_an_offer_and_the_owner_deletes_it(driver: Driver, demo_url: str) -> None:
    moderated = run(driver, demo_url, "offers", "moderated")["moderated"]
    assert moderated["offered"] == {"alice": ["Report offer", "Delete"], "bob": 0, "carol": ["Report offer"]}
    assert moderated["quoted"] == "Fake watch"
    bob = [line for line in moderated["left"]["bob"] if line]
    assert bob[-4:] == ["Deleted offer", "€5.00", "Withdrawn", "Withdrawn by alice"]
    assert moderated["left"]["alice"][-1] == "Withdrawn by you"
    assert moderated["menus"] == 0


def test_offers_are_found_everywhere_and_in_a_conversation(driver: Driver, demo_url: str) -> None:
    found = run(driver, demo_url, "offers", "found")["found"]
    assert found == {
        "says": ["bob", "Bakery", "Brick oven", "€42.00 · Open", "With a chimney"],
        "marked": ["chimney"],
        "older": True,
        "newer": True,
    }
