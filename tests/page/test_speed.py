"""What keeps the page fast, in counts: `python -m bench.web_client` measures times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.page import long_conversation
from tests.page.driving import Driver, run, serving
from tests.protocol.server_process import reserved_port

ROWS_MAX = 300
FIRST_PAGE_KIB = 200


@pytest.fixture(scope="module")
def long_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo server with a conversation of very many messages, all of them read by alice."""
    folder = tmp_path_factory.mktemp("long")
    long_conversation.prepare(folder)
    with serving(folder, reserved_port()) as url:
        yield url


def test_a_long_conversation_never_has_many_rows_in_the_document(driver: Driver, long_url: str) -> None:
    assert 0 < run(driver, long_url, "speed", "long")["went through"]["most"] <= ROWS_MAX


def test_ones_own_message_is_drawn_in_the_frame_after_enter(driver: Driver, long_url: str) -> None:
    assert run(driver, long_url, "speed", "own")["drawn"] == {"text": "at once"}


def test_the_scripts_of_the_first_page_are_small(driver: Driver, long_url: str) -> None:
    loaded = run(driver, long_url, "speed", "first")["loaded"]
    for page, size in loaded.items():
        assert 0 < size < FIRST_PAGE_KIB * 1024, page
