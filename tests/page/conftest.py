"""A browser, what drives it, and a demo server for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page.driving import serving
from tests.protocol.server_process import free_port

HERE = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def chromium() -> str:
    """The browser's program. For all tests here, so that none of them can forget to be skipped where there is none."""
    program = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if shutil.which(program) is None:
        pytest.skip(f"needs a browser, and there is none at {program}: install Chromium, or name one in CHROMIUM")
    return program


@pytest.fixture(scope="module")
def driver(chromium: str) -> list[str]:
    """The command line of the script that drives the browser; an address, an area and a scenario are appended."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("these tests drive a browser and need node (20 or later)")
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        pytest.fail("what drives the browser is not installed: run make install")
    return [node, str(HERE / "page.mjs"), chromium]


@pytest.fixture(scope="module")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One demo server for all scenarios of an area that leave it running; each has a conversation of its own."""
    with serving(tmp_path_factory.mktemp("demo"), free_port()) as url:
        yield url
