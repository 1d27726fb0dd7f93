"""The page on small screens and without a mouse."""

from __future__ import annotations

import pytest

from tests.page.driving import Driver, run


def test_the_page_fits_a_narrow_screen_and_works_by_keyboard(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "layout", "narrow")
    assert reports["measured"]["fits"] == {"entrance": True, "list": True, "conversation": True, "dialog": True}


def test_the_day_of_what_is_in_sight_is_in_sight(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "layout", "days")["scrolled"] == {"half": []}


def test_messages_are_readable(driver: Driver, demo_url: str) -> None:
    read = run(driver, demo_url, "layout", "readable")["read"]
    assert read["copied"] == "for each in everything:\n    pass"
    assert read["keywords"] == ["for", "in", "pass"]
    assert 600 < read["width"] <= 46 * 16
    assert read["composer"] > 2_000
    assert read["larger"]


def test_a_panel_in_the_conversations_place_has_the_focus_and_gives_it_back(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "layout", "panel")
    assert reports["came back"]["to"] == "Messages"


@pytest.mark.parametrize("width", [1100, 1700])
def test_the_buttons_of_a_message_cover_no_text(driver: Driver, demo_url: str, width: int) -> None:
    hovered = run(driver, demo_url, "layout", "toolbar", width=width)["hovered"]
    assert hovered["shown"] == 7
    assert hovered["covered"] == []
    assert hovered["room"] < 40 or width > 1400
    # Its last word may have had no room.
    assert hovered["lines"] < 80 or width > 1400
    assert (hovered["buttons"], hovered["inMenu"]) == ((3, 1) if width < 1400 else (4, 0))


def test_a_phone_on_its_side_has_room_for_conversations(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "layout", "landscape")["measured"]["list"] > 200


def test_bars_and_rows_have_the_sizes_of_their_screen(driver: Driver, demo_url: str) -> None:
    sizes = run(driver, demo_url, "layout", "bars")["measured"]["sizes"]
    same = {
        "bar": 52,
        "conversation": 52,
        "face": True,
        "colours": 2,
        "radii": ["50%", "28%"],
        "written": [False, True],
    }
    phone = {"search": 44, "row": 70, "avatar": 48, "name": "16px", "white": True, "empty": [True, False]}
    wide = {"search": 36, "row": 56, "avatar": 36, "name": "15px", "white": False}
    wide |= {"empty": [True, True], "written": [True, True]}
    assert sizes == {"1440": same | wide, "390": same | phone, "320": same | phone}


@pytest.mark.whole_browser
def test_a_phone_is_no_desktop(driver: Driver, demo_url: str) -> None:
    looked = run(driver, demo_url, "layout", "phone")["looked"]
    assert looked["focused"] != "TEXTAREA"
    assert looked["smallest"] >= 16
    assert looked["says"] == "Get notified of new messages when you're in another tab or app."


def test_text_of_twice_the_size_overlaps_nothing_and_stays_on_the_screen(driver: Driver, demo_url: str) -> None:
    measured = run(driver, demo_url, "layout", "largeText")["measured"]
    assert measured == {"lines": True, "choices": True, "save": True}


def test_the_header_beside_a_panel_has_room_for_the_name_in_letters_of_twice_the_size(
    driver: Driver, demo_url: str
) -> None:
    good = {"name": True, "apart": True, "inside": True}
    measured = run(driver, demo_url, "layout", "largeHeader")["measured"]
    assert measured == {"1440": good, "1024": good, "menu": ["Offers", "Files", "Search"]}


def test_texts_have_the_room_they_need(driver: Driver, demo_url: str) -> None:
    roomy = run(driver, demo_url, "layout", "roomy")["roomy"]
    phone = [False, True, True, False]
    assert roomy == {"isWide": True, "shares": phone, "thread": True, "same": True, "kept": True}


def test_a_long_toast_in_large_letters_is_on_the_screen(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "layout", "largeToast")["shown"] == {"undo": True, "news": True}


def test_a_text_that_is_cut_shows_its_beginning_in_whichever_direction_it_runs(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "layout", "cutTexts")["cut"] == {"hidden": []}


def test_what_is_not_text_keeps_its_distance_in_a_message(driver: Driver, demo_url: str) -> None:
    measured = run(driver, demo_url, "layout", "rhythm")["measured"]
    expected = {"tight": [], "beside": [], "indented": [], "covered": [], "widths": 1, "tab": "4"}
    assert measured == {"wide": expected, "narrow": expected}


def test_the_name_of_an_author_keeps_its_room_beside_a_panel(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "layout", "authors")["authors"] == {"cut": []}


def test_what_is_closed_fades_and_is_gone_for_keys_and_screen_readers_at_once(driver: Driver, demo_url: str) -> None:
    happened = run(driver, demo_url, "layout", "leaving", reducedMotion="no-preference")
    left = happened["left"]
    assert left["focused"]
    assert [(name, inert) for name, _, inert in left["left"]] == [
        (name, True) for name in ("menu", "large", "panel", "viewer", "emoji-popup")
    ]
    assert all(0 < duration_ms <= 120 for _, duration_ms, _ in left["left"])
    # A picture shrinks only into a thumbnail that is in sight.
    assert happened["zoomed"] == {"zoomed": [[160], [100], [160], []]}
    assert happened["lifted"] == {"durations": [140] * 5, "found": True}


def test_nothing_moves_for_readers_who_prefer_reduced_motion(driver: Driver, demo_url: str) -> None:
    happened = run(driver, demo_url, "layout", "leaving", reducedMotion="reduce")
    assert happened["left"] == {"left": [], "focused": True}
    # Nothing fades either, so that only openings are noted.
    assert happened["zoomed"] == {"zoomed": [[], []]}
    assert happened["lifted"] == {"durations": [], "found": True}
