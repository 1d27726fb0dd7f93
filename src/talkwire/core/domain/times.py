"""Conversion of times from and to ISO 8601: from 1970 to the end of the year 9999, the last that ISO 8601 can
express."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import FOR_EVER_MS

LAST_TIME_MS = 253_402_300_799_999
"""Last time that ISO 8601 can express with four digits of the year, 9999-12-31T23:59:59.999Z, in milliseconds since
1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# Cached because formatting takes longer than encoding a whole message, and all messages of a commit share one time.
@lru_cache(maxsize=1024)
def iso(ms: int) -> str:
    """Formats a time, in milliseconds since 1970, as ISO 8601 in UTC, such as `2030-01-31T12:00:00.000Z`.

    Never raises: a time out of range becomes the nearest one in range.
    """
    ms = min(max(ms, 0), LAST_TIME_MS)
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def iso_or_none(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)


def iso_end(until_ms: int) -> str | None:
    """Formats the end of a ban or mute, in milliseconds since 1970, as ISO 8601; returns None for `FOR_EVER_MS`, no
    end."""
    return None if until_ms >= FOR_EVER_MS else iso(until_ms)


def ms_of(path: str, text: str) -> int:
    """Converts a time in ISO 8601 to milliseconds since 1970; a time without an offset is in UTC.

    Raises `invalid_request` for invalid text and for a time before 1970 or after the year 9999; `path` is its field in
    the request, to name in the error.
    """
    return ms_of_datetime(path, _parsed(path, text))


def bound_ms_of(path: str, text: str) -> int:
    """Converts the earliest or latest time of a search from ISO 8601 to milliseconds since 1970; a time out of range
    becomes the nearest one in range. Raises `invalid_request` for invalid text.

    Programs write "no bound" as the first or last time of their library, such as 0001-01-01T00:00:00Z.
    """
    return min(max(_ms_since_epoch(_parsed(path, text)), 0), LAST_TIME_MS)


def ms_of_datetime(path: str, time: datetime) -> int:
    """Converts a time to milliseconds since 1970, rounded down. Raises `invalid_request` for a time before 1970 or
    after the year 9999; `path` is its field in the request, to name in the error."""
    ms = _ms_since_epoch(time)
    check_time(path, ms)
    return ms


def check_time(path: str, ms: int) -> None:
    """Raises `invalid_request` unless `ms`, in milliseconds since 1970, is a time from 1970 to the end of the year
    9999. `path` is its field in the request, to name in the error."""
    if not 0 <= ms <= LAST_TIME_MS:
        raise invalid(path, f"must be a time from {iso(0)} to {iso(LAST_TIME_MS)}")


def _parsed(path: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(path, "must be a time in ISO 8601, such as 2030-01-31T12:00:00.000Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _ms_since_epoch(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)
