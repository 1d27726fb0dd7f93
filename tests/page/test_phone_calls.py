"""Calls on a phone: what its Back button and a reload do to them."""

from __future__ import annotations

import pytest

from tests.page.driving import Driver, run

pytestmark = pytest.mark.whole_browser


#: The dialog of a call is where it was, with its buttons.
STAYS = {"answers": ["Decline", "Accept"], "isElsewhere": False}


def test_back_and_a_reload_neither_decline_nor_hide_a_call(driver: Driver, demo_url: str) -> None:
    ringing = run(driver, demo_url, "phone_calls", "ringing")["ringing"]
    received = {"caller": "Ringing…", "hints": 0, "missed": 1}
    assert ringing == {"again": 1, "afterBack": STAYS, "entries": 0} | received


def test_back_in_a_conversation_hides_no_call(driver: Driver, demo_url: str) -> None:
    ringing = run(driver, demo_url, "phone_calls", "ringingInConversation")["inConversation"]
    assert ringing == {"afterBack": STAYS, "isHere": True, "at": "#/"}


def test_one_back_ends_no_call(driver: Driver, demo_url: str) -> None:
    talked = run(driver, demo_url, "phone_calls", "talking")["talked"]
    assert talked["small"] == {"at": "#/", "height": True, "timers": 1, "pictures": 0}
    assert talked["asked"] == ["beforeunload"]
    assert talked["after"] == 0


def test_a_small_call_covers_nothing(driver: Driver, demo_url: str) -> None:
    room = run(driver, demo_url, "phone_calls", "room")["room"]
    places = ("newest", "field", "reply", "threadField", "list", "head")
    assert room["small"] == dict.fromkeys(places, True)
    assert room["ended"] == {"newest": True, "field": True}


def test_a_call_fits_a_phone_on_its_side(driver: Driver, demo_url: str) -> None:
    shown = run(driver, demo_url, "phone_calls", "onItsSide")["onItsSide"]
    clear = dict.fromkeys(("field", "details", "account"), True)
    assert shown == {"whole": clear, "small": clear}


def test_the_sheet_of_a_message_is_not_above_a_call(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone_calls", "aboveCall")["above"] == {"sheets": 0, "after": 0}


def test_back_concerns_the_dialog_in_front_of_a_call(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone_calls", "backInDialog")["back"] == {"isStill": True}
