"""Everything on the page can be done without a mouse, and the focus is never lost."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_one_signs_in_talks_and_signs_out_without_a_mouse(driver: Driver, demo_url: str) -> None:
    assert "signed out" in run(driver, demo_url, "keyboard", "everything")


def test_keys_lead_from_conversation_to_conversation(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "keyboard", "moving")
    moved = reports["moved"]
    assert moved["typed"] == "?"
    assert moved["listed"] > 10
    assert moved["back"] == "Details"


def test_keys_lead_from_message_to_message_and_the_focus_stays_with_one_out_of_sight(
    driver: Driver, demo_url: str
) -> None:
    reports = run(driver, demo_url, "keyboard", "messageByMessage")
    assert reports["moved"] == {"inSight": True, "kept": "Row 21", "isOnScreen": True}


def test_the_list_of_conversations_can_be_skipped(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "keyboard", "skipping")
    assert reports["skipped"] == {"first": True, "list": "Messages", "composer": "Message"}


def test_a_closed_dialog_does_not_take_the_focus_back(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "keyboard", "closingADialog")
    assert reports["closed"] == {"focused": "Search conversations, people, messages"}


def test_the_focus_stays_where_a_message_was_deleted(driver: Driver, demo_url: str) -> None:
    run(driver, demo_url, "keyboard", "deleting")


def test_what_is_typed_nowhere_is_written_into_the_message_field(driver: Driver, demo_url: str) -> None:
    typed = run(driver, demo_url, "keyboard", "typingAnywhere")["typed"]
    assert typed == {"text": "from the list, from nowhere"}


def test_keys_go_on_after_a_reaction_and_at_the_row_of_the_open_conversation(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "keyboard", "goingOn")["went on"] == {"text": "a thought"}


def test_typing_after_a_click_on_a_message_is_a_text(driver: Driver, demo_url: str) -> None:
    typed = run(driver, demo_url, "keyboard", "typingAfterAClick")["typed"]
    assert typed == {"text": "kept, prompter", "inThread": "onetwo, three"}


def test_a_new_conversation_begins_with_the_search_of_people(driver: Driver, demo_url: str) -> None:
    started = run(driver, demo_url, "keyboard", "startingAConversation")["started"]
    assert started == {"mouse": "combobox", "touch": "DIALOG"}


def test_setting_a_status_leads_to_its_field_and_presets(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "keyboard", "settingAStatus")["opened"] == {
        "isFocused": True,
        "filled": ["🗓️ In a meeting", "hour"],
        "text": "🗓️ In a meeting",
        "ends": True,
    }


def test_each_escape_closes_one_thing(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "keyboard", "closingOneByOne")["closed"] == {"panels": 1}


def test_tab_reaches_each_row_of_the_list_once(driver: Driver, demo_url: str) -> None:
    moved = run(driver, demo_url, "keyboard", "rowsOfTheList")["moved"]
    assert moved == {"second": 1, "right": "menu", "left": 1}


def test_keys_wait_for_the_part_for_which_they_are_meant(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "keyboard", "typingWhileLoading")["typed meanwhile"] == {
        "field": "kept",
        "wanted": "gen",
        "focusedAfter": "Message",
        "reply": "res",
        "composing": 0,
        "texts": ["A root", "A root"],
        "after": "kept",
    }


def test_the_switcher_searches_messages_too(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "keyboard", "searchFromSwitcher")["searched"] == {
        "inList": "Search conversations, people, messages",
        "beside": ["general", "xylophone"],
        "everywhere": True,
    }
