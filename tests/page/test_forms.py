"""What people typed into forms and did not save."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_settings_keep_what_was_typed_until_it_is_saved_or_discarded(driver: Driver, demo_url: str) -> None:
    typed = ["rowing", "I row boats"]
    assert run(driver, demo_url, "forms", "settings")["left"] == {
        "kept": {"escape": typed, "back": typed, "cross": typed, "beside": typed},
        "discarded": ["", ""],
        "saved": typed,
    }


def test_every_dialog_asks_before_it_discards_changes(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "dialogs")["left"] == {
        "isLed": True,
        "asked": 0,
        "group": {"escape": ["Boats", 1], "back": ["Boats", 1]},
        "description": {"escape": "We row on Sundays", "back": "We row on Sundays"},
        "unchanged": "",
        "questions": 0,
    }


def test_the_browser_asks_before_the_page_goes_with_changes(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "reloads")["reloaded"] == {
        "kept": "Boats",
        "typed": ["beforeunload"],
        "chosen": ["beforeunload"],
        "closed": [],
    }


def test_another_language_asks_before_it_discards_what_was_typed(driver: Driver, demo_url: str) -> None:
    chosen = run(driver, demo_url, "forms", "language")["chosen"]
    assert chosen == {"kept": ["I swim", ""], "isAsBefore": True}


def test_why_a_dialog_failed_is_in_sight_in_every_window(driver: Driver, demo_url: str) -> None:
    shown = run(driver, demo_url, "forms", "problems")["shown"]
    dialogs = ("create", "edit", "add", "offer", "forward", "report", "leave")
    assert shown == {name: {"390": True, "844": True, "1100": True} for name in dialogs}


def test_a_reply_waits_while_another_message_is_edited(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "reply")["replied"] == {
        "texts": ["Who rows?", "Hello", "I do"],
        "quoted": "Who rows?",
        "left": 0,
    }


def test_the_message_field_completes_emoji_and_continues_code_and_lists(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "typing")["typed"] == {
        "completed": "Yes 🎉",
        "undone": "Yes :tada:",
        "inCode": "`:tada:` ",
        "code": "```\na = 1\n```",
        "list": "- milk\n- eggs\nend",
    }


def test_emoji_are_suggested_by_names_in_the_language_of_the_page(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "germanEmoji")["found"] == {"emoji": True}


def test_page_keys_in_the_empty_field_scroll_the_conversation(driver: Driver, demo_url: str) -> None:
    expected = {"up": True, "stays": True, "down": True}
    assert run(driver, demo_url, "forms", "pages")["scrolled"] == expected


def test_saving_a_form_undoes_nothing_that_was_changed_elsewhere_meanwhile(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "forms", "together")
    assert reports["saved"] == {
        "conversation": ["Sculls", False, "from-join", "Sundays"],
        "me": ["Carol Carter", "I row"],
    }
    assert reports["replaced"] == {
        "warned": {
            "problem": "Somebody else has changed this meanwhile (Name: “Somebody's”). Save again to replace it.",
            "fields": ["Carol's", "Sundays"],
            "name": "Somebody's",
        },
        "saved": ["Carol's", "Mondays"],
    }


def test_a_reply_can_be_sent_when_its_message_is_deleted_meanwhile(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "deletedMeanwhile")["sent"] == {
        "kept": "I do",
        "sent": [["I do", None], ["Me", None]],
    }


def test_an_edit_replaces_no_other_edit_unseen(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "editedElsewhere")["edited"] == {
        "warned": {
            "excerpt": "The lorry comes at 10",
            "text": "The lorry comes at 9 or so",
            "saved": "The lorry comes at 10",
        },
        "replaced": "The lorry comes at 9 or so",
        "lists": 0,
        "taken": "Hi @alice soup today? At noon.",
    }


def test_an_edit_that_is_left_for_something_else_can_be_taken_up_again(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "leftEdit")["left"] == {
        "taken": [["First of all", "First"], ["First of all", "First"]],
        "last": "Second",
    }


def test_what_is_forwarded_is_what_the_dialog_shows(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "forwarding")["forwarded"] == {
        "edited": "It costs 900",
        "before": 0,
        "sent": ["It costs 900"],
        "shown": "It costs 90 after all",
        "left": {"preview": "This message was deleted.", "comment": "Look", "may": False},
        "opened": 0,
    }


def test_what_was_written_in_a_dialog_stays_when_others_end_what_it_was_for(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "forms", "overMeanwhile")["kept"] == {
        "answered": ["With oars", False],
        "removed": ["With sails", False],
        "made": ["A raft", False],
        "forward": ["Look", False],
        "place": "#/",
    }
