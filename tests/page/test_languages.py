"""The page in other languages and directions, under another name, and on phones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.driving import Driver, run, serving
from tests.protocol.server_process import reserved_port

LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="#2456d6"/></svg>"""


def test_a_browser_in_german_shows_everything_in_german(driver: Driver, demo_url: str) -> None:
    read = run(driver, demo_url, "languages", "german")["read"]
    assert read["language"] == ["de", "ltr"]
    assert read["found"] == []
    assert "heute" in read["days"]


def test_a_chosen_language_stays_and_keeps_what_was_written(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "languages", "choice")["chosen"] == {
        "options": ["The browser's language", "English", "Deutsch", "Español", "Français"],
        "draft": "half a sentence",
        "chosen": ["fr", "ltr"],
        "by": "Vous\u00a0: ",
        "given": ["es", "ltr"],
    }


def test_emoji_are_found_by_the_words_of_the_language(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "languages", "emoji")["found"] == {"german": True, "english": True}


def test_the_page_runs_from_right_to_left(driver: Driver, demo_url: str) -> None:
    sides = run(driver, demo_url, "languages", "rightToLeft")["sides"]
    expected = {"overflow": [0, 0], "face": True, "send": True, "mirrored": "matrix(-1, 0, 0, 1, 0, 0)"}
    assert sides == {"wide": expected, "narrow": expected}


def test_the_longest_words_fit_on_the_smallest_screen(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "languages", "narrow")["measured"] == {"de": 0, "es": 0, "fr": 0}


def test_buttons_choices_and_tabs_have_room_side_by_side_in_all_languages(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "languages", "rows")["rows"] == {"broken": []}


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    """A file with an operator's logo."""
    file = tmp_path / "logo.svg"
    file.write_text(LOGO)
    return file


def test_an_operator_gives_the_page_a_name_a_sentence_and_a_logo(driver: Driver, demo_folder: Path, logo: Path) -> None:
    options = ("--web-name", "Fernhill", "--web-description", "Where we talk.", "--web-logo", str(logo))
    with serving(demo_folder, reserved_port(), *options) as url:
        branded = run(driver, url, "languages", "branded")["branded"]
    assert branded.pop("title").endswith(") Fernhill")
    assert branded == {"logo": "/web-logo", "sentence": 1}


def test_the_last_conversation_opens_again_on_wide_screens(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "languages", "last")["opened"] == {
        "reopened": "#/conversation/heron-launch",
        "atList": 0,
        "onPhone": 0,
    }


def test_a_long_press_on_a_message_opens_its_actions(driver: Driver, demo_url: str) -> None:
    pressed = run(driver, demo_url, "languages", "phone")["pressed"]
    assert {"Reply", "Copy text", "Forward"} <= set(pressed.pop("actions"))
    assert pressed == {"focused": False, "small": [], "afterScroll": 0, "selected": "", "lower": 0, "left": 0}


def test_the_sheet_of_a_message_has_room_for_its_words_in_every_language(driver: Driver, demo_url: str) -> None:
    found = run(driver, demo_url, "languages", "sheets")["sheets"]["found"]
    expected = {"groups": [3, 6, 1], "leaves": [], "small": [], "reactions": True, "mine": ["🎉"], "last": True}
    assert found == dict.fromkeys(("en-GB", "de-DE", "es-ES", "fr-FR"), expected)


def test_the_words_above_the_list_of_a_phone_are_whole(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "languages", "chips")["chips"] == {"cut": {}}


def test_the_details_of_a_group_have_room_for_their_words_in_every_language(driver: Driver, demo_url: str) -> None:
    found = run(driver, demo_url, "languages", "room")["measured"]["found"]
    assert len(found) == 4
    expected = {"tiles": True, "reason": True, "history": True}
    assert found == dict.fromkeys(found, expected)


def test_no_word_of_the_details_buttons_and_of_toasts_is_broken(driver: Driver, demo_url: str) -> None:
    words = run(driver, demo_url, "languages", "wholeWords")["words"]
    assert words["broken"] == []
    assert words["lines"] < 3
