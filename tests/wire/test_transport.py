"""The names of transports on the wire."""

from __future__ import annotations

from talkwire.wire.transport import Transport


def test_transports_have_the_names_that_clients_ask_for() -> None:
    assert [transport.value for transport in Transport] == ["polling", "websocket"]
