"""The page on a phone: a touch screen of 390 pixels, and its Back button."""

from __future__ import annotations

import pytest

from tests.page.driving import Driver, run


def test_back_closes_what_is_in_front(driver: Driver, demo_url: str) -> None:
    back = run(driver, demo_url, "phone", "back")["back"]
    names = ("details", "search", "thread", "viewer", "sheet", "dialog of the sheet", "menu", "emoji")
    assert back["closed"] == {name: {"entries": 1, "left": 0, "isOpen": True} for name in names}
    assert back["byButton"] == back["byEscape"] == 0
    assert back["at"] == "#/"


def test_back_closes_menus_also_on_a_phone_on_its_side(driver: Driver, demo_url: str) -> None:
    back = run(driver, demo_url, "phone", "backOnItsSide")["back"]
    assert back["isUnreadInSight"] is True
    assert back["closed"] == {name: {"entries": 1, "left": 0, "isOpen": True} for name in ("emoji", "menu", "card")}
    assert (back["levels"], back["left"]) == ([2, 1, 2, 1], 0)


def test_a_reload_with_a_panel_keeps_the_conversation(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "reloaded")["reloaded"] == {"after": 0, "at": "#/"}


def test_a_conversation_opened_from_a_dialog_is_one_step(driver: Driver, demo_url: str) -> None:
    onward = run(driver, demo_url, "phone", "onward")["onward"]
    assert onward["list"] == "#/"
    assert onward["added"] == {
        "switcher": 1,
        "back, dialogs: switcher": 0,
        "forwarded": 1,
        "back, dialogs: forwarded": 0,
        "found": 1,
        "back, dialogs: found": 0,
    }


def test_the_arrow_above_a_conversation_leads_back_to_the_list(driver: Driver, demo_url: str) -> None:
    back = run(driver, demo_url, "phone", "arrow")["back"]
    assert back == {"once": ["#/"], "above": 2, "twice": ["#/"], "linked": ["#/"]}


def test_back_leads_from_a_found_message_to_the_results(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "backToResults")["results"] == {"text": "first", "hash": "#/"}


def test_a_picture_that_was_left_stays_closed(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "picture")["picture"] == {"dialogs": 0}


def test_a_tap_on_a_message_shows_no_buttons(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "tapped")["tapped"] == {"byTap": 0, "byKey": 1}


def test_a_finger_hits_what_it_aims_at(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "targets")["looked"]["small"] == []


def test_settings_fill_the_screen_and_the_theme_goes_beyond_the_page(driver: Driver, demo_url: str) -> None:
    settings = run(driver, demo_url, "phone", "settings")["settings"]
    assert settings["box"] == [0, 0, 390, 844]
    assert settings["cut"] == []
    assert settings["bySystem"] == ["#ffffff", "rgb(255, 255, 255)"]
    assert settings["chosen"] == ["#16181d", "rgb(22, 24, 29)"]
    assert settings["reloaded"] == "#16181d"


@pytest.mark.parametrize(
    ("motion", "direction", "moved"), [("no-preference", "ltr", -1), ("no-preference", "rtl", 1), ("reduce", "ltr", 0)]
)
def test_a_message_that_is_swiped_is_replied_to(
    driver: Driver, demo_url: str, motion: str, direction: str, moved: int
) -> None:
    reports = run(driver, demo_url, "phone", "swiped", reducedMotion=motion, direction=direction)
    swiped = reports["swiped"]
    assert swiped["short"] == {"arrows": 1, "far": "", "moved": 40 * moved}
    assert swiped["far"] == {"arrows": 1, "far": "far", "moved": 72 * moved}
    assert swiped["scrolled"]
    assert swiped["early"] == 0
    assert "Replying to" in swiped["replying"]
    assert swiped["left"] == 0


def test_the_field_is_wide_and_keeps_the_keyboard(driver: Driver, demo_url: str) -> None:
    writing = run(driver, demo_url, "phone", "writing")["writing"]
    assert writing["shares"]["390"] >= 0.6
    assert writing["shares"]["320"] >= 0.55
    assert not writing["folded"]
    assert writing["hidden"]
    buttons = {"Attach files", "Record a voice message", "Formatting", "Emoji"}
    assert buttons < set(writing["names"])
    asked = {"emoji popup": "div"}
    fields = ("send", "more", "formatting", "bold", "emoji")
    assert writing["focus"] == dict.fromkeys(fields, "textarea") | asked


def test_back_ends_what_the_list_shows_before_it_leaves_the_page(driver: Driver, demo_url: str) -> None:
    lists = run(driver, demo_url, "phone", "lists")["lists"]
    way = {"entries": 1, "isKept": True, "isClosed": True, "left": 0}
    assert lists["seen"] == {"search": way, "archive": way, "unread": way}
    assert lists["at"] == "#/"


def test_a_long_press_on_a_row_opens_its_menu(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "pressed")["pressed"] == {"menus": 1, "at": "#/"}


def test_what_is_searched_calls_up_no_keyboard(driver: Driver, demo_url: str) -> None:
    searching = run(driver, demo_url, "phone", "searching")["searching"]
    assert searching["focus"] == {"People": "dialog", "Browse public conversations": "dialog"}
    assert searching["hovered"] == searching["before"]
    assert searching["shortcuts"] == 0


@pytest.mark.parametrize(("direction", "dragged"), [("ltr", "-90px"), ("rtl", "90px")])
def test_a_finger_turns_over_closes_and_enlarges_pictures(
    driver: Driver, demo_url: str, direction: str, dragged: str
) -> None:
    pictures = run(driver, demo_url, "phone", "pictures", direction=direction)["pictures"]
    assert pictures["dragged"] == dragged
    assert pictures["byButton"] == [0.5, 0.5]
    assert pictures["below"] == [0.25, 0.5]
    assert pictures["stays"] == 1


def test_who_is_searched_for_is_in_sight_above_the_keyboard(driver: Driver, demo_url: str) -> None:
    grouping = run(driver, demo_url, "phone", "grouping")["grouping"]
    assert grouping == {"seen": [[True, True, True]] * 3, "isReachable": True}


def test_the_offer_of_notifications_is_low(driver: Driver, demo_url: str) -> None:
    offered = run(driver, demo_url, "phone", "offer")["offered"]
    assert offered == {language: {"isOneRow": True, "isLow": True} for language in ("en", "de", "es", "fr")}


def test_a_tap_outside_closes_and_does_nothing_else(driver: Driver, demo_url: str) -> None:
    outside = run(driver, demo_url, "phone", "tappedOutside")["outside"]
    assert outside == {"list": "#/", "panels": 0, "fits": True}


def test_the_emoji_picker_fits_a_small_screen(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "emojiOnASmallScreen")["small"] == {"isWhole": True}


def test_any_emoji_is_a_reaction(driver: Driver, demo_url: str) -> None:
    run(driver, demo_url, "phone", "reacting")


def test_a_finger_pulls_a_sheet_away(driver: Driver, demo_url: str) -> None:
    run(driver, demo_url, "phone", "pulled")


def test_a_long_press_on_a_message_that_waits_says_what_can_be_done(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "waiting")["waiting"] == {
        "names": ["Edit", "Copy text", "Cancel sending"],
        "small": [],
        "field": "Sent too early",
        "letters": 1,
        "isWide": False,
    }


def test_a_toast_is_above_the_message_field(driver: Driver, demo_url: str) -> None:
    toasts = run(driver, demo_url, "phone", "toastAbove")["toasts"]
    assert toasts == {"short": True, "long": True, "isCovered": False, "isOneLine": True}


def test_the_button_that_starts_a_conversation_is_within_reach_of_a_thumb(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "startButton")["start"] == {
        "place": {"size": [56, 56], "left": 248, "right": 16, "below": 16},
        "rightToLeft": {"size": [56, 56], "left": 16, "right": 248, "below": 16},
        "isFree": True,
        "inConversation": False,
        "wide": [44, 44],
    }


def test_the_buttons_of_the_list_are_a_bar_at_the_lower_edge(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "lowerBar")["bar"] == {
        "place": [0, 320, 568],
        "widths": 1,
        "isHigh": True,
        "isFree": True,
        "here": "Chats",
        "counted": 1,
        "isAbove": True,
        "inConversation": False,
    }


def test_a_long_press_on_the_heading_of_a_section_opens_its_menu(driver: Driver, demo_url: str) -> None:
    section = run(driver, demo_url, "phone", "sectionMenu")["section"]
    assert section == {"choices": ["Rename…", "Remove section"], "isOpen": "true"}


def test_a_panel_has_no_line_at_its_side_and_fields_are_alike(driver: Driver, demo_url: str) -> None:
    expected = {"line": "0px", "isAlike": True, "hasArrow": True}
    assert run(driver, demo_url, "phone", "fields")["fields"] == expected


def test_the_sheet_of_a_message_shows_it_as_it_is_now(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "changing")["changed"] == {"reactions": 0, "actions": 0}


def test_beside_a_keyboard_suggestions_can_be_reached_and_messages_sent(driver: Driver, demo_url: str) -> None:
    low = run(driver, demo_url, "phone", "besideTheKeyboard")["low"]
    assert low == {"sends": True, "last": True, "first": True}


def test_a_tap_too_many_on_the_button_to_send_records_nothing(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "phone", "tapped_twice")["tapped"] == {"atOnce": 0}
