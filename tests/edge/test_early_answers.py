"""Responses that start before the end of their request's body."""

from __future__ import annotations

import pytest

from tests.chat.chat_server import ServerProcess
from tests.edge.raw import Raw, closed, status_of
from tests.http_client import http_post

KIB = 1024
MIB = 1024 * KIB
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
NOWHERE = b"POST /nowhere HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /api/v1/conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 500000000\r\n\r\n", 413),
        (NOWHERE + b"Content-Length: 2000000\r\n\r\n", 404),
        (NOWHERE + b"Transfer-Encoding: chunked\r\n\r\n7a120\r\n", 404),
        (NOWHERE + b"Content-Length: 2000000\r\nConnection: close\r\n\r\n", 404),
    ],
    ids=["over the route's limit", "a long body", "a chunked body", "the client announced the end"],
)
def test_an_answer_before_the_end_of_a_long_body_announces_the_end_of_the_connection(
    server: ServerProcess, head: bytes, status: int
) -> None:
    before = closed(server, "body_unwanted")
    with Raw(server) as raw:
        raw.send(head)
        raw.wait_for_data()
        for _ in range(8):
            raw.send(b"x" * 32 * KIB)
        answer = raw.rest()
        assert status_of(answer) == status
        assert b"\r\nconnection: close\r\n" in answer
        assert answer.endswith(b"}"), "the whole answer is read"
        raw.send(b"x" * 32 * KIB)
    assert closed(server, "body_unwanted") == before + 1


def test_a_short_body_can_be_sent_after_the_last_answer_of_a_connection(server: ServerProcess) -> None:
    """Closing a connection while bytes are on their way resets it, and the response may be lost."""
    with Raw(server) as raw:
        raw.send(NOWHERE + b"Content-Length: 100000\r\nConnection: close\r\n\r\n")
        raw.wait_for_data()
        for _ in range(100):
            raw.send(b"x" * 1000)
        assert status_of(raw.rest()) == 404


def test_after_an_early_answer_the_rest_of_a_small_body_is_skipped(server: ServerProcess) -> None:
    with Raw(server) as raw:
        for declared in (100_000, MIB):
            raw.send(NOWHERE + b"Content-Length: %d\r\n\r\n" % declared)
            assert raw.answer()[0] == 404
            raw.send(b"x" * declared + GET)
            assert raw.answer() == (200, b'{"status":"ok"}')


def test_an_answer_to_a_whole_long_body_keeps_the_connection(server: ServerProcess) -> None:
    headers = {"Authorization": f"Bearer {server.token('long')}", "Tus-Resumable": "1.0.0"}
    length = {"Upload-Length": str(4 * MIB)}
    created = http_post(f"{server.url}/api/v1/files", headers={**headers, **length})
    assert created.status_code == 201
    fields = {**headers, "Host": "x", "Content-Type": "application/offset+octet-stream"}
    lines = [f"PATCH {created.headers['location']} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    start = "\r\n".join([*lines, ""]).encode()
    half = b"x" * 2 * MIB
    with Raw(server) as raw:
        raw.send(start + b"Upload-Offset: 0\r\nContent-Length: %d\r\n\r\n" % len(half) + half)
        assert raw.answer()[0] == 204
        raw.send(start + b"Upload-Offset: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(half))
        raw.send(b"%x\r\n" % len(half) + half + b"\r\n0\r\n\r\n")
        assert raw.answer()[0] == 204
        raw.send(GET)
        assert raw.answer()[0] == 200
