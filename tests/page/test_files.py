"""Files: chosen, pasted and dropped, on their way through pauses, reloads and a killed server, and in messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.driving import Driver, run, run_through_a_kill, serving
from tests.protocol.server_process import reserved_port

MARKUP = "<img src=x onerror=alert(1)>.txt"


def test_files_are_sent_looked_at_and_saved(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "files", "sending")
    assert reports["sent"] == {"previews": 2, "sizes": [209, 209], "names": [MARKUP], "saved": True}
    assert reports["viewed"] == {"place": "2 of 2", "sent": "alice", "focused": "Open a.png"}
    assert reports["typed"] == {"text": "nice"}
    assert reports["listed"] == {"says": "alice: Photo", "emptyTexts": 0, "alone": 320}


def test_large_photos_are_sent_smaller_unless_the_original_is_wanted(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "files", "photos")["sent"] == {
        "names": ["photo.jpeg", "opaque.jpg", "clear.png", "moving.jpg", "huge.png"],
        "switches": 2,
        "asIs": [False, False, True, True, True],
        "small": [1280, 2560],
        "original": True,
        "sent": {"name": "photo.jpeg", "width": 1500, "height": 3000},
    }


def test_pictures_are_sharp_on_dense_screens_and_small_on_others(driver: Driver, demo_url: str) -> None:
    found = run(driver, demo_url, "files", "densities")["loaded"]["found"]
    assert found["1"]["large"] == 0
    assert found["1"]["most"] <= 1
    assert found["2"]["most"] <= 1.01
    assert 0 < found["2"]["large"] <= 5, "most are sharp as they are"
    assert found["3"]["most"] <= 1.32, "only one that is cut to a whole row is not sharp"


def test_a_film_shows_a_frame_in_its_place(driver: Driver, demo_url: str) -> None:
    shown = run(driver, demo_url, "files", "film")["shown"]
    assert shown["empty"] == shown["loaded"], "nothing moves when it is loaded"
    assert shown["loaded"] == [315, 420]
    assert shown["frame"] > 200, "it is white in the middle"


@pytest.mark.whole_browser
def test_a_voice_message_is_recorded_and_played(driver: Driver, demo_url: str) -> None:
    played = run(driver, demo_url, "files", "speaking")["played"]
    assert played.pop("type").startswith("audio/")
    assert played == {
        "discarded": True,
        "bars": 64,
        "at": "500",
        "isPlace": True,
        "rate": 2,
        "isLong": True,
        "isLoud": True,
        "isAsWide": True,
    }


@pytest.mark.whole_browser
def test_a_recording_is_kept_and_sent(driver: Driver, demo_url: str) -> None:
    sent = run(driver, demo_url, "files", "speakingAndLeaving")["sent"]
    assert sent == {"asked": ["beforeunload"], "voices": 2, "left": 0}


def test_animated_pictures_move_for_those_who_want_that(driver: Driver, demo_url: str) -> None:
    moved = run(driver, demo_url, "files", "moving")["moved"]
    assert moved == {"alice": ["flicker.gif", 0], "bob": ["thumbnail", 1]}


def test_a_panel_lists_the_files_of_a_conversation(driver: Driver, demo_url: str) -> None:
    listed = run(driver, demo_url, "files", "library")["listed"]
    assert listed["mosaic"] == {"rows": 2, "isTiled": True}
    assert listed["media"] == "Open late.png"
    assert listed["linked"] == "https://talkwire.example/docs"
    assert (listed["files"], listed["audio"]) == ([MARKUP], ["beep.wav"])


def test_an_account_proves_itself_in_a_header_with_a_fresh_token(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "files", "withTokens")["shown"] == {"header": "Bearer ", "inAddress": False}


def test_sound_is_played_in_its_place(driver: Driver, demo_url: str) -> None:
    played = run(driver, demo_url, "files", "sound")["played"]
    assert played == {"seconds": 2, "says": "alice: beep.wav"}


def test_files_are_pasted_and_dropped(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "files", "pasting")
    assert reports["attached"] == {"taken": True, "textTaken": False, "names": ["dropped.txt"]}


def test_an_upload_is_paused_and_goes_on_after_a_reload(driver: Driver, demo_url: str) -> None:
    resumed = run(driver, demo_url, "files", "pausing")["resumed"]
    assert resumed["still"]
    assert resumed["left"] == 0
    assert resumed["same"]
    assert 0 < resumed["offsets"][0] < resumed["offsets"][-1] < 6_000_000, "nothing begins anew"


def test_a_text_does_not_wait_for_the_file_of_the_message_before_it(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "files", "in_turn")["sent in turn"] == {
        "waiting": ["With a file"],
        "texts": ["After it", "And this", "With a file", "Uploaded, offline", "Behind it, offline"],
    }


def test_an_upload_outlives_the_server(driver: Driver, demo_folder: Path) -> None:
    meanwhile = {"happened": "stalled"}
    uploaded = run_through_a_kill(driver, demo_folder, "files", "killed", meanwhile)["uploaded"]
    assert uploaded["same"]
    assert uploaded["offsets"][-1] > 0, "it goes on where it was"


def test_what_is_too_large_says_so_and_leaves_the_text(driver: Driver, demo_folder: Path) -> None:
    with serving(demo_folder, reserved_port(), "--max-file-size", "1500") as url:
        refused = run(driver, url, "files", "refused")["refused"]
    assert refused["reason"] == "This file is larger than the limit of 1.5 kB."
    assert refused["asked"] == "One of the files can't be sent. Remove it."
    assert refused["stuck"]
    assert refused["names"] == ["small.txt"]


@pytest.mark.whole_browser
def test_a_call_leaves_the_pictures_of_messages_where_they_are(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "files", "after_a_call")["called"] == {"before": True, "after": True}


def test_what_could_not_be_loaded_is_loaded_again(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "files", "missing")["loaded"] == {"asked": 1, "left": 0}
