"""Which requests pass, in Node's order of checks."""

from __future__ import annotations

import pytest

from talkwire.wire.errors import HandshakeRefused
from talkwire.wire.handshake import Admission, EngineOptions, EngineRequest, check_request, open_packet
from talkwire.wire.transport import Transport

POLLING = Transport.POLLING
WEBSOCKET = Transport.WEBSOCKET
OPTIONS = EngineOptions()
SESSIONS = {"polls": POLLING, "streams": WEBSOCKET}


def check(request: EngineRequest, options: EngineOptions = OPTIONS) -> Admission:
    return check_request(request, SESSIONS.get, options)


def test_the_usual_times_are_those_of_the_node_server() -> None:
    assert (OPTIONS.ping_interval_s, OPTIONS.ping_timeout_s, OPTIONS.upgrade_timeout_s) == (25, 20, 10)


def query(**parameters: str) -> dict[str, str]:
    return {"EIO": "4", "transport": "polling", **parameters}


@pytest.mark.parametrize(
    ("request_", "admission"),
    [
        (EngineRequest("GET", query()), Admission(POLLING, None)),
        (EngineRequest("GET", query(sid="")), Admission(POLLING, None)),
        (EngineRequest("GET", query(), origin="https://example.org"), Admission(POLLING, None)),
        (EngineRequest("GET", query(t="abc", b64="1")), Admission(POLLING, None)),
        (EngineRequest("GET", query(transport="websocket"), websocket=True), Admission(WEBSOCKET, None)),
        (EngineRequest("GET", query(sid="polls")), Admission(POLLING, "polls")),
        (EngineRequest("POST", query(sid="polls")), Admission(POLLING, "polls")),
        (
            EngineRequest("GET", query(transport="websocket", sid="polls"), websocket=True),
            Admission(WEBSOCKET, "polls"),
        ),
        (
            EngineRequest("GET", query(transport="websocket", sid="streams"), websocket=True),
            Admission(WEBSOCKET, "streams"),
        ),
    ],
)
def test_a_request_passes(request_: EngineRequest, admission: Admission) -> None:
    assert check(request_) == admission


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param(EngineRequest("GET", {"EIO": "4"}), 0, id="no transport"),
        pytest.param(EngineRequest("GET", query(transport="abc")), 0, id="unknown transport"),
        pytest.param(EngineRequest("GET", query(transport="webtransport")), 0, id="transport we do not serve"),
        pytest.param(EngineRequest("PUT", query(transport="abc"), origin="\x00"), 0, id="transport comes first"),
        pytest.param(EngineRequest("GET", query(), origin="a\x00b"), 3, id="control character in Origin"),
        pytest.param(EngineRequest("GET", query(), origin="a\x7fb"), 3, id="delete character in Origin"),
        pytest.param(EngineRequest("GET", query(), origin="a\u0100"), 3, id="Origin outside Latin-1"),
        pytest.param(EngineRequest("GET", query(), origin="a\n"), 3, id="Origin with a line end"),
        pytest.param(EngineRequest("PUT", query(sid="nobody"), origin="\x00"), 3, id="Origin comes before sid"),
        pytest.param(EngineRequest("GET", query(sid="nobody")), 1, id="unknown session"),
        pytest.param(EngineRequest("GET", query(sid="__class__")), 1, id="session by the name of an attribute"),
        pytest.param(EngineRequest("GET", query(sid="nobody", EIO="3")), 1, id="sid comes before EIO"),
        pytest.param(EngineRequest("GET", query(sid="streams")), 3, id="polling a WebSocket session"),
        pytest.param(EngineRequest("GET", query(sid="polls", transport="websocket")), 3, id="no upgrade"),
        pytest.param(
            EngineRequest("GET", query(sid="streams", transport="websocket")), 3, id="no upgrade of a WebSocket session"
        ),
        pytest.param(EngineRequest("GET", query(sid="polls"), websocket=True), 3, id="polling over a WebSocket"),
        pytest.param(EngineRequest("GET", query(sid="polls", EIO="3")), 3, id="session with another version"),
        pytest.param(EngineRequest("POST", query()), 2, id="handshake by POST"),
        pytest.param(EngineRequest("PUT", query(EIO="3")), 2, id="method comes before EIO"),
        pytest.param(EngineRequest("GET", query(transport="websocket")), 3, id="WebSocket handshake without upgrade"),
        pytest.param(EngineRequest("GET", query(), websocket=True), 3, id="polling handshake as a WebSocket"),
        pytest.param(EngineRequest("GET", query(EIO="3")), 5, id="version 3"),
        pytest.param(EngineRequest("GET", {"transport": "polling"}), 5, id="no version"),
        pytest.param(EngineRequest("GET", query(EIO="abc")), 5, id="no number as version"),
    ],
)
def test_a_request_is_refused(request_: EngineRequest, code: int) -> None:
    with pytest.raises(HandshakeRefused) as refusal:
        check(request_)
    assert (refusal.value.code, refusal.value.status) == (code, 400)


def test_a_server_may_serve_one_transport_only() -> None:
    options = EngineOptions(transports=("websocket",))
    with pytest.raises(HandshakeRefused) as refusal:
        check(EngineRequest("GET", query()), options)
    assert refusal.value.code == 0


def test_the_open_packet_has_exactly_five_keys() -> None:
    assert open_packet("abc", POLLING, OPTIONS) == (
        '0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
    )


@pytest.mark.parametrize(
    ("transport", "options"),
    [
        (WEBSOCKET, OPTIONS),
        (POLLING, EngineOptions(allow_upgrades=False)),
        (POLLING, EngineOptions(transports=("polling",))),
    ],
)
def test_the_open_packet_offers_no_upgrade_that_cannot_be(transport: Transport, options: EngineOptions) -> None:
    assert '"upgrades":[]' in open_packet("abc", transport, options)
