"""Logs refusals to clients as warnings: at most ten lines of each kind per second, however many clients cause them."""

from __future__ import annotations

import time
from collections import defaultdict

import structlog

from talkwire.observability.log_rate_limit import LogRateLimit
from talkwire.observability.recent_refusals import RecentRefusals

_limits: defaultdict[str, LogRateLimit] = defaultdict(LogRateLimit)
"""Limits of log lines, by event. Lines are limited for the process, because its nodes share one log."""

recent_refusals = RecentRefusals()
"""Record of all refusals, also those without a line. Like the log, it is of the process."""

_logger = structlog.get_logger(__name__)


def log_refusal(event: str, **fields: object) -> None:
    """Keeps a refusal for operators and logs it as a warning. `event` is the log line's event, such as
    `connection_refused`, and `fields` are the line's other fields.

    At most ten lines of one event are logged per second. The next line has the number of lines that were left out, as
    `suppressed`.
    """
    recent_refusals.add(event, fields)
    suppressed = _limits[event].take(time.monotonic())
    if suppressed is None:
        return
    if suppressed:
        fields["suppressed"] = suppressed
    _logger.warning(event, **fields)
