"""docs/tutorials/fastapi-react.md: a customer writes on an order's page, a React page that a FastAPI shop serves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chat.chat_server import SECRET, running_chat
from tests.page.driving import Driver, run
from tests.protocol.server_process import killed_at_the_end, reserved_port
from tests.reference.blocks.collected import REPOSITORY, blocks_of
from tests.vite import build_page
from tests.waiting import DEADLINE_S

EXAMPLE = REPOSITORY / "examples" / "fastapi-react"
MODULES = REPOSITORY / "clients" / "javascript" / "node_modules"
IGNORED = {"node_modules", "dist", "__pycache__", "package.json", "package-lock.json", "tsconfig.json"}
"""What the reader's commands make, and what only an editor reads."""
PAGE = REPOSITORY / "docs" / "tutorials" / "fastapi-react.md"


@contextmanager
def serving_the_shop(folder: Path, port: int, talkwire: str) -> Iterator[None]:
    """Builds the page and runs the shop, as the tutorial does, until the block ends."""
    shutil.copytree(EXAMPLE, folder / "shop", ignore=shutil.ignore_patterns("node_modules", "dist"))
    page = folder / "shop" / "page"
    (page / "node_modules").symlink_to(MODULES)
    compiler = ["node", str(MODULES / "typescript" / "bin" / "tsc"), "--noEmit", "--skipLibCheck", "--types", "react"]
    done = subprocess.run(
        [*compiler, "-p", "."], cwd=page, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    build_page(page)
    environment = {**os.environ, "JWT_SECRET": SECRET, "TALKWIRE": talkwire, "NO_PROXY": "*"}
    serve = [sys.executable, "-m", "uvicorn", "shop:app", "--port", str(port), "--log-level", "warning"]
    with killed_at_the_end(subprocess.Popen(serve, cwd=folder / "shop", env=environment), port):
        yield


@pytest.mark.whole_browser
def test_a_customer_asks_and_gets_the_answer_of_the_desk_as_a_push(driver: Driver, tmp_path: Path) -> None:
    port = reserved_port()
    shop = f"http://localhost:{port}"
    settings = {
        "TALKWIRE_PRESENCE_GRACE_S": "0.1",
        "TALKWIRE_ORIGINS": shop,
        "TALKWIRE_ACCOUNTS": "off",
        "TALKWIRE_PUSH_ALLOW": "127.0.0.0/8",
    }
    with running_chat(tmp_path, settings) as server:
        with serving_the_shop(tmp_path, port, server.url):
            token = server.token("shop", role="service")
            text = "Is it on its way?"
            reports = run(driver, shop, "fastapi_shop", "journey", talkwire=server.url, token=token, text=text)
        assert server.logged_errors() == []
    assert reports["waited"] == {"hired": ["sam", "kim"], "seen": [["Order 17", "Order 18"]] * 2}
    assert reports["pushed"] == {"title": "Sam", "body": "Tomorrow.", "opened": "/", "left": 0}
    assert reports["renewed"] == {"count": 1, "isThis": True, "isRenewed": True}
    seen = [f"Alice: {text}", "Sam: Tomorrow.", "The shop: Your order is on its way."]
    assert reports["talked"] == {"seen": seen, "status": "shipped"}
    assert reports["closed"] == {"mine": ["Order 18"]}


def test_the_page_shows_the_files_of_the_example() -> None:
    shown = {block.text for block in blocks_of(PAGE)}
    files = [each for each in EXAMPLE.rglob("*") if each.is_file() and not IGNORED.intersection(each.parts)]
    assert len(files) > 8
    assert [str(each) for each in files if each.read_text(encoding="utf-8") not in shown] == []
