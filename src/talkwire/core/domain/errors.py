"""The exceptions with which the chat refuses commands, and functions that make frequent ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
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

RefusalCause = Literal[
    "application",
    "backend_only",
    "banned",
    "banned_from_conversation",
    "blocked",
    "call_running",
    "direct_conversation",
    "erased",
    "hidden_history",
    "invitation_expired",
    "invitation_invalid",
    "invitation_used_up",
    "muted",
    "no_calls",
    "nobody_to_call",
    "not_agent",
    "not_agents_owner",
    "not_asked",
    "not_author",
    "not_found",
    "not_manager",
    "not_member",
    "not_owner",
    "not_shown_again",
    "not_staff",
    "notes",
    "on_hold",
    "other_user",
    "own_offer",
    "owner_protected",
    "read_only",
    "retry_differs",
    "server_policy",
    "slow_mode",
    "state_changed",
    "taken",
    "through_team",
    "too_many",
    "users_only",
    "wrong_password",
]
"""Reason why a command was refused, for operators (docs/console-routes.md). Clients do not receive it, because it may
reveal what the caller may not see."""

_COMPARED = 64
"""Most characters of a misspelt name that are compared with the known names, which bounds the work."""


class ChatError(Exception):
    """The refusal of a command, with a `code` for programs, a `message` for people, and `details`: JSON values, or
    a struct that clients receive in their own form, such as `ConversationChanged`.

    The HTTP and Socket.IO layers turn `code` into a status or an acknowledgement. Applications import the class as
    `talkwire.Refused`. Its constructor raises ValueError for an unknown code, which no client would understand.
    `cause` says why to operators only; every refusal has one whose code has several causes. `conversation_id` is the
    conversation that the command concerned, where the chat found it. `is_logged` is set where the refusal is logged, so
    that outer layers do not log it again.
    """

    is_logged = False
    conversation_id: str | None = None

    def __init__(
        self, code: ErrorCode, message: str, details: object | None = None, *, cause: RefusalCause | None = None
    ) -> None:
        if code not in _CODES:
            raise ValueError(f'unknown code "{code}": must be one of {", ".join(sorted(_CODES))}')
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.details = details
        self.cause = cause

    def reworded(self, message: str, details: object | None) -> ChatError:
        """Returns the same refusal with another message and other details."""
        other = ChatError(self.code, message, details, cause=self.cause)
        other.conversation_id, other.is_logged = self.conversation_id, self.is_logged
        return other


class LogReplaced(ChatError):
    """Raised when the database's log of events is not the one that this node has followed.

    This happens when the database was restored to an earlier time or replaced. The node must discard everything it has
    cached.
    """

    def __init__(self) -> None:
        super().__init__("unavailable", "The server's history is being replaced. Try again.")


def invalid(path: str, message: str) -> ChatError:
    """Returns an `invalid_request` error for one field of a payload; `path` is written as in the request
    (`memberIds[3]`)."""
    return ChatError("invalid_request", f"{path}: {message}", [{"path": path, "message": message}])


@contextmanager
def refusals_at(place: str, names: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """A context manager that puts a place in the payload, such as `users[3]`, in front of the message and path of a
    ChatError raised inside it. `names` maps a field's name in the errors to its name in the payload, where they differ.
    """
    try:
        yield
    except ChatError as error:
        match error.details:
            case [{"path": str() as path, "message": str() as message}]:
                there = invalid(f"{place}.{names.get(path, path)}", message)
                raise error.reworded(there.message, there.details) from None
            case details:
                raise error.reworded(f"{place}: {error.message}", details) from None


@contextmanager
def refusals_about(conversation_id: str | None) -> Iterator[None]:
    """A context manager that stores in a ChatError raised inside it the conversation that it concerns, unless it has
    one."""
    try:
        yield
    except ChatError as refusal:
        refusal.conversation_id = refusal.conversation_id or conversation_id
        raise


class NoAccess(ChatError):
    """The `forbidden` error for anything that the caller of a command may not see. It does not reveal whether the thing
    exists. The application's backend and admins receive its cause instead (`core/engine/refusal_causes.py`)."""

    def __init__(self, cause: RefusalCause) -> None:
        super().__init__("forbidden", "You have no access to this.", cause=cause)


def forbidden(cause: RefusalCause) -> ChatError:
    """Returns `NoAccess`, the error for anything that the caller of a command may not see. Operators see `cause`."""
    return NoAccess(cause)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns a text to append to an error message, which names the most similar of the known names; empty if none is
    similar."""
    close = difflib.get_close_matches(name[:_COMPARED], list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""
