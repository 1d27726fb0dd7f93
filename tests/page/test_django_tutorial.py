"""docs/tutorials/django-shop.md: a customer and somebody of the shop sign in to Django and talk on an order's page."""

from __future__ import annotations

import os
import re
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
from tests.waiting import DEADLINE_S

EXAMPLE = REPOSITORY / "examples" / "django_shop"
PAGE = REPOSITORY / "docs" / "tutorials" / "django-shop.md"
COMMANDS = (["makemigrations", "orders"], ["migrate"], ["fill"])


@contextmanager
def serving_the_shop(folder: Path, port: int, talkwire: str) -> Iterator[str]:
    """Fills the shop and runs it, as the tutorial does. Yields the password of its users."""
    shop = folder / "shop"
    shutil.copytree(EXAMPLE, shop)
    environment = {**os.environ, "DJANGO_SECRET_KEY": "a key", "JWT_SECRET": SECRET, "TALKWIRE": talkwire}
    environment["NO_PROXY"] = "*"
    printed = ""
    for arguments in COMMANDS:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=shop, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    password = re.search(r"The password is: (\S+)", printed)
    assert password is not None
    serve = [sys.executable, "manage.py", "runserver", "--noreload", str(port)]
    process = subprocess.Popen(serve, cwd=shop, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with killed_at_the_end(process, port):
        yield password[1]


def test_a_customer_asks_on_the_page_of_an_order_and_is_answered(driver: Driver, tmp_path: Path) -> None:
    port = reserved_port()
    shop = f"http://localhost:{port}"
    with running_chat(tmp_path, {"TALKWIRE_EMBED_ORIGINS": shop, "TALKWIRE_ACCOUNTS": "off"}) as server:
        with serving_the_shop(tmp_path, port, server.url) as password:
            reports = run(driver, server.url, "embedding", "signedInExample", shop=shop, password=password)
        assert server.logged_errors() == []
    assert reports["example"] == {"answered": True}


def test_the_page_shows_all_files_of_the_example() -> None:
    shown = {block.text for block in blocks_of(PAGE)}
    files = [each for each in EXAMPLE.rglob("*") if each.is_file() and "__pycache__" not in each.parts]
    assert len(files) > 8
    assert [str(each) for each in files if each.read_text(encoding="utf-8") not in shown] == []


def test_the_page_gives_the_commands_that_run_here() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"python manage.py {' '.join(command)}\n" not in text] == []
