"""What readers set about themselves and their client."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_a_theme_holds_in_all_tabs_and_from_the_first_paint_on(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "settings", "theme")
    assert reports["chosen"] == {"differs": True, "reloaded": "dark", "back": True}


def test_others_see_the_picture_and_the_status_that_one_chose(driver: Driver, demo_url: str) -> None:
    order = ["Name", "Handle", "About you"]
    assert run(driver, demo_url, "settings", "profile")["seen"] == {"shown": 1, "letters": [], "order": order}


def test_a_file_that_is_no_picture_becomes_nobodys(driver: Driver, demo_url: str) -> None:
    refused = run(driver, demo_url, "settings", "unreadablePicture")["refused"]
    assert refused == {"saved": [None, None, "Fog"], "letter": "B"}


def test_a_status_text_that_is_typed_is_not_replaced(driver: Driver, demo_url: str) -> None:
    typed = run(driver, demo_url, "settings", "statusTyped")["typed"]
    assert typed == {"typed": "Half a sent", "stored": "A whole sentence"}


def test_a_status_and_its_text_end_for_everyone(driver: Driver, demo_url: str) -> None:
    ended = run(driver, demo_url, "settings", "statusWithAnEnd")["ended"]
    assert ended == {"minutes": [30, 60], "shown": "Until TIME", "kept": True}


def test_a_password_is_changed_and_another_device_signed_out(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "settings", "account")
    reason = "You were signed out: from another device, or because the password was changed."
    assert reports["changed"]["reasons"] == [reason, reason]
    assert reports["changed"]["problems"] == 0
    assert reports["changed"]["refused"] != ""


def test_who_touches_nothing_is_away_until_the_first_move(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "settings", "idle")["rested"]["carol"].startswith("away")


def test_who_uses_a_page_that_counts_as_away_is_online_again(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "settings", "wake")["woken"]["presence"]["status"] == "online"


def test_read_receipts_are_off_in_both_directions(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "settings", "receipts")["off"] == {"alice": 0, "bob": 0}


def test_data_is_exported_and_an_account_deleted(driver: Driver, demo_url: str) -> None:
    reports = run(driver, demo_url, "settings", "leaving")
    assert reports["exported"]["name"].endswith("export.zip")
    assert reports["exported"]["kind"] == "PK"
    assert reports["deleted"]["problems"] == 0
