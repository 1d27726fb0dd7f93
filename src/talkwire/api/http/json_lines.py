"""Reads bodies of newline-delimited JSON (https://github.com/ndjson/ndjson-spec), a JSON value in each line, as they
arrive. Such a body may be of any length, since it is never held in memory as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

from litestar import Request

from talkwire.core.domain.errors import ChatError, invalid

LINE_MAX = 256 * 1024
"""Largest line of a body, in bytes; the same as of other JSON bodies."""

MEDIA_TYPE = "application/x-ndjson"
"""Media type of lines of JSON."""

_MEDIA_TYPES = frozenset({MEDIA_TYPE, "application/ndjson", "application/jsonl"})

LINES = "lines"
"""Key in a route's `opt`: whether the route accepts lines of JSON."""

TAKES_LINES: Mapping[str, object] = MappingProxyType({LINES: True})
"""Option of a route that accepts lines of JSON instead of its JSON body, and reads them itself."""

Line = tuple[int, bytes]
"""Line that is not blank, with its number. The first line of a body has the number 1."""


def takes_lines(request: Request[Any, Any, Any]) -> bool:
    """Returns whether the request's body is lines of JSON and its route accepts them."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return LINES in request.route_handler.opt and media_type in _MEDIA_TYPES


async def arriving_lines(request: Request[Any, Any, Any], most: int) -> AsyncIterator[tuple[Line, ...]]:
    """Yields the lines of a request's body as they arrive, each with its number from 1 on, in groups of at most `most`.
    Skips empty lines, but counts them.

    Raises `payload_too_large` for a line of more than `LINE_MAX` bytes, and `invalid_request` if the connection ends
    before the body.
    """
    number, rest = 0, b""
    has_more = True
    while has_more:  # Suspends: the server returns each part of a body once, when it arrives.
        message = await request.receive()
        if message["type"] != "http.request":
            raise invalid("body", f"ended in line {number + 1}: the connection was closed")
        has_more = message.get("more_body", False)
        *whole, rest = (rest + message.get("body", b"")).split(b"\n")
        if not has_more:
            whole.append(rest)
        for place, line in enumerate([*whole, rest], number + 1):
            if len(line) > LINE_MAX:
                raise ChatError("payload_too_large", f"Line {place} has more than {LINE_MAX} bytes.")
        lines = [(place, line) for place, line in enumerate(whole, number + 1) if line.strip()]
        number += len(whole)
        for start in range(0, len(lines), most):
            yield tuple(lines[start : start + most])
