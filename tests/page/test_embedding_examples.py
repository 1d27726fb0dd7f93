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
from tests.page.servers import SECRET, serving_an_application
from tests.protocol.server_process import REPOSITORY, killed_at_the_end, reserved_port
from tests.reference.blocks.collected import blocks_of

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
        shutil.copytree(example.parent, folder / "shop")
        (folder / "shop" / "node_modules").symlink_to(LIBRARIES)
        command = ["node", str(folder / "shop" / example.name)]
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
        reports = run(driver, talkwire, "embedding_examples", "example", secret=SECRET, shop=origin)
    assert reports["example"]["stored"] == ["alice: Is it on its way?"]


@pytest.mark.whole_browser
def test_a_customer_who_has_left_is_pushed_the_answer(driver: Driver, tmp_path: Path) -> None:
    port = reserved_port()
    origin = f"http://localhost:{port}"
    settings = ("--embed-origins", origin, "--origins", origin, "--push-allow", "127.0.0.0/8")
    people = {"signInAt": "/sign-in?name=alice", "customer": "alice", "staff": "sam"}
    with (
        serving_an_application(tmp_path / "data", *settings, "--presence-grace-s", "0.1") as talkwire,
        _shop(EXPRESS, tmp_path, port, talkwire),
    ):
        reports = run(driver, talkwire, "embedding_examples", "pushedAnswer", secret=SECRET, shop=origin, people=people)
    assert reports["pushed"] == {"title": "sam", "body": "It leaves tomorrow.", "address": "/orders/17/", "left": 0}
    assert reports["stopped"] == {"subscribed": None}


@pytest.mark.parametrize("page", ["django.md", "express.md"])
def test_the_page_shows_the_example_as_it_is(page: str) -> None:
    shown = {block.text for block in blocks_of(REPOSITORY / "docs" / page)}
    files = [DJANGO] if page == "django.md" else [each for each in EXPRESS.parent.rglob("*.*js") if each.is_file()]
    assert [str(each) for each in files if each.read_text(encoding="utf-8") not in shown] == []
    assert len(files) == (1 if page == "django.md" else 3)
