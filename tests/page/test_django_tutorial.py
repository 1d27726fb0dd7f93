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

import pytest

from tests.chat.chat_server import SECRET, ServerProcess, running_chat
from tests.http_client import HttpClient, http_post
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
    passwords = [_manage(shop, talkwire, *arguments) for arguments in COMMANDS]
    serve = [sys.executable, "manage.py", "runserver", "--noreload", str(port)]
    process = subprocess.Popen(
        serve, cwd=shop, env=_environment(talkwire), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with killed_at_the_end(process, port):
        yield passwords[-1]


def _environment(talkwire: str) -> dict[str, str]:
    ours = {"DJANGO_SECRET_KEY": "a key", "JWT_SECRET": SECRET, "TALKWIRE": talkwire, "NO_PROXY": "*"}
    return {**os.environ, **ours}


def _manage(shop: Path, talkwire: str, *arguments: str) -> str:
    """Runs a command of the shop, and returns the password that it prints; empty if it prints none."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=shop,
        env=_environment(talkwire),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    password = re.search(r"The password is: (\S+)", done.stdout)
    return "" if password is None else password[1]


@contextmanager
def _signed_in(shop: str, name: str, password: str) -> Iterator[HttpClient]:
    with HttpClient(base_url=shop, follow_redirects=True) as browser:
        _post(browser, "/login/?next=/desk/", username=name, password=password)
        yield browser


def _post(browser: HttpClient, path: str, **form: str) -> str:
    browser.get("/login/")
    answer = browser.post(path, data={"csrfmiddlewaretoken": browser.cookies["csrftoken"], **form})
    assert answer.is_success, answer.text
    return answer.text


def test_those_who_answer_have_a_desk_and_a_colleague_joins_by_one_call(tmp_path: Path) -> None:
    port = reserved_port()
    shop = f"http://localhost:{port}"
    with running_chat(tmp_path, {"TALKWIRE_ACCOUNTS": "off"}) as server:
        with serving_the_shop(tmp_path, port, server.url) as password:
            with _signed_in(shop, "alice", password) as alice:
                assert alice.get("/orders/17/").is_success
                assert "Who waits" not in alice.get("/desk/").text
            asked = {"conversationId": "order-17", "content": "Where is it?", "senderId": "1"}
            service = {"authorization": f"Bearer {ServerProcess.token('shop', role='service')}"}
            http_post(f"{server.url}/api/v1/messages", json=asked, headers=service).raise_for_status()
            hired = _manage(tmp_path / "shop", server.url, "hire", "kim")
            with _signed_in(shop, "support", password) as sam, _signed_in(shop, "kim", hired) as kim:
                assert "waits since" in sam.get("/desk/").text
                assert "(kim answers)" in _post(kim, "/orders/17/claim")
                assert "(kim answers)" in _post(sam, "/orders/17/claim")
        assert server.logged_errors() == []


def test_a_customer_asks_on_the_page_of_an_order_and_is_answered(driver: Driver, tmp_path: Path) -> None:
    port = reserved_port()
    shop = f"http://localhost:{port}"
    with running_chat(tmp_path, {"TALKWIRE_EMBED_ORIGINS": shop, "TALKWIRE_ACCOUNTS": "off"}) as server:
        with serving_the_shop(tmp_path, port, server.url) as password:
            reports = run(driver, server.url, "embedding_examples", "signedInExample", shop=shop, password=password)
        assert server.logged_errors() == []
    assert reports["example"] == {"answered": True}


@pytest.mark.whole_browser
def test_a_customer_who_has_left_is_pushed_the_answer(driver: Driver, tmp_path: Path) -> None:
    port = reserved_port()
    shop = f"http://localhost:{port}"
    settings = {
        "TALKWIRE_EMBED_ORIGINS": shop,
        "TALKWIRE_ORIGINS": shop,
        "TALKWIRE_PUSH_ALLOW": "127.0.0.0/8",
        "TALKWIRE_PRESENCE_GRACE_S": "0.1",
        "TALKWIRE_ACCOUNTS": "off",
    }
    with running_chat(tmp_path, settings) as server:
        with serving_the_shop(tmp_path, port, server.url) as password:
            people = {"signInAt": "/login/?next=/orders/17/", "password": password, "customer": "1", "staff": "2"}
            reports = run(
                driver, server.url, "embedding_examples", "pushedAnswer", secret=SECRET, shop=shop, people=people
            )
        assert server.logged_errors() == []
    assert reports["pushed"] == {"title": "2", "body": "It leaves tomorrow.", "address": "/orders/17/", "left": 0}
    assert reports["stopped"] == {"subscribed": None}


def test_the_scripts_are_those_of_the_express_shop() -> None:
    for name in ("chat.js", "sw.js"):
        express = REPOSITORY / "examples" / "express-embed" / "public" / name
        assert (EXAMPLE / "templates" / name).read_text(encoding="utf-8") == express.read_text(encoding="utf-8")


def test_the_page_shows_all_files_of_the_example() -> None:
    shown = {block.text for block in blocks_of(PAGE)}
    files = [each for each in EXAMPLE.rglob("*") if each.is_file() and "__pycache__" not in each.parts]
    assert len(files) > 8
    assert [str(each) for each in files if each.read_text(encoding="utf-8") not in shown] == []


def test_the_page_gives_the_commands_that_run_here() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"python manage.py {' '.join(command)}\n" not in text] == []
