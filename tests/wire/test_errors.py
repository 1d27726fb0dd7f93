"""Refusals as clients read them."""

from __future__ import annotations

import pytest

from talkwire.wire.errors import HandshakeRefused, PayloadTooLarge, RefusalCode, RemoteProtocolError, WireError


@pytest.mark.parametrize(
    ("code", "status", "body"),
    [
        (RefusalCode.UNKNOWN_TRANSPORT, 400, b'{"code":0,"message":"Transport unknown"}'),
        (RefusalCode.UNKNOWN_SESSION, 400, b'{"code":1,"message":"Session ID unknown"}'),
        (RefusalCode.BAD_HANDSHAKE_METHOD, 400, b'{"code":2,"message":"Bad handshake method"}'),
        (RefusalCode.BAD_REQUEST, 400, b'{"code":3,"message":"Bad request"}'),
        (RefusalCode.FORBIDDEN, 403, b'{"code":4,"message":"Forbidden"}'),
        (RefusalCode.UNSUPPORTED_PROTOCOL_VERSION, 400, b'{"code":5,"message":"Unsupported protocol version"}'),
    ],
)
def test_a_refusal_has_the_status_and_the_body_of_its_code(code: RefusalCode, status: int, body: bytes) -> None:
    refusal = HandshakeRefused.of(code)
    assert (refusal.status, refusal.body()) == (status, body)


def test_a_refusal_may_contain_the_reason() -> None:
    assert HandshakeRefused.of(RefusalCode.FORBIDDEN, "no entry").body() == b'{"code":4,"message":"no entry"}'


def test_a_breach_by_the_peer_carries_its_reason() -> None:
    assert RemoteProtocolError("invalid JSON").reason == "invalid JSON"


def test_a_body_over_the_limit_is_a_413_and_a_breach() -> None:
    error = PayloadTooLarge("more than 1000000 bytes")
    assert error.status == 413
    assert isinstance(error, RemoteProtocolError)
    assert isinstance(error, WireError)
