"""Logs and counts attempts to sign in to an account, as `signed_in` or `sign_in_refused`, and keeps refused tokens for
operators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.core.domain.errors import ChatError
from talkwire.observability.refusals import log_refusal, recent_refusals

SIGNED_IN = "ok"
"""Outcome of a sign-in that succeeded. The outcome of any other is the reason of its refusal."""

_logger = structlog.get_logger(__name__)


class SignIns(Collector):
    """The Prometheus collector that counts sign-ins by method and outcome. Register it with a `CollectorRegistry`."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "talkwire_sign_ins",
            "Sign-ins to accounts, and tokens that were refused, by method and outcome",
            labels=["method", "outcome"],
        )
        for labels, count in sorted(self.counts.items()):
            family.add_metric(labels, count)
        yield family


sign_ins = SignIns()
"""Record of all sign-ins. Like the log, it is of the process."""


@dataclass(slots=True)
class SignInAttempt:
    """An attempt to sign in, which `logged_sign_in` logs when it ends. Set `user_id` once the user is known; it is
    empty before.
    """

    user_id: str = ""


def log_sign_in(method: str, user_id: str, address: str) -> None:
    """Logs and counts a sign-in that succeeded. `method` is how the user signed in, such as `password` or `oidc`;
    `address` is the client's IP address."""
    sign_ins.counts[method, SIGNED_IN] += 1
    _logger.info("signed_in", method=method, user_id=user_id, address=address)


def log_refused_sign_in(method: str, reason: str, address: str, **more: str) -> None:
    """Logs and counts a sign-in that was refused, and keeps it for operators. `method` is how the user tried to sign
    in, such as `password` or `oidc`; `reason` is one word; `more` are further fields of the log line."""
    sign_ins.counts[method, reason] += 1
    log_refusal("sign_in_refused", method=method, reason=reason, address=address, **more)


@contextmanager
def logged_sign_in(method: str, address: str) -> Iterator[SignInAttempt]:
    """A context manager around a sign-in that logs its outcome: `signed_in`, or `sign_in_refused` with the ChatError's
    code. Set `user_id` of the yielded attempt.

    `method` is `register` or `password`; `address` is the client's IP address.
    """
    attempt = SignInAttempt()
    try:
        yield attempt
    except ChatError as error:
        known = {"cause": error.cause, "user_id": attempt.user_id}
        log_refused_sign_in(method, error.code, address, **{name: value for name, value in known.items() if value})
        error.is_logged = True
        raise
    log_sign_in(method, attempt.user_id, address)


def note_refused_token(method: str, error: ChatError, address: str, user_id: str = "") -> None:
    """Counts the refusal of a token and keeps it for operators, with the error's message, which never contains the
    token.

    It writes no log line: clients replace expired tokens all the time, and refused sockets and requests have their own
    lines. `method` is `token` or `refresh`.
    """
    fields = {
        "method": method,
        "reason": error.code,
        "cause": error.cause,
        "detail": error.message,
        "address": address,
        "user_id": user_id,
    }
    sign_ins.counts[method, error.code] += 1
    recent_refusals.add("sign_in_refused", fields)
    error.is_logged = True
