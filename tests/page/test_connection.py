"""The page and a server that goes away and comes back."""

from __future__ import annotations

from pathlib import Path

from tests.page.driving import SLOW_MS, Driver, Scenarios, run, run_through_a_kill, serving
from tests.protocol.server_process import reserved_port


def test_the_page_reconnects_and_loses_and_doubles_nothing(driver: Driver, demo_folder: Path) -> None:
    meanwhile = {
        "happened": "disconnected",
        "waiting": "Typed while disconnected",
        "says": "Waiting for the connection",
    }
    reports = run_through_a_kill(driver, demo_folder, "connection", "reconnection", meanwhile)
    expected = ["Before", *(f"Message {number}" for number in range(1, 41)), "Typed while disconnected", "After"]
    reconnected = reports["reconnected"]
    assert reconnected["stored"] == expected
    for shown in (*reconnected["shown"], reconnected["reloaded"]):
        assert shown == expected[-len(shown) :], "what is in sight, which is the end"
        assert len(shown) > 5


def test_what_was_written_without_a_connection_outlives_a_reload(driver: Driver, demo_folder: Path) -> None:
    reports = run_through_a_kill(driver, demo_folder, "connection", "outbox")
    assert reports["sent"] == {"messages": ["first", "second", "third"]}


def test_another_tab_sends_what_a_closed_one_has_left(crowded: Scenarios) -> None:
    assert crowded("connection", "closed_tab")["taken over"] == {
        "before": 0,
        "shown": ["With a file", "Left behind"],
        "stored": ["Left behind", "With a file"],
        "files": ["note.txt"],
    }


def test_changes_of_messages_wait_for_the_server_through_a_reload(driver: Driver, crowded_folder: Path) -> None:
    meanwhile = {"happened": "shown", "tick": "Waiting for the connection", "deleted": "Waiting for the connection"}
    reports = run_through_a_kill(driver, crowded_folder, "connection", "changes", meanwhile, latency_ms=SLOW_MS)
    saved = [["Edited", False, []], [None, False, []], ["To like and pin", True, ["👍"]]]
    assert reports["saved"] == {"saved": saved, "versions": 2}, "what was replaced before it was sent is no version"


def test_a_refused_change_can_be_tried_again(crowded: Scenarios) -> None:
    reports = crowded("connection", "refused_changes")
    assert reports["refused"] == {"problem": "Not saved:", "again": "Not to be saved"}


def test_a_part_that_is_not_loaded_waits_for_the_network(crowded: Scenarios) -> None:
    """Without a retry, React removes the whole page."""
    assert crowded("connection", "late_parts")["came"] == {"writes": 1, "styles": True}


def test_a_part_that_is_missing_says_so_and_is_given_up(crowded: Scenarios) -> None:
    assert crowded("connection", "missing_parts")["shown"] == {
        "says": "This part of the page couldn't be loaded.",
        "focused": "Try again",
        "opened": 0,
        "left": 0,
        "draft": "A draft",
    }


def test_a_part_that_takes_long_can_be_given_up(driver: Driver, demo_url: str) -> None:
    shown = run(driver, demo_url, "connection", "slow_parts")["shown"]
    assert shown == {"says": "This part of the page is still loading…", "opened": 0}


def test_a_page_without_its_scripts_says_so(driver: Driver, demo_url: str) -> None:
    unstarted = "The page couldn't be loaded. Reload"
    assert run(driver, demo_url, "connection", "unstarted")["shown"] == {
        "entry": unstarted,
        "address": "#/conversation/general",
        "page": "The page couldn't be loaded. Reload the page",
        "german": "Die Seite konnte nicht geladen werden. Seite neu laden",
        "console": "The page couldn't be loaded. Reload the page",
        "chat": "This part of the page couldn't be loaded.Try againReload the page",
        "hanging": unstarted,
    }


def test_it_works_without_https(driver: Driver, demo_folder: Path) -> None:
    with serving(demo_folder, reserved_port()) as url:
        assert "talked" in run(driver, url, "connection", "insecure")


def test_the_page_is_back_as_soon_as_the_network_is(driver: Driver, demo_folder: Path) -> None:
    back = run_through_a_kill(driver, demo_folder, "connection", "network")["back"]
    assert back == {"dots": 0, "waits": 1}


def test_what_happened_stays_when_the_connection_is_lost(driver: Driver, demo_folder: Path) -> None:
    topic = "alice changed the topic to “Plans”"
    meanwhile = {"happened": "away", "shown": [topic]}
    back = run_through_a_kill(driver, demo_folder, "connection", "events", meanwhile)["back"]
    assert back == {"shown": [topic, "carol is now an admin", "alice changed the name to “New events”"]}


def test_a_reload_without_the_server_shows_the_page_and_what_waits(driver: Driver, demo_folder: Path) -> None:
    meanwhile = {"happened": "away", "waiting": [True], "notice": 1}
    reports = run_through_a_kill(driver, demo_folder, "connection", "reloaded", meanwhile)
    assert reports["sent"] == {"kept": 1, "keptAfterwards": 0}


def test_counts_and_the_own_status_outlive_a_reload_without_a_connection(driver: Driver, demo_url: str) -> None:
    counted = run(driver, demo_url, "connection", "counts_offline")["counted"]
    assert counted["before"][1:] == ["1", "1", "Out for lunch"]
    assert counted["away"] == counted["back"] == counted["before"]
    assert counted["says"] == "The list of notifications needs a connection."
    assert counted["chosen"] == ["Do not disturb"]


def test_what_was_read_before_a_reload_is_opened_without_a_connection(driver: Driver, demo_url: str) -> None:
    opened = run(driver, demo_url, "connection", "opened_offline")["opened"]
    assert opened["offline"] == ["In Read before"]
    assert opened["online"] == ["In Read before", "Said after the reload", "Said meanwhile"]


def test_what_is_opened_without_the_server_comes_with_it(driver: Driver, demo_folder: Path) -> None:
    meanwhile = {"happened": "away", "rootMeanwhile": 1, "foundMeanwhile": 0, "problems": [1, 1, 1, 1]}
    reports = run_through_a_kill(driver, demo_folder, "connection", "opened_meanwhile", meanwhile)
    assert reports["back"] == {"left": [0, 0, 0, 0, 0]}


def test_an_entrance_opened_without_the_server_completes_itself(driver: Driver, demo_url: str) -> None:
    late = run(driver, demo_url, "connection", "lateEntrance")["late"]
    assert late == {"before": 0, "kept": "alice@example.com", "after": 0}
