"""Limits on a request's head, and on what surrounds a body."""

from __future__ import annotations

import pytest

from tests.chat.chat_server import ServerProcess
from tests.edge.raw import Raw, closed, metric, resident_bytes, status_of
from tests.waiting import wait_until

KIB = 1024
MIB = 1024 * KIB
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("field", [b"a: " + b"x" * 60 * KIB, b"\r\n".join([b"a: " + b"x" * 1024] * 60)])
def test_a_head_within_the_limit_is_served(server: ServerProcess, field: bytes) -> None:
    with Raw(server) as raw:
        raw.send(GET + field + b"\r\n\r\n")
        assert raw.answer()[0] == 200
        raw.send(GET + field + b"\r\n\r\n")
        assert raw.answer()[0] == 200


@pytest.mark.parametrize(
    "head",
    [
        GET + b"a: " + b"x" * 100 * KIB,
        GET + b"a: " + b"x" * 66 * KIB + b"\r\n\r\n",
        GET + b"a: x\r\n" * 20_000,
        GET + b"a: x\r\n" * 600 + b"\r\n",
        GET + b"a" * 100 * KIB,
    ],
    ids=["a long value", "a whole head", "many fields", "too many fields", "a long name"],
)
def test_a_head_over_the_limit_is_refused_with_431(server: ServerProcess, head: bytes) -> None:
    before = closed(server, "head_too_large")
    with Raw(server) as raw:
        raw.send(head)
        assert status_of(raw.rest()) == 431
    assert closed(server, "head_too_large") == before + 1


def test_an_address_over_the_limit_is_refused_with_414(server: ServerProcess) -> None:
    before = closed(server, "uri_too_long")
    with Raw(server) as raw:
        raw.send(b"GET /" + b"x" * 100 * KIB)
        assert status_of(raw.rest()) == 414
    assert closed(server, "uri_too_long") == before + 1


@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (GET, b"a: b\r\n" * 1000),
        (GET + b"a: ", b"x" * 8000),
        (b"GET /", b"x" * 8000),
        (b"", b"\r\n" * 4000),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"a: b\r\n" * 1000),
        (CHUNKED + b"1\r\nx\r\n0\r\na: ", b"x" * 8000),
        (CHUNKED + b"1;a=", b"x" * 8000),
    ],
    ids=["fields", "a value", "an address", "empty lines", "trailers", "a trailer", "a chunk's extension"],
)
def test_an_endless_head_is_cut_off_without_using_memory(server: ServerProcess, start: bytes, endless: bytes) -> None:
    before = resident_bytes(server)
    with Raw(server) as raw:
        raw.send(start)
        assert raw.send_until_refused(endless, 64 * MIB) < 64 * MIB
        assert resident_bytes(server) < before + 16 * MIB


def test_short_trailers_are_taken_and_are_no_headers(server: ServerProcess) -> None:
    with Raw(server) as raw:
        raw.send(CHUNKED + b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n")
        status, body = raw.answer()
        assert (status, b"unauthenticated" in body) == (422, False)
        raw.send(GET + b"\r\n")
        assert raw.answer()[0] == 200


def test_input_that_is_no_http_is_refused_without_a_log_line(server: ServerProcess) -> None:
    # A request's line is written after its answer, so those of other tests may still be on their way.
    with Raw(server) as raw:
        raw.send(b"GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\nX-Request-Id: before\r\n\r\n")
        assert raw.answer()[0] in {401, 404}
    wait_until(lambda: any(line.get("request_id") == "before" for line in server.logged()))
    lines = len(server.logged())
    with Raw(server) as raw:
        raw.send(b"\x16\x03\x01 hello\r\n\r\n")
        assert status_of(raw.rest()) == 400
    assert len(server.logged()) == lines


def test_an_answer_that_comes_before_the_end_of_a_body_ends_what_is_read_of_it(server: ServerProcess) -> None:
    with Raw(server) as raw:
        raw.send(b"POST /api/v1/conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 500000000\r\n\r\n")
        assert raw.answer()[0] == 413
        # The kernel buffers some MiB on both sides.
        assert raw.send_until_refused(b"x" * 65536, 64 * MIB) < 64 * MIB


def test_a_body_that_breaks_off_is_counted_and_is_no_error(server: ServerProcess) -> None:
    before = metric(server, "talkwire_http_aborted_bodies_total")
    warnings = len(_warnings(server))
    for path in (b"/api/v1/auth/login", b"/api/v1/conversations/" + b"eyJ-" * 10_000 + b"/offers"):
        with Raw(server) as raw:
            raw.send(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    wait_until(lambda: metric(server, "talkwire_http_aborted_bodies_total") == before + 2)
    assert len(_warnings(server)) == warnings


def _warnings(server: ServerProcess) -> list[dict[str, object]]:
    """Returns the lines of the log about anything but the requests themselves."""
    return [line for line in server.logged() if line["level"] != "info"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/0.9\r\nHost: x\r\n\r\n",
        (
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ),
    ],
    ids=["no host", "two hosts", "two hosts in HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "an upgrade without a host"],
)
def test_a_request_without_one_host_or_of_another_version_is_refused_with_400(
    server: ServerProcess, head: bytes
) -> None:
    """RFC 9112, section 3.2."""
    before = closed(server, "malformed")
    with Raw(server) as raw:
        raw.send(head)
        assert status_of(raw.rest()) == 400
    assert closed(server, "malformed") == before + 1


def test_a_request_of_http_1_0_needs_no_host(server: ServerProcess) -> None:
    with Raw(server) as raw:
        raw.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert status_of(raw.rest()) == 200
