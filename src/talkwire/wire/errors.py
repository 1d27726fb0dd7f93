"""What can go wrong on the wire, as data that the edge turns into a status or a close.

WireError
├── LocalProtocolError       we used the wire layer wrongly
├── RemoteProtocolError      the peer broke the protocol: close its session
│   └── PayloadTooLarge      its request body is over the limit: HTTP 413
└── HandshakeRefused         the request may not open, or reach, a session
"""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus

import msgspec


class WireError(Exception):
    """The root of all errors that `talkwire.wire` raises."""


class LocalProtocolError(WireError):
    """The caller asked for what the protocol does not allow; a bug on our side."""


class RemoteProtocolError(WireError):
    """The peer broke the protocol; `reason` says how, for our log and never for the peer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PayloadTooLarge(RemoteProtocolError):
    """A request body of more than `max_payload` bytes. The session itself stays open."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value


class RefusalCode(IntEnum):
    """Engine.IO's error codes, as clients read them in the `code` of the body."""

    UNKNOWN_TRANSPORT = 0
    UNKNOWN_SESSION = 1
    BAD_HANDSHAKE_METHOD = 2
    BAD_REQUEST = 3
    FORBIDDEN = 4
    UNSUPPORTED_PROTOCOL_VERSION = 5


_MESSAGES = {
    RefusalCode.UNKNOWN_TRANSPORT: "Transport unknown",
    RefusalCode.UNKNOWN_SESSION: "Session ID unknown",
    RefusalCode.BAD_HANDSHAKE_METHOD: "Bad handshake method",
    RefusalCode.BAD_REQUEST: "Bad request",
    RefusalCode.FORBIDDEN: "Forbidden",
    RefusalCode.UNSUPPORTED_PROTOCOL_VERSION: "Unsupported protocol version",
}


class HandshakeRefused(WireError):
    """An HTTP request, or a WebSocket's opening request, that is answered with an error."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @classmethod
    def of(cls, code: RefusalCode, message: str | None = None) -> HandshakeRefused:
        """Return the refusal for `code`; `message` replaces the usual text (Node allows that for FORBIDDEN)."""
        forbidden = code is RefusalCode.FORBIDDEN
        status = HTTPStatus.FORBIDDEN if forbidden else HTTPStatus.BAD_REQUEST
        return cls(status.value, code.value, message or _MESSAGES[code])

    def body(self) -> bytes:
        """Return the response's JSON body, `{"code":1,"message":"Session ID unknown"}`."""
        return msgspec.json.encode({"code": self.code, "message": self.message})
