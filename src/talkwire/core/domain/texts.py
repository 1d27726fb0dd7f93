"""Validation of texts and JSON from clients, before anything else uses them.

PostgreSQL can store neither U+0000 nor a lone surrogate, SQLite cuts a text at U+0000, and JSON nested deeper than
`NESTING_MAX` overflows parsers.
"""

from __future__ import annotations

import re
from math import isfinite
from urllib.parse import urlsplit

import msgspec

from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import ID_MAX_LENGTH, SAFE_INTEGER_MAX, is_valid_id
from talkwire.core.domain.names import direction_mark_in, is_visible

TEXT_MAX_BYTES = 64 * 1024
"""Longest text of a message, as UTF-8, in bytes."""

NAME_MAX_LENGTH = 200
"""Longest name of a user or a conversation, in characters."""

METADATA_MAX_BYTES = 4 * 1024
"""Largest metadata, as JSON in UTF-8, in bytes."""

NESTING_MAX = 64
"""Most levels of a JSON value that clients give."""

AVATAR_MAX_LENGTH = 2048
"""Longest address of a picture of a user or a conversation, in characters."""

URL_MAX_LENGTH = 2048
"""Longest URL that clients give, in characters."""

# Clients that show a picture load its address, so it is limited to http(s) and paths on this server.
_AVATAR = re.compile(r"(?:https?://[^/\s]|/(?!/))\S*")
_encode = msgspec.json.Encoder().encode

_UPLOADED = "/api/v1/files/"
"""Beginning of the `url` that an upload returns."""

_LINE_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def check_text(path: str, value: str) -> None:
    """Raises `invalid_request` for text that a database cannot store: with U+0000 or a lone surrogate. `path` is the
    text's field in the request, to name in the error."""
    if "\x00" in value:
        raise invalid(path, "must not contain U+0000")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise invalid(path, "must not contain lone surrogates") from None


def check_name(path: str, value: str, limit: int = NAME_MAX_LENGTH) -> None:
    """Raises `invalid_request` for a name that cannot be stored or is not 1 to `limit` characters long
    (`check_short_text`), that shows nothing, or that changes the writing direction of what stands beside it. `path` is
    the name's field in the request, to name in the error."""
    check_short_text(path, value, limit)
    if not is_visible(value):
        raise invalid(path, "must have a visible character, such as a letter, a digit or an emoji")
    mark = direction_mark_in(value)
    if mark is not None:
        raise invalid(path, f"must not contain U+{ord(mark):04X}, which changes the writing direction: remove it")


def check_line(path: str, value: str, limit: int = NAME_MAX_LENGTH) -> None:
    """Raises `invalid_request` for a name (`check_name`) that is longer than a line. `path` is the name's field in the
    request, to name in the error."""
    check_name(path, value, limit)
    if _LINE_BREAK.search(value) is not None:
        raise invalid(path, "must be one line")


def check_short_text(path: str, value: str, limit: int) -> None:
    """Raises `invalid_request` unless the text has 1 to `limit` characters, not only white space, and can be stored
    (`check_text`). `path` is the text's field in the request, to name in the error."""
    check_text(path, value)
    if not value.strip() or len(value) > limit:
        raise invalid(path, f"must have 1 to {limit} characters")


def check_content(path: str, value: str, *, may_be_empty: bool = False) -> None:
    """Raises an error for an invalid text of a message; `path` is its field in the request.

    The error is `invalid_request` for a text that cannot be stored (`check_text`) and for a blank one, unless
    `may_be_empty`, and `payload_too_large` for a text above `TEXT_MAX_BYTES` of UTF-8.
    """
    check_text(path, value)
    if (not value or value.isspace()) and not may_be_empty:
        raise invalid(path, "must not be empty")
    if len(value) * 4 > TEXT_MAX_BYTES and len(value.encode()) > TEXT_MAX_BYTES:
        raise ChatError("payload_too_large", f"{path}: at most {TEXT_MAX_BYTES} bytes")


def check_id(path: str, value: str) -> None:
    """Raises `invalid_request` unless the text is a valid id (`is_valid_id`). `path` is the id's field in the request,
    to name in the error."""
    if not is_valid_id(value):
        raise invalid(path, f"must be an id: 1 to {ID_MAX_LENGTH} characters without spaces, '/' or control characters")


def json_fits(path: str, value: object, max_bytes: int) -> bool:
    """Returns whether a value has at most `max_bytes` bytes as JSON. Takes no longer than for a value of that size,
    however large the value is.

    Raises `invalid_request` for a value that is not JSON, that contains a text or a number that clients or databases
    cannot hold, or that is nested deeper than `NESTING_MAX`. `path` is the value's field in the request, to name in the
    error.
    """
    return _left(path, value, max_bytes, 0) >= 0 and len(_encode(value)) <= max_bytes


def _left(path: str, value: object, left: int, depth: int) -> int:
    """Returns `left` minus the least number of bytes that a value can have as JSON, which counts one byte for a
    character. A negative result means that the value does not fit into `left` bytes. Raises `invalid_request` as
    `json_fits` does.

    `depth` is how deep the value is nested. Counting stops as soon as the result is negative.
    """
    if depth > NESTING_MAX:
        raise invalid(path, f"must not be nested deeper than {NESTING_MAX}")
    if isinstance(value, dict | list | tuple):
        return _left_by_members(path, value, left, depth + 1)
    if isinstance(value, str):
        check_text(path, value)
        return left - len(value) - 2
    if isinstance(value, int):
        _check_integer(path, value)
    elif isinstance(value, float):
        _check_double(path, value)
    elif isinstance(value, bytes | bytearray | memoryview):
        raise invalid(path, "must not contain binary values")
    return left - 1


def _left_by_members(
    path: str, value: dict[str, object] | list[object] | tuple[object, ...], left: int, depth: int
) -> int:
    members = enumerate(value) if isinstance(value, list | tuple) else value.items()
    for key, member in members:
        if isinstance(key, str):
            check_text(path, key)
            left -= len(key) + 3
        left = _left(path, member, left - 1, depth)
        if left < 0:
            break
    return left - 1


def _check_double(path: str, value: float) -> None:
    if not isfinite(value):
        raise invalid(path, "must not contain NaN or infinite numbers")


def _check_integer(path: str, value: int) -> None:
    if abs(value) > SAFE_INTEGER_MAX:
        raise invalid(path, f"must not contain integers beyond ±{SAFE_INTEGER_MAX}: send them as text")


def check_metadata(path: str, value: dict[str, object]) -> None:
    """Raises `invalid_request` for `metadata` that is larger than `METADATA_MAX_BYTES` as JSON or not valid JSON.
    `path` is its field in the request, to name in the error."""
    if not json_fits(path, value, METADATA_MAX_BYTES):
        raise invalid(path, f"must be at most {METADATA_MAX_BYTES} bytes of JSON")


def check_avatar(path: str, value: str) -> None:
    """Raises `invalid_request` unless `value`, the address of a picture, is an http(s) URL or an absolute path on this
    server, with at most `AVATAR_MAX_LENGTH` characters. `path` is its field in the request."""
    check_text(path, value)
    if len(value) > AVATAR_MAX_LENGTH or _AVATAR.fullmatch(value) is None:
        raise invalid(path, f"must be an http(s) URL or a path, with at most {AVATAR_MAX_LENGTH} characters")


def check_url(path: str, url: str) -> None:
    """Raises `invalid_request` unless `url` is an http(s) URL, which a browser opens without running a script. `path`
    names the field in the error."""
    check_text(path, url)
    if len(url) > URL_MAX_LENGTH:
        raise invalid(path, f"must have at most {URL_MAX_LENGTH} characters")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise invalid(path, "must be a URL") from None
    if url.startswith(_UPLOADED):
        raise invalid(path, "is one of this server's files: send its id as `id` instead")
    if parts.scheme not in {"http", "https"} or not parts.hostname or _UNPRINTABLE.search(url):
        raise invalid(path, "must be an http or https URL")
