"""Exceptions of the package `wire`; the server turns each into an HTTP error response or closes the session.

WireError
├── LocalProtocolError       the server's own code used the package wrongly: a bug
├── RemoteProtocolError      the peer broke the protocol: close its session
│   └── PayloadTooLarge      a request body exceeds the limit: respond with HTTP 413
└── HandshakeRefused         the request may neither open a session nor use an open one
"""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus

import msgspec


class WireError(Exception):
    """The base class of all errors that `talkwire.wire` raises."""


class LocalProtocolError(WireError):
    """The server's own code asked for something that the protocol does not allow, which is a bug."""


class RemoteProtocolError(WireError):
    """The peer broke the protocol: the caller closes its session. `reason` is for the log only; never send it to the
    peer.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PayloadTooLarge(RemoteProtocolError):
    """A polling request's body is larger than `max_payload` bytes. Unlike other RemoteProtocolErrors, this one leaves
    the session open: respond with HTTP `status`, which is 413.
    """

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value


class RefusalCode(IntEnum):
    """Engine.IO's error codes for refused requests, which clients read in the field `code` of an error response."""

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
    """An HTTP request, or the opening request of a WebSocket, is refused. Respond with the HTTP status `status` and the
    body `body()`.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @classmethod
    def of(cls, code: RefusalCode, message: str | None = None) -> HandshakeRefused:
        """Returns the refusal for `code`, with its HTTP status. `message` replaces Engine.IO's standard text for the
        code.
        """
        forbidden = code is RefusalCode.FORBIDDEN
        status = HTTPStatus.FORBIDDEN if forbidden else HTTPStatus.BAD_REQUEST
        return cls(status.value, code.value, message or _MESSAGES[code])

    def body(self) -> bytes:
        """Returns the JSON body of the error response: `{"code":1,"message":"Session ID unknown"}`."""
        return msgspec.json.encode({"code": self.code, "message": self.message})
