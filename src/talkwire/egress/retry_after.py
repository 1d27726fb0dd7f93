"""Reads the HTTP header `Retry-After` (RFC 9110, section 10.2.3)."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime


def parse_retry_after(header: str | None, now_s: float) -> float | None:
    """Returns how many seconds to wait from `now_s` (seconds since 1970), by the number or the date in a `Retry-After`
    header. Returns None if the header is missing or invalid.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
        # The zone `-0000`, an unknown place in UTC, is read as a date without a zone.
        return max(0.0, (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None
