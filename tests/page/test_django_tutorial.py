"""docs/tutorials/django-shop.md: the shop, which test_embedding_examples.mjs tries in a browser, without one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import HttpClient, http_post
from tests.page.example_servers import DJANGO_COMMANDS, manage, serving_django_shop
from tests.protocol.server_process import reserved_port
from tests.reference.blocks.collected import REPOSITORY, blocks_of

EXAMPLE = REPOSITORY / "examples" / "django_shop"
PAGE = REPOSITORY / "docs" / "tutorials" / "django-shop.md"


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
        with serving_django_shop(tmp_path, port, server.url) as password:
            with _signed_in(shop, "alice", password) as alice:
                assert alice.get("/orders/17/").is_success
                assert "Who waits" not in alice.get("/desk/").text
            asked = {"conversationId": "order-17", "content": "Where is it?", "senderId": "1"}
            service = {"authorization": f"Bearer {ServerProcess.token('shop', role='service')}"}
            http_post(f"{server.url}/api/v1/messages", json=asked, headers=service).raise_for_status()
            hired = manage(tmp_path / "shop", server.url, "hire", "kim")
            with _signed_in(shop, "support", password) as sam, _signed_in(shop, "kim", hired) as kim:
                assert "waits since" in sam.get("/desk/").text
                assert "(kim answers)" in _post(kim, "/orders/17/claim")
                assert "(kim answers)" in _post(sam, "/orders/17/claim")
        assert server.logged_errors() == []


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
    assert [command for command in DJANGO_COMMANDS if f"python manage.py {' '.join(command)}\n" not in text] == []
