"""docs/tutorials/fastapi-react.md: a customer writes on an order's page, a React page that a FastAPI shop serves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chat.chat_server import SECRET, running_chat
from tests.page.driving import Driver, run
from tests.protocol.server_process import killed_at_the_end, reserved_port
from tests.reference.blocks.collected import REPOSITORY, blocks_of
from tests.vite import build_page
from tests.waiting import DEADLINE_S

EXAMPLE = REPOSITORY / "examples" / "fastapi-react"
MODULES = REPOSITORY / "clients" / "javascript" / "node_modules"
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


def test_a_customer_asks_and_sees_that_the_order_was_shipped(driver: Driver, tmp_path: Path) -> None:
    port = reserved_port()
    shop = f"http://localhost:{port}"
    with running_chat(tmp_path, {"TALKWIRE_ORIGINS": shop, "TALKWIRE_ACCOUNTS": "off"}) as server:
        with serving_the_shop(tmp_path, port, server.url):
            reports = run(driver, shop, "examples", "shop", shop=shop, text="Is it on its way?")
        assert server.logged_errors() == []
    seen = ["Alice: Is it on its way?", "support: Your order is on its way."]
    assert reports["talked"] == {"seen": seen, "status": "shipped"}


def test_the_page_shows_the_files_of_the_example() -> None:
    shown = {block.text for block in blocks_of(PAGE)}
    for name in ("shop.py", "page/index.html", "page/main.tsx"):
        assert (EXAMPLE / name).read_text(encoding="utf-8") in shown, name
