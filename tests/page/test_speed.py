"""What keeps the page fast, in counts: `python -m bench.web_client` measures times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.page import long_conversation
from tests.page.driving import Driver, run, serving
from tests.protocol.server_process import REPOSITORY, reserved_port

ROWS_MAX = 300
# Scripts and styles, as they are sent.
ENTRANCE_SCRIPTS = 8
ENTRANCE_BYTES = 90_000
SIGNED_IN_SCRIPTS = 6
SIGNED_IN_BYTES = 210_000
SHIFT = 0.02


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


def test_the_first_page_loads_little_and_stands_still(driver: Driver, demo_url: str) -> None:
    happened = run(driver, demo_url, "speed", "first")["loaded"]
    signed_in = happened["loaded"].pop("signed in")
    for entrance, loaded in happened["loaded"].items():
        assert 0 < loaded["scripts"] <= ENTRANCE_SCRIPTS, entrance
        assert 0 < loaded["bytes"] <= ENTRANCE_BYTES, entrance
    for entrance, shift in happened["shifts"].items():
        assert shift < SHIFT, entrance
    assert 0 < signed_in["scripts"] <= SIGNED_IN_SCRIPTS
    assert 0 < signed_in["bytes"] <= SIGNED_IN_BYTES


def test_few_of_the_built_scripts_are_small() -> None:
    sizes = [script.stat().st_size for script in (REPOSITORY / "src/talkwire/web/page").glob("*.js")]
    assert sum(size < 10_000 for size in sizes) <= 1 < len(sizes)
