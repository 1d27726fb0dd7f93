"""Logs attempts to sign in to an account, as `signed_in` or `sign_in_refused`, and keeps refused tokens for
operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from talkwire.core.domain.errors import ChatError
from talkwire.observability.refusals import log_refusal, recent_refusals

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class SignInAttempt:
    """An attempt to sign in, which is logged when it ends. Set `user_id` once the user is known; it is empty before."""

    user_id: str = ""


@contextmanager
def logged_sign_in(method: str, address: str) -> Iterator[SignInAttempt]:
    """A context manager around a sign-in that logs its outcome: `signed_in`, or `sign_in_refused` with the ChatError's
    code.

    `method` is `register`, `password` or `oidc`; `address` is the client's IP address.
    """
    attempt = SignInAttempt()
    try:
        yield attempt
    except ChatError as error:
        user = {"user_id": attempt.user_id} if attempt.user_id else {}
        log_refusal("sign_in_refused", method=method, reason=error.code, address=address, **user)
        raise
    _logger.info("signed_in", method=method, user_id=attempt.user_id, address=address)


def note_refused_token(method: str, error: ChatError, address: str, user_id: str = "") -> None:
    """Keeps the refusal of a token in memory for operators, with the error's message, which never contains the token.

    It writes no log line: clients replace expired tokens all the time, and refused sockets and requests have their own
    lines. `method` is `token` or `refresh`.
    """
    fields = {"method": method, "reason": error.code, "detail": error.message, "address": address, "user_id": user_id}
    recent_refusals.add("sign_in_refused", fields)
