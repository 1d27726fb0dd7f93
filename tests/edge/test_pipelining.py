"""Requests that arrive before earlier ones are answered."""

from __future__ import annotations

import contextlib
import random
import socket

import pytest

from tests.chat.chat_server import ServerProcess
from tests.edge.raw import Raw, metric, resident_bytes
from tests.realtime.frames import masked_text
from tests.realtime.wires import OPEN, UPGRADE
from tests.waiting import wait_until

MIB = 1024 * 1024
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

_LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
"""What a client sends that would rather speak HTTP/2, such as `curl --http2` or Java's HttpClient."""

MESSAGES: list[tuple[bytes, int]] = [
    (GET, 200),
    (b"\r\n" + GET, 200),
    (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404),
    (_LOGIN + b"Content-Length: 10\r\n\r\n{}\r\n\r\n\r\n\r\n", 422),
    (_LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n8\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", 422),
    (_LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nA: b\r\n\r\n", 422),
    (_LOGIN + b"Content-Length: 3000\r\n\r\n" + b" " * 3000, 422),
    (_LOGIN + _H2C + b"Content-Length: 10\r\n\r\n{}\r\n\r\n\r\n\r\n", 422),
    (_LOGIN + _H2C + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 422),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + _H2C + b"\r\n", 200),
]


@pytest.mark.parametrize("seed", range(12))
def test_messages_in_any_pieces_are_answered_in_their_order(server: ServerProcess, seed: int) -> None:
    chance = random.Random(seed)
    messages = chance.choices(MESSAGES, k=40)
    data = b"".join(message for message, _ in messages)
    with Raw(server) as raw:
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data:
            size = chance.choice((1, 2, 3, 5, 40, 1000, 20_000))
            raw.send(data[:size])
            data = data[size:]
        assert [raw.answer()[0] for _ in messages] == [status for _, status in messages]


@pytest.mark.parametrize("offer", [_H2C, b"Connection: upgrade\r\nUpgrade: websocket, h2c\r\n" * 2])
def test_a_request_that_offers_another_protocol_is_served_with_its_body(server: ServerProcess, offer: bytes) -> None:
    token = server.token("offers").encode()
    body = b'{"kind": "group", "name": "offered", "memberIds": []}'
    head = b"POST /api/v1/conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    with Raw(server) as raw:
        for _ in range(2):
            raw.send(head + offer + b"\r\n" + body)
            status, answer = raw.answer()
            assert (status, b'"offered"' in answer) == (201, True), answer
        raw.send(GET)
        assert raw.answer()[0] == 200


@pytest.mark.parametrize("method", [b"CONNECT", b"OPTIONS"])
def test_no_other_protocol_is_spoken(server: ServerProcess, method: bytes) -> None:
    with Raw(server) as raw:
        raw.send(method + b" x:80 HTTP/1.1\r\nHost: x\r\n" + _H2C + b"\r\n")
        assert raw.answer()[0] in {400, 404, 405}


def test_a_flood_of_requests_waits_outside(server: ServerProcess) -> None:
    """The kernel stops a client that sends without reading, and what it has sent uses no memory of the server."""
    before = resident_bytes(server)
    with Raw(server, receive_buffer=4096) as raw:
        raw.socket.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            for _ in range(24):
                raw.send(GET * (MIB // len(GET)))
        assert resident_bytes(server) < before + 16 * MIB


def test_a_client_that_goes_away_behind_two_pipelined_polls_is_no_error(server: ServerProcess) -> None:
    with Raw(server) as raw:
        raw.send(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
        sid = raw.answer()[1].split(b'"')[3]
        poll = b"GET /socket.io/?EIO=4&transport=polling&sid=" + sid + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        raw.send(poll + poll)
        post = b"POST /socket.io/?EIO=4&transport=polling&sid=" + sid + b" HTTP/1.1\r\nHost: x\r\n"
        with Raw(server) as other:
            other.send(post + b"Content-Length: 2\r\n\r\n40")
            assert other.answer() == (200, b"ok")
        assert raw.answer()[0] == 200
    wait_until(lambda: metric(server, "talkwire_http_connections") == 1)


def test_bytes_behind_the_head_of_an_upgrade_reach_the_websocket(server: ServerProcess) -> None:
    lines = [f"GET {OPEN} HTTP/1.1", *(f"{name}: {value}" for name, value in UPGRADE.items()), "", ""]
    connect = masked_text('40{"token":"' + server.token("early") + '"}')
    with Raw(server) as raw:
        raw.send(GET + "\r\n".join(lines).encode() + connect[:20])
        assert raw.answer()[0] == 200
        assert raw.answer()[0] == 101
        raw.send(connect[20:])
        received = b""
        while b'40{"sid"' not in received:
            piece = raw.socket.recv(65536)
            assert piece, received
            received += piece
