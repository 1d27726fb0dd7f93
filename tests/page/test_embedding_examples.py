"""The example shops with `<talkwire-chat>`: a customer opens an order's page, sees its conversation and writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.page.driving import Driver, run
from tests.page.test_embedding import SECRET, serving_an_application
from tests.protocol.server_process import REPOSITORY, killed_at_the_end, reserved_port

DJANGO = REPOSITORY / "examples" / "django" / "shop.py"
EXPRESS = REPOSITORY / "examples" / "express-embed" / "shop.mjs"
LIBRARIES = REPOSITORY / "tests" / "clients" / "node_modules"


@contextmanager
def _shop(example: Path, folder: Path, port: int, talkwire: str) -> Iterator[None]:
    """Runs an example shop until the block ends."""
    environment = {**os.environ, "JWT_SECRET": SECRET, "TALKWIRE": talkwire, "PORT": str(port)}
    if example is DJANGO:
        command = [sys.executable, str(DJANGO), "runserver", "--noreload", str(port)]
    else:
        if not (LIBRARIES / "express").is_dir():
            pytest.fail("the clients' packages are not installed: run make install")
        shutil.copy(example, folder)
        (folder / "node_modules").symlink_to(LIBRARIES)
        command = ["node", str(folder / example.name)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with killed_at_the_end(process, port):
        yield


@pytest.mark.parametrize("example", [DJANGO, EXPRESS], ids=["django", "express"])
def test_a_customer_writes_on_the_page_of_an_order(driver: Driver, tmp_path: Path, example: Path) -> None:
    port = reserved_port()
    origin = f"http://localhost:{port}"
    with (
        serving_an_application(tmp_path / "data", "--embed-origins", origin) as talkwire,
        _shop(example, tmp_path, port, talkwire),
    ):
        reports = run(driver, talkwire, "embedding", "example", secret=SECRET, shop=origin)
    assert reports["example"]["stored"] == ["alice: Is it on its way?"]


@pytest.mark.parametrize(("page", "example"), [("django.md", DJANGO), ("express.md", EXPRESS)])
def test_the_page_shows_the_example_as_it_is(page: str, example: Path) -> None:
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    language = "python" if example is DJANGO else "js"
    assert f"```{language}\n{example.read_text(encoding='utf-8')}```" in text
