"""Checks the requests that open an Engine.IO session or use an open one, and writes a new session's first packet, the
open packet.

Engine.IO protocol, revision 4, section "Handshake". The checks and their order are the same as in Socket.IO's Node
server (engine.io 6.6). Holds no sessions: the caller passes `known` to look them up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from talkwire.wire.errors import HandshakeRefused, RefusalCode
from talkwire.wire.transport import Transport

PROTOCOL_VERSION: Final = "4"
# The characters that Node allows in a header's value: tab, and everything visible in Latin-1.
_HEADER_TEXT: Final = re.compile("[\t\x20-\x7e\x80-\xff]*")
# Looked up here in a tenth of the time that `Transport(name)` takes.
_TRANSPORTS: Final = {each.value: each for each in Transport}


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The limits of all Engine.IO sessions of a server. `max_payload` is the largest message in bytes, over both
    transports; names that end with `_s` are in seconds. A client must join a namespace within `connect_timeout_s`, and
    a packet has at most `max_attachments` binary attachments.
    """

    ping_interval_s: float = 25.0
    ping_timeout_s: float = 20.0
    upgrade_timeout_s: float = 10.0
    max_payload: int = 1_000_000
    connect_timeout_s: float = 45.0
    transports: tuple[str, ...] = ("polling", "websocket")
    allow_upgrades: bool = True
    max_attachments: int = 10


class EngineRequest(msgspec.Struct, frozen=True, gc=False):
    """The parts of an HTTP request that `check_request` checks. `query` are the parameters as `read_query` returns
    them, `origin` is the header's value; `websocket` is True if the request asks for a WebSocket (`Upgrade:
    websocket`).
    """

    method: str
    query: Mapping[str, str]
    origin: str | None = None
    websocket: bool = False


class Admission(NamedTuple):
    """A request that passed the checks, with its transport. It opens a new session if `engine_sid` is None; a WebSocket
    with the `engine_sid` of a polling session asks to upgrade that session.
    """

    transport: Transport
    engine_sid: str | None


def read_query(text: str) -> dict[str, str]:
    """Returns a request's query parameters by name. Joins the values of a repeated parameter with a comma, which makes
    it an invalid transport, session id or version, as in Socket.IO's Node server.
    """
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else ",".join(found) for name, found in values.items()}


def check_request(
    request: EngineRequest,
    known: Callable[[str], Transport | None],
    options: EngineOptions,
) -> Admission:
    """Checks a request that opens an Engine.IO session or uses an open one, and returns its admission. Raises
    HandshakeRefused, which has the HTTP status and body of the response.

    `known` returns the current transport of an open session by its `engine_sid`, None for an unknown one. The Origin
    header is checked for invalid characters only: the caller must decide afterwards which origins it allows.
    """
    transport = _check_transport(request, options)
    if not _HEADER_TEXT.fullmatch(request.origin or ""):
        raise HandshakeRefused.of(RefusalCode.BAD_REQUEST)
    engine_sid = request.query.get("sid") or None
    if engine_sid is None:
        _check_opening(request, transport)
    else:
        _check_reaching(request, transport, known(engine_sid))
    return Admission(transport, engine_sid)


def open_packet(engine_sid: str, transport: Transport, options: EngineOptions) -> str:
    """Returns Engine.IO's open packet, `0{...}`, the first packet of a session: its id, possible upgrades, heartbeat
    durations in milliseconds and the largest payload in bytes.
    """
    details = {
        "sid": engine_sid,
        "upgrades": _upgrades(transport, options),
        "pingInterval": round(options.ping_interval_s * 1000),
        "pingTimeout": round(options.ping_timeout_s * 1000),
        "maxPayload": options.max_payload,
    }
    return "0" + msgspec.json.encode(details).decode()


def _check_transport(request: EngineRequest, options: EngineOptions) -> Transport:
    name = request.query.get("transport", "")
    if name not in options.transports:
        raise HandshakeRefused.of(RefusalCode.UNKNOWN_TRANSPORT)
    return _TRANSPORTS[name]


def _check_opening(request: EngineRequest, transport: Transport) -> None:
    if request.method != "GET":
        raise HandshakeRefused.of(RefusalCode.BAD_HANDSHAKE_METHOD)
    _check_transport_matches(request, transport)
    if request.query.get("EIO") != PROTOCOL_VERSION:
        raise HandshakeRefused.of(RefusalCode.UNSUPPORTED_PROTOCOL_VERSION)


def _check_reaching(request: EngineRequest, transport: Transport, current: Transport | None) -> None:
    if current is None:
        raise HandshakeRefused.of(RefusalCode.UNKNOWN_SESSION)
    # A WebSocket may reach a polling session: that is an upgrade.
    if transport is not current and not request.websocket:
        raise HandshakeRefused.of(RefusalCode.BAD_REQUEST)
    _check_transport_matches(request, transport)
    # Every open session uses revision 4, so a request for another revision belongs to none of them.
    if request.query.get("EIO") != PROTOCOL_VERSION:
        raise HandshakeRefused.of(RefusalCode.BAD_REQUEST)


def _check_transport_matches(request: EngineRequest, transport: Transport) -> None:
    """Raises HandshakeRefused if `?transport=websocket` is not a WebSocket request, or `?transport=polling` is one."""
    if request.websocket is not (transport is Transport.WEBSOCKET):
        raise HandshakeRefused.of(RefusalCode.BAD_REQUEST)


def _upgrades(transport: Transport, options: EngineOptions) -> list[str]:
    possible = options.allow_upgrades and Transport.WEBSOCKET.value in options.transports
    return ["websocket"] if possible and transport is Transport.POLLING else []
