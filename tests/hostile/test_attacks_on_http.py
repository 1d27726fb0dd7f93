"""Requests that are too long, incomplete, or meant for another server; and headers that every response has for
browsers.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from rigs.hostile.client import Rest
from rigs.hostile.connections import send_and_close, upgrade_head
from rigs.hostile.scene import Scene
from rigs.hostile.target import Target
from tests.http_client import http_get
from tests.waiting import DEADLINE_S

TOO_LONG = 70_000
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def response_to(target: Target, data: bytes, *, half_close: bool = False) -> str:
    response = asyncio.run(send_and_close(target.address, data, half_close=half_close, wait_s=DEADLINE_S))
    return response.decode("latin-1")


@pytest.mark.parametrize(
    "data",
    [
        # For an unfinished field, what the parser buffers is known to within a piece of 16 KiB.
        pytest.param(HEAD + b"X: " + b"y" * 2 * TOO_LONG, id="one-without-end"),
        pytest.param(HEAD + b"X: " + b"y" * TOO_LONG + b"\r\n\r\n", id="one"),
        pytest.param(HEAD + b"a: b\r\n" * (TOO_LONG // 6) + b"\r\n", id="many"),
    ],
)
def test_headers_of_more_than_64_kib_are_refused(target: Target, data: bytes) -> None:
    assert response_to(target, data).startswith("HTTP/1.1 431 ")


@pytest.mark.parametrize("end", [b"", b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"], ids=["without-end", "whole"])
def test_an_address_of_more_than_64_kib_is_refused(target: Target, end: bytes) -> None:
    assert response_to(target, b"GET /" + b"a" * TOO_LONG + end).startswith("HTTP/1.1 414 ")


def test_a_request_whose_body_breaks_off_is_no_error_in_the_log(target: Target) -> None:
    before = len(target.server.logged_errors())
    data = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
    for _ in range(5):
        response_to(target, data, half_close=True)
    assert response_to(target, HEAD + b"\r\n").startswith("HTTP/1.1 200 ")
    assert target.server.logged_errors()[before:] == []


def test_requests_with_something_broken_behind_them_are_no_error_in_the_log(target: Target, scene: Scene) -> None:
    """The connection ends while the requests before the malformed one are being served."""
    before = len(target.server.logged_errors())
    token = scene.tokens["member"]
    head = f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    request = f"GET /api/v1/search?q=word {head}GET /api/v1/messages/none {head}"
    for broken in (b"BROKEN\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"\x00"):
        for _ in range(3):
            response_to(target, request.encode() * 3 + broken)
    assert response_to(target, HEAD + b"\r\n").startswith("HTTP/1.1 200 ")
    assert target.server.logged_errors()[before:] == []


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/api/v1/conversations", "/api/v1/sync", "/api/v1/none"])
def test_answers_of_the_api_are_neither_sniffed_nor_stored(rest: Rest, scene: Scene, path: str) -> None:
    answer = rest.http.get(path, headers={"authorization": f"Bearer {scene.tokens['member']}"})
    assert answer.headers.get("x-content-type-options") == "nosniff"
    assert "no-store" in answer.headers.get("cache-control", "")


def test_the_documentation_page_has_a_content_security_policy(rest: Rest) -> None:
    answer = rest.http.get("/docs", follow_redirects=True)
    policy = answer.headers.get("content-security-policy", "")
    assert "default-src" in policy
    assert "frame-ancestors" in policy
    assert answer.headers.get("x-content-type-options") == "nosniff"
    assert "referrer-policy" in answer.headers


# --- handshakes -----------------------------------------------------------------------------------------------------


def test_a_subprotocol_that_is_asked_for_is_answered(target: Target) -> None:
    response = response_to(target, upgrade_head("127.0.0.1", headers="Sec-WebSocket-Protocol: first, second\r\n"))
    assert response.startswith("HTTP/1.1 101 ")
    assert "sec-websocket-protocol: first\r\n" in response.lower()


def test_another_version_of_websockets_is_named_the_one_that_is_spoken(target: Target) -> None:
    head = upgrade_head("127.0.0.1").replace(b"Version: 13", b"Version: 8")
    response = response_to(target, head)
    assert response.split(" ")[1] in {"400", "426"}
    assert "sec-websocket-version: 13\r\n" in response.lower()


def test_a_key_that_is_not_16_bytes_is_refused(target: Target) -> None:
    head = upgrade_head("127.0.0.1").replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short")
    assert response_to(target, head).startswith("HTTP/1.1 400 ")


def test_base64_with_line_breaks_is_read(rest: Rest) -> None:
    """Android's encoder breaks lines and ends with one."""
    target = "/socket.io/?EIO=4&transport=polling"
    opened = rest.http.get(target)
    session = f"{target}&sid={json.loads(opened.text[1:])['sid']}"
    body = '40\x1e451-["none",{"_placeholder":true,"num":0}]\x1ebAQID\n'
    assert rest.http.post(session, content=body).text == "ok"
    assert rest.http.get(session).status_code == 200


# --- deadlines ------------------------------------------------------------------------------------------------------

_LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
_POLL = b"POST /socket.io/?EIO=4&transport=polling&sid=SID HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n4"


async def until_closed(target: Target, data: bytes) -> None:
    """Returns when the server has closed a connection, without waiting any longer for the rest of something."""
    reader, writer = await asyncio.open_connection(*target.address)
    writer.write(data)
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.mark.timeout(200)
def test_the_rest_of_a_request_must_arrive_in_time(target: Target) -> None:
    opened = http_get(f"{target.server.url}/socket.io/?EIO=4&transport=polling")
    poll = _POLL.replace(b"SID", json.loads(opened.text[1:])["sid"].encode())
    waits = {
        "nothing": b"",
        "half a head": HEAD,
        "half a body": _LOGIN,
        "half a body of a poll": poll,
        "half an upgrade": upgrade_head("127.0.0.1")[:-2],
        "nothing after an answer": HEAD + b"\r\n",
    }

    async def all_closed() -> dict[str, bool]:
        tasks = {name: asyncio.create_task(until_closed(target, data)) for name, data in waits.items()}
        await asyncio.wait(tasks.values(), timeout=90)
        for task in tasks.values():
            task.cancel()
        return {name: task.done() and not task.cancelled() for name, task in tasks.items()}

    open_still = [name for name, closed in asyncio.run(all_closed()).items() if not closed]
    assert open_still == []
