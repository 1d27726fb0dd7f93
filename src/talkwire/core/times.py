"""Times as clients read them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from talkwire.core.errors import invalid
from talkwire.core.model import FOR_EVER_MS


# Formatting takes longer than encoding a whole message, and all messages of a commit have the same time.
@lru_cache(maxsize=1024)
def iso(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def iso_end(until_ms: int) -> str | None:
    """When something ends; None when it never does."""
    return None if until_ms >= FOR_EVER_MS else iso(until_ms)


def ms_of(path: str, text: str) -> int:
    """A time in ISO 8601 as milliseconds since 1970; without an offset it is in UTC. Raises `invalid_request`."""
    try:
        time = datetime.fromisoformat(text)
        return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise invalid(path, "must be a time in ISO 8601, such as 2030-01-31T12:00:00.000Z") from None
