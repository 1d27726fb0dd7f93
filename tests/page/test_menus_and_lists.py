"""A message's menu, what the lists say and find, and the page when its size changes."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_a_message_has_a_menu_by_right_click_and_by_key(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "menus_and_lists", "menu")
    assert reports["chosen"] == {"quotes": "alice\nSee https://example.com/", "focused": "See https://example.com/"}
    assert reports["left to the browser"] == {"link": False, "selection": False}


def test_a_menu_stays_open_when_the_message_field_appears(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "menus_and_lists", "late")["appeared"]["items"] > 1


def test_a_menu_is_inside_a_low_window_and_scrolls(driver: Driver, demo_url: str) -> None:
    inside = {"isInside": True, "showsLast": True, "scrolled": 0}
    assert run(driver, demo_url, "menus_and_lists", "lowWindow")["seen"] == {"low": inside, "high": inside}


def test_the_list_says_who_types_and_how_many_messages_are_unread(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "menus_and_lists", "list")
    assert reports["spoken"] == {
        "unread": "2 unread",
        "read": "Rebecca: Again",
        "leaves": True,
    }


def test_public_conversations_people_and_files_are_found(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "menus_and_lists", "finding")
    assert reports["switched"] == {"offered": ["Open questions", "Opal"], "joins": 1}
    assert reports["found"] == {"file": ["figures"], "text": "one\ntwo", "emoji": "🚀"}


def test_the_list_keeps_its_width_and_the_way_to_the_newest_message_ends(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "menus_and_lists", "resizing")
    assert reports["resized"] == {"narrower": 0, "text": 30}


def test_a_toast_covers_no_item_of_a_menu(driver: Driver, demo_url: str) -> None:
    opened = run(driver, demo_url, "menus_and_lists", "belowMenus")["opened"]
    assert opened == {"overlaps": True, "covered": 0}
