"""Messages that are written while others read them, and their parts."""

from __future__ import annotations

from tests.page.driving import Driver, run

BLOCKS = "## Cups\n\nSome **bold** words about cups, and more of them.\n\n- one\n- two\n\n| cup |\n|---|\n| blue |\n\n"


def test_an_answer_grows_with_its_parts_is_stopped_and_is_announced_once(
    driver: Driver, demo_url: str, admin_token: str
) -> None:
    assert run(driver, demo_url, "streams", "journey", token=admin_token)["answered"] == {
        "busy": "true",
        "lines": ["Reasoning", "Search the orders done", "Plan 1 of 3 done · Compare prices"],
        "opened": ['{\n  "query": "cups"\n}', '{\n  "found": 2\n}'],
        "isSameCode": True,
        "focused": True,
        "sources": ["[1]The cups Blue is best.", "[2]Message"],
        "announced": ["Helper: We want blue ones.\n\nlet cups = 2;\n\nThat is all.", "Helper: Two of them."],
    }


def test_a_long_answer_is_followed_only_at_its_end(driver: Driver, demo_url: str, admin_token: str) -> None:
    assert run(driver, demo_url, "streams", "long", token=admin_token)["grown"] == {
        "followed": True,
        "strayed": True,
        "moved": 0,
        "isLonger": True,
        "again": True,
        # Nobody has asked for it, and she is no moderator.
        "stops": 0,
        "isSame": True,
        "isWhole": True,
    }


def test_an_answer_grows_in_the_panel_of_its_thread(driver: Driver, demo_url: str, admin_token: str) -> None:
    assert run(driver, demo_url, "streams", "thread", token=admin_token)["grown"] == {"followed": True, "isLeft": True}


def test_parts_fit_a_phone_and_axe_finds_nothing_wrong(driver: Driver, demo_url: str, admin_token: str) -> None:
    assert run(driver, demo_url, "streams", "phone", token=admin_token)["looked at"] == {
        "found": [],
        "wide": 320,
        "inRow": True,
        "isReachable": True,
    }


def test_readers_see_that_an_agent_works_and_on_what_until_it_writes(
    driver: Driver, demo_url: str, admin_token: str
) -> None:
    doing = "Helper: Looking for the order…"
    shown = ["Helper is working…", doing, f"bob is typing… · {doing}", doing, ""]
    assert run(driver, demo_url, "streams", "working", token=admin_token)["worked"] == {
        "shown": shown,
        # What it repeats changes nothing, and so is announced once.
        "changes": len(shown),
        "elsewhere": doing,
        "region": "polite",
    }


def test_what_a_working_agent_says_fits_a_phone(driver: Driver, demo_url: str, admin_token: str) -> None:
    assert run(driver, demo_url, "streams", "busyPhone", token=admin_token)["looked at"] == {
        "found": [],
        "wide": 320,
        "isAtEnd": True,
    }


def test_what_is_added_to_a_long_text_costs_as_much_as_at_its_beginning(
    driver: Driver, demo_url: str, admin_token: str
) -> None:
    eighths = run(driver, demo_url, "streams", "work", token=admin_token, text=BLOCKS)["worked"]["eighths"]
    assert max(eighths[-2:]) < 1.7 * max(eighths[:2]), eighths
