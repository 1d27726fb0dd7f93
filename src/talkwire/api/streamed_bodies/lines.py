"""Lines of a body that arrives in pieces, and the JSON in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from talkwire.api.http.json_budget import check_budget
from talkwire.api.http.json_lines import LINE_MAX, Line
from talkwire.core.domain.errors import ChatError
from talkwire.payloads.problems import invalid_payload, with_unknown_fields_in

T = TypeVar("T")

_HALF = b"\\ud"
"""Beginning of half of a character as JSON escapes it, in lower case."""


class LineBuffer:
    """Splits a body into lines, each with its number from 1 on and without its end (LF or CRLF)."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._count = 0

    def feed(self, data: bytes) -> Iterator[Line]:
        """Yields the lines that have ended. Raises `payload_too_large` for a line of more than `LINE_MAX` bytes."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            yield self._take(end)
        self._rest += rest
        self._must_fit()

    def flush(self) -> Iterator[Line]:
        """Yields the last line, if it has no end."""
        if self._rest:
            yield self._take(b"")

    def _take(self, end: bytes) -> Line:
        self._rest += end
        self._must_fit()
        self._count += 1
        line = bytes(self._rest).removesuffix(b"\r")
        self._rest.clear()
        return self._count, line

    def _must_fit(self) -> None:
        if len(self._rest) > LINE_MAX:
            raise ChatError("payload_too_large", f"Line {self._count + 1} has more than {LINE_MAX} bytes.")


def decoded(number: int, text: bytes, type_: type[T]) -> T:
    """Returns the JSON in the line `number` of a body as a type. Raises `invalid_request`, which names the line.

    A text in it may have half of a character, which msgspec does not decode.
    """
    try:
        check_budget(text)
        try:
            return msgspec.json.decode(text, type=type_)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            if _HALF not in text.lower():
                raise
            return msgspec.convert(json.loads(text, parse_constant=_refuse), type=type_)
    except msgspec.ValidationError as error:
        raise at_line(number, with_unknown_fields_in(invalid_payload(error, type_), type_, text)) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise at_line(number, ChatError("invalid_request", "must be valid JSON in UTF-8")) from None
    except ChatError as error:
        raise at_line(number, error) from None


def at_line(number: int, error: ChatError) -> ChatError:
    return error.reworded(f"Line {number}: {error.message}", error.details)


def _refuse(name: str) -> object:
    raise ValueError(name)
