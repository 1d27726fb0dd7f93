"""Which part of a file a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Unsatisfiable(ValueError):
    """The part that is asked for is not there: 416."""


def part_of(header: str | None, total: int) -> tuple[int, int] | None:
    """(start, end), the end not included; None for the whole, which is also the answer to what is no single range of
    bytes. Raises Unsatisfiable."""
    match = _RANGE.fullmatch((header or "").replace(" ", ""))
    if match is None or match[1] == match[2] == "":
        return None
    if match[1]:
        start = int(match[1])
        end = min(int(match[2]) + 1, total) if match[2] else total
        if match[2] and int(match[2]) < start:
            return None  # not valid, and so not there
    else:
        start, end = max(total - int(match[2]), 0), total
    if start >= end:
        raise Unsatisfiable
    return start, end
