"""Lookup of time zones by IANA name."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ZONE = re.compile(r"[A-Za-z0-9+_-]{1,32}(?:/[A-Za-z0-9+_-]{1,32}){0,3}")


def zone_of(name: str) -> ZoneInfo | None:
    """Returns the time zone with this IANA name, such as `Europe/Berlin`, or None if there is no such zone."""
    if _ZONE.fullmatch(name) is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder such as "America" raises OSError
        return None
