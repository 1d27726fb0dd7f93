"""What a command can be refused with.

ChatError(code, message, details)
    every refusal that a client gets to see; the edges turn `code` into an ack or an HTTP status
"""

from __future__ import annotations

from typing import Literal, get_args

ErrorCode = Literal[
    "unauthenticated",
    "token_expired",
    "forbidden",
    "blocked",
    "banned",
    "muted",
    "not_found",
    "conflict",
    "cursor_expired",
    "cursor_epoch",
    "payload_too_large",
    "invalid_request",
    "rate_limited",
    "unavailable",
]
_CODES = frozenset(get_args(ErrorCode))


class ChatError(Exception):
    """A refusal with a code that a program reads and a message that a person reads; `details` is JSON. Applications
    know it as `talkwire.Refused`. Raises ValueError for a code that there is not: no client would understand it."""

    def __init__(self, code: ErrorCode, message: str, details: object | None = None) -> None:
        if code not in _CODES:
            raise ValueError(f'"{code}" is none of {", ".join(sorted(_CODES))}')
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.details = details


class LogReplaced(ChatError):
    """The log is not the one any more that this node has followed: the database went back to an earlier time, or is
    another one. Nothing that is in memory counts any more."""

    def __init__(self) -> None:
        super().__init__("unavailable", "The server's history is being replaced. Try again.")


def invalid(path: str, message: str) -> ChatError:
    """`invalid_request` for one member of a payload; `path` is written as the client wrote it (`memberIds[3]`)."""
    return ChatError("invalid_request", f"{path}: {message}", [{"path": path, "message": message}])


def forbidden() -> ChatError:
    """The one answer for whatever one may not see, whether it exists or not."""
    return ChatError("forbidden", "You have no access to this.")
