"""How long a client may take. That a connection ends is what counts here, not when."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.chat.chat_server import ServerProcess
from tests.edge.raw import Raw, closed, metric, status_of
from tests.http_client import http_post
from tests.waiting import block, wait_until

MIB = 1024 * 1024
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
PAGE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LONGER_S = 2.0
"""Longer than all deadlines of the server."""
SLOW_PIECES = 80


def session_of(raw: Raw) -> bytes:
    """Opens a polling session, and returns the head of requests to it, without the method."""
    raw.send(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
    sid = raw.answer()[1].split(b'"')[3]
    return b" /socket.io/?EIO=4&transport=polling&sid=" + sid + b" HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("data", [b"", b"\r\n"])
def test_a_connection_of_which_nothing_comes_is_closed(hurried: ServerProcess, data: bytes) -> None:
    before = closed(hurried, "first_byte_timeout")
    with Raw(hurried) as raw:
        raw.send(data)
        assert raw.rest() == b""
    assert closed(hurried, "first_byte_timeout") == before + 1


def test_a_connection_that_is_not_used_again_is_closed(hurried: ServerProcess) -> None:
    with Raw(hurried) as raw:
        raw.send(GET)
        assert raw.answer()[0] == 200
        raw.send(GET)
        assert raw.answer()[0] == 200
        assert raw.rest() == b""


@pytest.mark.parametrize("first", [b"", GET])
@pytest.mark.parametrize(
    "half",
    [
        b"G",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
        b"GET /socket.io/ HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Up",
    ],
)
def test_half_a_head_is_answered_with_408(hurried: ServerProcess, first: bytes, half: bytes) -> None:
    before = closed(hurried, "head_timeout")
    with Raw(hurried) as raw:
        raw.send(first + half)
        if first:
            assert raw.answer()[0] == 200
        assert status_of(raw.rest()) == 408
    assert closed(hurried, "head_timeout") == before + 1


def test_a_head_that_drips_is_ended(hurried: ServerProcess) -> None:
    with Raw(hurried) as raw:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\na: ")

        def refused() -> bool:
            raw.send(b"x")
            return not raw.is_open(0.05)

        wait_until(refused)


def test_half_a_body_is_answered_with_408(hurried: ServerProcess) -> None:
    before = closed(hurried, "body_timeout")
    with Raw(hurried) as raw:
        raw.send(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert status_of(raw.rest()) == 408
    assert closed(hurried, "body_timeout") == before + 1


def test_half_a_body_of_a_poll_ends_its_request_and_its_session(hurried: ServerProcess) -> None:
    with Raw(hurried) as raw:
        head = session_of(raw)
        raw.send(b"POST" + head + b"Content-Length: 100\r\n\r\n4")
        assert status_of(raw.rest()) == 408
    with Raw(hurried) as raw:
        raw.send(b"GET" + head + b"\r\n")
        assert raw.answer()[0] == 400


def test_a_body_that_drips_is_ended(hurried: ServerProcess) -> None:
    with Raw(hurried) as raw:
        raw.send(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")

        def refused() -> bool:
            raw.send(b" ")
            return not raw.is_open(0.05)

        wait_until(refused)


def test_a_body_may_take_longer_while_it_comes_quickly_enough(hurried: ServerProcess) -> None:
    with Raw(hurried) as raw:
        raw.send(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 40960\r\n\r\n")
        for _ in range(10):
            raw.send(b" " * 4096)
            block(LONGER_S / 10)
        assert raw.answer()[0] in {400, 422}


def test_a_poll_may_wait_for_longer_than_any_deadline(hurried: ServerProcess) -> None:
    with Raw(hurried) as raw:
        head = session_of(raw)
        raw.send(b"GET" + head + b"\r\n")
        assert raw.is_open(LONGER_S)
        with Raw(hurried) as other:
            other.send(b"POST" + head + b"Content-Length: 2\r\n\r\n40")
            assert other.answer() == (200, b"ok")
        assert raw.answer()[0] == 200


def test_an_upload_may_be_slow(hurried: ServerProcess) -> None:
    """It has a limit of its own: how long it may pause."""
    headers = {"Authorization": f"Bearer {hurried.token('slow')}", "Tus-Resumable": "1.0.0"}
    created = http_post(f"{hurried.url}/api/v1/files", headers={**headers, "Upload-Length": "10"})
    assert created.status_code == 201
    lines = [
        f"PATCH {created.headers['location']} HTTP/1.1",
        "Host: x",
        *(f"{name}: {value}" for name, value in headers.items()),
        "Content-Type: application/offset+octet-stream",
        "Upload-Offset: 0",
        "Content-Length: 10",
    ]
    with Raw(hurried) as raw:
        raw.send("\r\n".join([*lines, "", ""]).encode())
        for _ in range(10):
            block(LONGER_S / 10)
            raw.send(b"x")
        assert raw.answer()[0] == 204


@pytest.fixture(scope="module")
def download(hurried: ServerProcess) -> bytes:
    """The request for a file that does not fit into the buffers of a connection."""
    headers = {"Authorization": f"Bearer {hurried.token('reader')}"}
    content = {"file": ("noise.bin", b"x" * 24 * MIB)}
    sent = http_post(f"{hurried.url}/api/v1/files", headers=headers, files=content)
    assert sent.status_code == 201, sent.text
    token = hurried.token("reader")
    return f"GET {sent.json()['url']}?token={token} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def test_a_client_that_does_not_read_is_cut_off(hurried: ServerProcess, download: bytes) -> None:
    before = closed(hurried, "read_timeout")
    with Raw(hurried, receive_buffer=4096) as raw:
        raw.send(download)
        wait_until(lambda: closed(hurried, "read_timeout") == before + 1)


def test_a_client_that_reads_slowly_gets_everything(hurried: ServerProcess, download: bytes) -> None:
    with Raw(hurried, receive_buffer=65536) as raw:
        raw.send(download)
        received = pieces = 0
        while received < 24 * MIB:
            piece = raw.socket.recv(MIB)
            assert piece, received
            received += len(piece)
            pieces += 1
            if pieces <= SLOW_PIECES:
                block(2 * LONGER_S / SLOW_PIECES)
        assert pieces > SLOW_PIECES


def test_a_client_that_does_not_read_short_answers_is_cut_off(hurried: ServerProcess) -> None:
    before = closed(hurried, "read_timeout")
    with Raw(hurried, receive_buffer=4096) as raw:
        raw.socket.setblocking(False)
        unsent = b""

        def cut_off() -> bool:
            nonlocal unsent
            unsent = unsent or PAGE * 1000
            with suppress(OSError):  # the server does not read at the moment, or has closed
                unsent = unsent[raw.socket.send(unsent) :]
            return closed(hurried, "read_timeout") > before

        wait_until(cut_off)
    wait_until(lambda: metric(hurried, "talkwire_http_connections") == 1)
