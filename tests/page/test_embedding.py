"""The web client for users of an application: signed in by a token in the address, or by the page around its frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page.driving import Driver, Report, run
from tests.page.servers import SECRET, serving_an_application
from tests.protocol.server_process import reserved_port

SHOP = f"http://shop.localhost:{reserved_port()}"


@pytest.fixture(scope="module")
def application_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_an_application(tmp_path_factory.mktemp("application"), "--embed-origins", SHOP) as url:
        yield url


def played(driver: Driver, url: str, scenario: str) -> Report:
    return run(driver, url, "embedding", scenario, secret=SECRET, shop=SHOP)[scenario]


def test_a_token_in_the_address_signs_in_and_is_nowhere_else(driver: Driver, tmp_path: Path) -> None:
    """Below a prefix, where the page has to find its files and Socket.IO, too."""
    with serving_an_application(tmp_path, "--prefix", "/chat") as url:
        reported = played(driver, f"{url}/chat", "address")
    assert reported == {
        "shown": "#/conversation/order-17",
        "stored": [False, True],
        "requested": 0,
        "kept": 0,
        "forms": 0,
        "answers": [401, 401],
        "asked": {"chats": 0, "hash": "#/conversation/order-18"},
    }


def test_an_expired_token_leads_back_to_the_application(driver: Driver, application_url: str) -> None:
    assert played(driver, application_url, "over") == {"forms": 0, "left": False}


def test_a_listed_page_shows_the_chat_in_a_frame(driver: Driver, application_url: str) -> None:
    framed = played(driver, application_url, "frame")
    assert framed == {
        "compact": {"lists": 0, "theme": "dark", "width": 800},
        "entries": 0,
        "light": "light",
        "mayLeave": 0,
        "stored": False,
        "states": ["online"],
    }


def test_another_page_cannot_show_it(driver: Driver, application_url: str) -> None:
    refused = played(driver, application_url, "elsewhere")
    assert refused["shown"].startswith("chrome-error:")
    assert refused["asked"] == 0


def test_a_frame_asks_for_the_next_token_before_the_first_expires(driver: Driver, application_url: str) -> None:
    assert played(driver, application_url, "renewal") == {"asked": 2, "states": ["online"]}


def test_only_the_page_around_the_frame_is_believed(driver: Driver, application_url: str) -> None:
    assert played(driver, application_url, "unanswered") == {"asked": 2}


@pytest.mark.whole_browser
def test_a_frame_works_without_storage(driver: Driver, application_url: str) -> None:
    assert played(driver, application_url, "withoutStorage") == {"isMemory": True}
