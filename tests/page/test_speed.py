"""What keeps the page fast, in counts: `python -m bench.web_client` measures times."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from talkwire.api.page import BUILT
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


def test_the_scripts_of_the_first_page_are_small() -> None:
    loaded, waiting = set[Path](), [BUILT / name for name in re.findall(r'(?:src|href)="\./([^"]+\.js)"', _page())]
    while waiting:
        script = waiting.pop()
        if script not in loaded:
            loaded.add(script)
            imports = re.findall(r'(?:from|import)\s*["\'`]\./([\w-]+\.js)["\'`]', script.read_text())
            waiting += [script.parent / name for name in imports]
    assert sum(len(gzip.compress(script.read_bytes())) for script in loaded) < FIRST_PAGE_KIB * 1024


def _page() -> str:
    return (BUILT / "index.html").read_text()
