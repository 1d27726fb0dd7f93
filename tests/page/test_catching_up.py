"""Conversations of which very much is unread, over a slow network: the page stays where the reader is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from tests.page import unread_conversations
from tests.page.driving import Driver, run, serving
from tests.protocol.server_process import reserved_port


@pytest.fixture(scope="module")
def unread_url(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo server with the conversations of `unread_conversations`."""
    folder = copytree(filled_demo, tmp_path_factory.mktemp("unread") / "data")
    unread_conversations.prepare(folder)
    with serving(folder, reserved_port()) as url:
        yield url


def test_a_conversation_that_nobody_touches_stays_where_it_opened(driver: Driver, unread_url: str) -> None:
    untouched = run(driver, unread_url, "catching_up", "untouched")["untouched"]
    assert (untouched["opens_at"], untouched["stays_at"]) == ("Message 1", "Message 1")
    assert abs(untouched["unread"] - untouched["below"]) <= 1


def test_whoever_reaches_the_end_of_what_is_loaded_is_not_carried_on(driver: Driver, unread_url: str) -> None:
    flicked = run(driver, unread_url, "catching_up", "flick")["flicked"]
    assert flicked["opens_at"] == "Message 1001"
    assert 1001 < flicked["stays_at"] < 1100
    assert abs(flicked["unread"] - flicked["below"]) <= 1


def test_coming_back_leads_to_the_message_that_was_left(driver: Driver, unread_url: str) -> None:
    returned = run(driver, unread_url, "catching_up", "away_and_back")["returned"]
    assert returned == {"to_the_same": True, "moved_px": 0, "after_reading_far": True, "at_the_end": True}


def test_a_new_conversation_opens_at_its_first_message(driver: Driver, unread_url: str) -> None:
    opened = run(driver, unread_url, "catching_up", "first_day")["opened"]
    assert opened == {"forty": "Message 1", "many": "Message 1", "unread": [0, 0]}, "but what is below the screen"


def test_only_what_was_on_the_screen_is_read(driver: Driver, unread_url: str) -> None:
    read = run(driver, unread_url, "catching_up", "nearly_at_the_end")["read"]
    assert read == {"before": 0}, "but what is below the screen"
