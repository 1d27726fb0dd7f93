"""Parses the header `Range`, by which a request asks for a part of a file (RFC 9110, section 14)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Unsatisfiable(ValueError):
    """Raised for a range that is outside of the file. The response is HTTP status 416."""


def part_of(header: str | None, total: int) -> tuple[int, int] | None:
    """Returns the requested part of a file of `total` bytes as (start, end), `end` not included.

    Returns None if the whole file is to be sent: without the header, and for anything but a single valid range of
    bytes. Raises Unsatisfiable.
    """
    match = _RANGE.fullmatch((header or "").replace(" ", ""))
    if match is None or match[1] == match[2] == "":
        return None
    if match[1]:
        start = int(match[1])
        end = min(int(match[2]) + 1, total) if match[2] else total
        if match[2] and int(match[2]) < start:
            return None  # an invalid range is ignored
    else:
        start, end = max(total - int(match[2]), 0), total
    if start >= end:
        raise Unsatisfiable
    return start, end
