"""Parsing of STUN and TURN servers."""

from __future__ import annotations

import pytest

from talkwire.core.domain.ice_servers import IceServer, parse_ice_server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("stun:stun.example.com", IceServer("stun:stun.example.com")),
        ("stuns:192.0.2.1:5349", IceServer("stuns:192.0.2.1:5349")),
        ("turn:chat:secret@turn.example.com:3478", IceServer("turn:turn.example.com:3478", "chat", "secret")),
        (
            "turns:a%3Ab:p%40ss%2C@turn.example.com?transport=tcp",
            IceServer("turns:turn.example.com?transport=tcp", "a:b", "p@ss,"),
        ),
        ("turn:chat:secret@[2001:db8::1]:3478", IceServer("turn:[2001:db8::1]:3478", "chat", "secret")),
    ],
)
def test_a_server_is_read(text: str, server: IceServer) -> None:
    assert parse_ice_server(text) == server


@pytest.mark.parametrize(
    "text",
    ["", "stun:", "https://stun.example.com", "turn:turn.example.com", "turn:user@turn.example.com", "stun:a b"],
)
def test_an_invalid_server_is_refused_without_showing_the_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be like stun:host:port or turn:user:password@host:port"):
        parse_ice_server(text)
