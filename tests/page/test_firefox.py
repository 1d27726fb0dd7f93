"""The first things that people do, in Firefox. All other tests in a browser run in Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.files import pictures
from tests.page.driving import HERE, TEST_DEADLINE_S


@pytest.fixture(scope="session")
def chromium() -> str:
    """Nothing: these tests need no Chromium, and run where there is none."""
    return ""


def firefox_program() -> str:
    """Returns Firefox's program. Skips the test where there is none."""
    named = os.environ.get("FIREFOX")
    program = named or shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None or shutil.which(program) is None:
        pytest.skip("needs Firefox: install Debian's firefox-esr or another one, or name its program in FIREFOX")
    return program


def test_people_talk_in_firefox(demo_url: str, tmp_path: Path) -> None:
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(pictures.jpeg(80, 60))
    command = ["node", str(HERE / "firefox.mjs"), firefox_program(), demo_url, str(picture)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=TEST_DEADLINE_S, check=True)
    seen = json.loads(run.stdout)
    assert seen.pop("version").startswith("firefox/")
    assert seen == {"quoted": "Hello from Firefox", "complaints": []}
