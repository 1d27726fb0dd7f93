"""Response headers for browsers, and the host names that a development server accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.edge.raw import Raw
from tests.http_client import http_get
from tests.realtime.wires import OPEN, UPGRADE

POLL = "/socket.io/?EIO=4&transport=polling"


def get(server: ServerProcess, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return http_get(f"{server.url}{path}", headers=headers)


def websocket_status(server: ServerProcess, headers: Mapping[str, str]) -> int:
    lines = [f"GET {OPEN} HTTP/1.1", *(f"{name}: {value}" for name, value in {**UPGRADE, **headers}.items()), "", ""]
    with Raw(server) as raw:
        raw.send("\r\n".join(lines).encode())
        return raw.answer()[0]


@pytest.mark.parametrize("path", ["/api/v1/conversations", "/nowhere", "/healthz", "/openapi.json", "/metrics"])
def test_answers_are_not_stored_and_are_what_they_say(server: ServerProcess, path: str) -> None:
    token = {"Authorization": f"Bearer {server.token('reader')}"}
    for headers in (token, {**token, "Origin": server.url}):
        answer = get(server, path, headers)
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert answer.headers.get_list("referrer-policy") == ["no-referrer"]


def test_existing_headers_are_not_replaced(server: ServerProcess) -> None:
    page = get(server, "/")
    assert page.headers.get_list("cache-control") == ["no-cache"]
    assert page.headers.get_list("x-content-type-options") == ["nosniff"]
    assert get(server, "/docs/assets/swagger-ui.css").headers["cache-control"] == "max-age=3600"


def test_pages_of_every_origin_load_the_web_component(server: ServerProcess) -> None:
    before = len(server.logged())
    for origin in ("https://shop.example.com", server.url):
        script = get(server, "/embed.js", headers={"origin": origin})
        assert script.headers.get_list("access-control-allow-origin") == ["*"]
        assert script.headers["content-type"].startswith("text/javascript")
    assert not any(line["event"] == "connection_refused" for line in server.logged()[before:])


def test_the_reference_runs_only_its_own_scripts(server: ServerProcess) -> None:
    page = get(server, "/docs")
    policy = page.headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.partition("style-src")[0]
    assert policy.count("'sha256-") == page.text.count("<script") - page.text.count("<script src") == 1
    assert "frame-ancestors 'none'" in policy


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that trusts a proxy of this machine."""
    with running_chat(tmp_path_factory.mktemp("proxied"), {"TALKWIRE_TRUSTED_PROXIES": "127.0.0.1"}) as server:
        yield server


@pytest.mark.parametrize(("scheme", "status"), [("http", 403), ("https", 200)])
def test_a_page_that_came_unencrypted_is_not_of_an_encrypted_site(
    proxied: ServerProcess, scheme: str, status: int
) -> None:
    headers = {"Host": "chat.example", "Origin": f"{scheme}://chat.example", "X-Forwarded-Proto": "https"}
    assert get(proxied, POLL, headers).status_code == status
    assert websocket_status(proxied, headers) == (101 if status == 200 else 403)
    allowed = "access-control-allow-origin" in get(proxied, "/healthz", headers).headers
    assert allowed is (status == 200)


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("development"), {"TALKWIRE_INSECURE_DEV_AUTH": "on"}) as server:
        yield server


@pytest.mark.parametrize(
    ("host", "served"), [("localhost:3000", True), ("[::1]", True), ("rebound.example:3000", False)]
)
def test_a_development_server_is_reached_by_names_of_this_machine(
    development: ServerProcess, host: str, *, served: bool
) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    rest = get(development, "/api/v1/conversations?userId=alice", headers)
    assert rest.status_code == (200 if served else 421)
    assert served or "Development sign-in" in rest.json()["error"]["message"]
    poll = get(development, POLL, headers)
    assert poll.status_code == (200 if served else 403)
    assert served or "Development sign-in" in poll.json()["message"]
    assert websocket_status(development, headers) == (101 if served else 403)


def test_other_servers_are_reached_by_any_name(server: ServerProcess) -> None:
    assert get(server, "/healthz", {"Host": "chat.example"}).status_code == 200
