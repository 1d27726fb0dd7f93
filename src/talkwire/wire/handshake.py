"""Which requests may open or reach a session, and what an open packet says.

Engine.IO protocol, revision 4, section "Handshake"; the checks and their order are those of Node's engine.io 6.6. Knows
no session: who holds them answers `known`.
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
# What Node lets through in a header's value: tab, and everything visible in Latin-1.
_HEADER_TEXT: Final = re.compile("[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The limits of Engine.IO sessions; one object is shared by all. `max_payload` in bytes, for both transports."""

    ping_interval_s: float = 25.0
    ping_timeout_s: float = 20.0
    upgrade_timeout_s: float = 10.0
    max_payload: int = 1_000_000
    connect_timeout_s: float = 45.0
    transports: tuple[str, ...] = ("polling", "websocket")
    allow_upgrades: bool = True
    max_attachments: int = 10


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """What the checks look at. `websocket` says that the request asks for a WebSocket (`Upgrade: websocket`)."""

    method: str
    query: Mapping[str, str]
    origin: str | None = None
    websocket: bool = False


class Admission(NamedTuple):
    """A request that passed. Without `engine_sid` it opens a session; a WebSocket with one asks for an upgrade."""

    transport: Transport
    engine_sid: str | None


def read_query(text: str) -> dict[str, str]:
    """Return a request's query parameters; the values of a repeated one are joined by a comma. The Node server reads
    such a parameter as an array, which is no transport, no session id and no version."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else ",".join(found) for name, found in values.items()}


def check_request(
    request: EngineRequest,
    known: Callable[[str], Transport | None],
    options: EngineOptions,
) -> Admission:
    """Let a request pass or raise HandshakeRefused.

    `known` returns the current transport of an open session, None for an engine_sid that nobody has. The caller checks
    the value of Origin, and whatever else it demands, after this.
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
    """Return the open packet, `0{...}`; its keys are exactly those five, durations in milliseconds."""
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
    return Transport(name)


def _check_opening(request: EngineRequest, transport: Transport) -> None:
    if request.method != "GET":
        raise HandshakeRefused.of(RefusalCode.BAD_HANDSHAKE_METHOD)
    _check_carrier(request, transport)
    if request.query.get("EIO") != PROTOCOL_VERSION:
        raise HandshakeRefused.of(RefusalCode.UNSUPPORTED_PROTOCOL_VERSION)


def _check_reaching(request: EngineRequest, transport: Transport, current: Transport | None) -> None:
    if current is None:
        raise HandshakeRefused.of(RefusalCode.UNKNOWN_SESSION)
    # A WebSocket may come to a session of the other transport: that is an upgrade.
    if transport is not current and not request.websocket:
        raise HandshakeRefused.of(RefusalCode.BAD_REQUEST)
    _check_carrier(request, transport)
    # Every open session speaks revision 4, so a request that says otherwise belongs to none.
    if request.query.get("EIO") != PROTOCOL_VERSION:
        raise HandshakeRefused.of(RefusalCode.BAD_REQUEST)


def _check_carrier(request: EngineRequest, transport: Transport) -> None:
    """`?transport=websocket` comes as a WebSocket and `?transport=polling` does not."""
    if request.websocket is not (transport is Transport.WEBSOCKET):
        raise HandshakeRefused.of(RefusalCode.BAD_REQUEST)


def _upgrades(transport: Transport, options: EngineOptions) -> list[str]:
    possible = options.allow_upgrades and Transport.WEBSOCKET.value in options.transports
    return ["websocket"] if possible and transport is Transport.POLLING else []
