"""What is unread after the connection was lost while somebody read at the end of a conversation or a thread."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shutil import copytree

import pytest

from tests.page.driving import Driver, Scenarios, run, run_through_a_kill, serving
from tests.protocol.server_process import reserved_port

MUCH = {
    "back": {"stays": True, "isUnread": True, "line": 1},
    "skipped": {"label": "N new", "same": True},
    "marked": {"all": True, "undone": True},
}
"""What is expected where more came than fits the screen."""


@pytest.fixture(scope="module")
def forgetful_url(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo server without positions of events, so that pages load everything again."""
    folder = copytree(filled_demo, tmp_path_factory.mktemp("forgetful") / "data")
    with serving(folder, reserved_port(), "--recovery", "never") as url:
        yield url


@pytest.fixture(params=["resumed", "asked", "loaded"])
def back(request: pytest.FixtureRequest, driver: Driver) -> Scenarios:
    """Runs scenarios in which the server repeats what was missed, the page asks for it, or it loads all again."""
    url = request.getfixturevalue("forgetful_url" if request.param == "loaded" else "demo_url")
    return partial(run, driver, url, asks=request.param == "asked")


@pytest.mark.parametrize("visitor", [{}, {"isOnPhone": True}, {"writes": True}], ids=["window", "phone", "writing"])
@pytest.mark.parametrize("missed", [60, 300, 700])
def test_what_was_missed_is_unread_and_below_the_list(back: Scenarios, missed: int, visitor: dict[str, bool]) -> None:
    assert back("back_online", "much", missed=missed, **visitor) == MUCH


def test_what_was_missed_is_unread_after_the_server_was_killed(driver: Driver, demo_folder: Path) -> None:
    assert run_through_a_kill(driver, demo_folder, "back_online", "restarted") == MUCH


@pytest.mark.parametrize("visitor", [{}, {"isOnPhone": True}], ids=["window", "phone"])
def test_little_that_was_missed_is_read_on_the_screen(back: Scenarios, visitor: dict[str, bool]) -> None:
    assert back("back_online", "little", **visitor)["back"] == {"read": 4, "line": True, "last": True}


@pytest.mark.parametrize("visitor", [{}, {"isOnPhone": True}], ids=["window", "phone"])
@pytest.mark.parametrize(("missed", "unread"), [(40, 40), (3, 0)], ids=["many", "few"])
def test_replies_that_were_missed_are_below_a_line(
    back: Scenarios, missed: int, unread: int, visitor: dict[str, bool]
) -> None:
    replies = back("back_online", "replies", missed=missed, **visitor)["back"]
    assert replies == {"unread": unread, "line": True, "last": unread == 0}


@pytest.mark.parametrize(("missed", "unread"), [(40, 40), (3, 0)], ids=["many", "few"])
def test_replies_that_came_while_one_looked_elsewhere_are_below_a_line(
    driver: Driver, demo_url: str, missed: int, unread: int
) -> None:
    replies = run(driver, demo_url, "back_online", "replies", missed=missed, elsewhere=True)["back"]
    assert replies == {"unread": unread, "line": True, "last": unread == 0}


def test_a_page_that_slept_reads_nothing_that_comes_when_it_wakes(driver: Driver, demo_url: str) -> None:
    assert run(driver, demo_url, "back_online", "woken")["woken"] == {"label": "60 new", "read": 0}
