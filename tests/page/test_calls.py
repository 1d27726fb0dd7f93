"""Calls between two browsers, with sound and pictures that really arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.driving import Driver, run, run_through_a_kill, serving
from tests.protocol.server_process import reserved_port

pytestmark = pytest.mark.whole_browser


def test_two_talk_see_each_other_and_hang_up(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "calls", "talk")
    assert reports["rings"] == {"tabs": 1, "caller": ["ringback"], "focus": "alertdialog", "corners": "14px"}
    assert reports["talked"] == {"portraits": 1, "closed": ["closed"], "second": 0}


def test_a_device_that_is_opened_while_a_call_rings_answers_it(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "calls", "opened_while_ringing")["answered"] == {"rings": 0}


def test_who_reloads_the_page_in_a_call_calls_again_at_once(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "calls", "reloaded")
    assert reports["called again"] == {"questions": 0}
    assert reports["asked"] == {"talking": 1}
    assert reports["called from there"] == {"old": 0}


def test_the_dialog_of_a_call_is_one_column(driver: Driver, demo_url: str) -> None:
    measured = run(driver, demo_url, "calls", "ringing_layout")["measured"]
    column = {"lines": 1, "buttonsWithin": True, "buttonsBelow": True, "low": True, "centred": True}
    assert measured == {"1440": column, "1100": column, "390": column}


def test_large_text_cuts_off_no_button_of_a_call(driver: Driver, demo_url: str) -> None:
    measured = run(driver, demo_url, "calls", "large_text")["measured"]
    places = ("ringing 390", "ringing 320", "ringing 844", "normal", "large")
    assert measured == {
        "cutOff": {place: [] for place in places},
        "inSight": True,
        "onItsSide": 1,
        "devices": {"rows": 3, "first": True, "hangUp": True},
    }


def test_a_blocked_person_is_not_offered_to_call_again(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "calls", "blocked_caller")["refused"] == {"offered": ["Close"]}


def test_who_talks_shows_a_screen_and_changes_the_microphone(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "calls", "share")
    assert reports["shared"] == {"sharing": "Your screen", "microphone": "Fake Audio Input 2"}


def test_a_call_is_declined_missed_and_made_by_both_at_once(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "calls", "refused")
    rows = ["Missed call from alice", "Missed call from alice", "No one answered your call"]
    assert reports["missed"] == {"ringing": 0, "rows": rows}


def test_nobody_answers(driver: Driver, demo_folder: Path) -> None:
    with serving(demo_folder, reserved_port(), "--call-ring-s", "8") as url:
        assert run(driver, url, "calls", "unanswered")["unanswered"] == {"repeated": 0, "above": 1, "after": 1}


def test_who_is_in_a_call_is_busy_for_others(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "calls", "busy")
    assert reports["busy"] == {"ringing": 0, "talking": 1, "missed": 1}


def test_a_missed_call_is_unread_in_the_list(driver: Driver, demo_url: str) -> None:
    missed = run(driver, demo_url, "calls", "missed_row")["missed"]
    assert missed == {"counts": 0, "marked": 0, "opened": 0, "unread": 0}


def test_a_missing_device_is_named(driver: Driver, demo_url: str) -> None:
    assert "shown" in run(driver, demo_url, "calls", "problems")


def test_a_call_goes_on_while_the_server_is_away(driver: Driver, demo_folder: Path) -> None:
    meanwhile = {"happened": "went on alone"}
    reports = run_through_a_kill(driver, demo_folder, "calls", "restart", meanwhile)
    assert reports["went on"] == {"connections": 1}


def test_a_dialog_is_not_in_front_of_an_accepted_call(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "calls", "behind_dialog")["accepted"] == {"chosen": 1}


def test_a_voice_message_has_nothing_of_a_call(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "calls", "recording")["recorded"] == {"kept": 1, "records": 0}


def test_a_dialog_shows_the_call_behind_it(driver: Driver, demo_url: str) -> None:
    shown = run(driver, demo_url, "calls", "in_dialog")["shown"]
    assert shown == {"above": True, "bars": 1, "same": 1, "focus": True}


def test_a_call_does_not_disturb_who_wants_that(driver: Driver, demo_url: str) -> None:
    called = run(driver, demo_url, "calls", "do_not_disturb")["called"]
    assert called == {"modal": 0, "focus": "TEXTAREA", "played": []}


def test_the_window_of_a_call_covers_nothing_that_is_read(driver: Driver, demo_folder: Path) -> None:
    with serving(demo_folder, reserved_port()) as url:
        reports = run(driver, url, "calls", "beside_thread")
    clear = dict.fromkeys(("newest", "reply", "field", "replyField", "lastRow"), True)
    assert reports["measured"] == {"1440": clear, "1024": clear, "toast": True}
    assert reports["ended"] == {"clear": clear, "threads": [1, 0]}
