"""The example shops: a customer who is not connected is notified of the support's answer, which names nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chat.chat_server import SECRET, ServerProcess, running_chat
from tests.http_client import HttpClient, http_get, http_post
from tests.protocol.server_process import REPOSITORY, killed_at_the_end, reserved_port
from tests.reference.blocks.collected import blocks_of
from tests.waiting import DEADLINE_S, wait_until

EXAMPLES = REPOSITORY / "examples"
LIBRARIES = Path(__file__).parent / "node_modules"
ORDER = "order-17"
DJANGO_SHOP = """
from orders.chat import conversation_of
from orders.models import Order
from django.contrib.auth.models import User
order = Order.objects.get()
print(order.buyer.pk, User.objects.get(username="support").pk, conversation_of(order))
"""
NESTJS_SHOP = """
import { createConversation, putTeam } from "./talkwire.js";
await putTeam();
const { id } = await createConversation("17", "alice");
console.log("alice", "support", id);
"""

People = tuple[str, str]
"""The ids of the customer and of the support."""

Shop = Callable[[Path, str], People]
"""(a folder of one's own, Talkwire's URL) -> the people of the conversation of order 17, which the shop has created."""


@contextmanager
def _serving(command: list[str], folder: Path, talkwire: str, port: int) -> Iterator[str]:
    process = subprocess.Popen(
        command, cwd=folder, env=_environment(talkwire, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with killed_at_the_end(process, port) as url:
        yield url


def _environment(talkwire: str, port: int = 0) -> dict[str, str]:
    ours = {
        "JWT_SECRET": SECRET,
        "DJANGO_SECRET_KEY": "a key",
        "TALKWIRE": talkwire,
        "PORT": str(port),
        "NO_PROXY": "*",
    }
    return {**os.environ, **ours}


def _printed(command: list[str], folder: Path, talkwire: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(talkwire),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _people(printed: str) -> People:
    customer, support, conversation_id = printed.splitlines()[-1].split()
    assert conversation_id == ORDER
    return customer, support


def _fastapi(folder: Path, talkwire: str) -> People:
    shutil.copy(EXAMPLES / "fastapi-react" / "shop.py", folder)
    (folder / "page" / "dist").mkdir(parents=True)
    port = reserved_port()
    with _serving([sys.executable, "-m", "uvicorn", "shop:app", "--port", str(port)], folder, talkwire, port):
        return "alice", "sam"  # it creates the conversation at its start, with the team of its staff


def _of_a_page(command: list[str], folder: Path, talkwire: str, port: int) -> People:
    with _serving(command, folder, talkwire, port) as url, HttpClient(follow_redirects=True) as browser:
        assert browser.get(f"{url}/sign-in", params={"name": "alice"}).is_success
    return "alice", "support"


def _django(folder: Path, talkwire: str) -> People:
    port = reserved_port()
    script = str(EXAMPLES / "django" / "shop.py")
    return _of_a_page([sys.executable, script, "runserver", "--noreload", str(port)], folder, talkwire, port)


def _express(folder: Path, talkwire: str) -> People:
    shop = folder / "shop"
    if not shop.exists():
        shutil.copytree(EXAMPLES / "express-embed", shop)
        (shop / "node_modules").symlink_to(LIBRARIES)
    customer, _ = _of_a_page(["node", "shop.mjs"], shop, talkwire, reserved_port())
    return customer, "sam"


def _django_shop(folder: Path, talkwire: str) -> People:
    shop = folder / "shop"
    shutil.copytree(EXAMPLES / "django_shop", shop)
    for arguments in (["makemigrations", "orders"], ["migrate"], ["fill"]):
        _printed([sys.executable, "manage.py", *arguments], shop, talkwire)
    return _people(_printed([sys.executable, "manage.py", "shell", "-c", DJANGO_SHOP], shop, talkwire))


def _nestjs(folder: Path, talkwire: str) -> People:
    shutil.copytree(EXAMPLES / "nestjs", folder / "shop", ignore=shutil.ignore_patterns("node_modules", "build"))
    (folder / "shop" / "node_modules").symlink_to(LIBRARIES)
    compiler = REPOSITORY / "tests" / "reference" / "node_modules" / "typescript" / "bin" / "tsc"
    _printed(["node", str(compiler)], folder / "shop", talkwire)
    return _people(
        _printed(["node", "--input-type=module", "-e", NESTJS_SHOP], folder / "shop" / "build" / "after", talkwire)
    )


@pytest.mark.parametrize("shop", [_fastapi, _django, _express, _django_shop, _nestjs])
def test_a_customer_who_is_away_is_notified_of_the_answer(tmp_path: Path, shop: Shop) -> None:
    with running_chat(tmp_path, {"TALKWIRE_ACCOUNTS": "off"}) as server:
        customer, support = shop(tmp_path, server.url)
        answer = {"conversationId": ORDER, "content": "It should be there soon."}
        sent = http_post(f"{server.url}/api/v1/messages", json=answer, headers=_signed_in(support))
        assert sent.is_success, sent.text

        def stored() -> list[tuple[str, str]]:
            listed = http_get(f"{server.url}/api/v1/notifications", headers=_signed_in(customer)).json()
            return [(each["type"], each["body"]) for each in listed["items"]]

        assert wait_until(stored) == [("message", "It should be there soon.")]


def test_a_colleague_is_hired_as_the_page_of_express_says(tmp_path: Path) -> None:
    texts = [block.text for block in blocks_of(REPOSITORY / "docs" / "express.md")]
    (hire,) = [each for each in texts if each.startswith("curl")]
    with running_chat(tmp_path, {"TALKWIRE_ACCOUNTS": "off"}) as server:
        token = server.token("shop", role="service")
        command = hire.replace("http://localhost:3000", server.url)
        _express(tmp_path, server.url)
        _printed(["sh", "-c", command.replace("$(talkwire token shop --role service)", token)], tmp_path, "")
        _express(tmp_path, server.url)
        team = http_get(f"{server.url}/api/v1/teams/support", headers={"authorization": f"Bearer {token}"})
        assert team.json()["memberIds"] == ["kim", "sam"]
        order = http_get(f"{server.url}/api/v1/conversations/{ORDER}", headers=_signed_in("kim"))
        assert order.json()["teams"] == [{"teamId": "support", "name": "Support"}]


def _signed_in(user_id: str) -> dict[str, str]:
    return {"authorization": f"Bearer {ServerProcess.token(user_id)}"}
