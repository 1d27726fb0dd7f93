"""What a text from outside has to be before anything else sees it: checks at the door.

Neither U+0000 nor a lone surrogate can be stored in PostgreSQL, and SQLite would cut a text at the first; JSON nested
deeper than `NESTING_MAX` overflows parsers further on.
"""

from __future__ import annotations

import re
from math import isfinite

import msgspec

from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import ID_MAX_LENGTH, SAFE_INTEGER_MAX, is_valid_id

TEXT_MAX_BYTES = 64 * 1024
NAME_MAX_LENGTH = 200
METADATA_MAX_BYTES = 4 * 1024
NESTING_MAX = 64
AVATAR_MAX_LENGTH = 2048

# Whoever shows a picture loads it: an address of the web, or of a file of ours.
_AVATAR = re.compile(r"(?:https?://[^/\s]|/(?!/))\S*")
_encode = msgspec.json.Encoder().encode


def check_text(path: str, value: str) -> None:
    """Refuses what no database can keep."""
    if "\x00" in value:
        raise invalid(path, "must not contain U+0000")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise invalid(path, "must not contain lone surrogates") from None


def check_name(path: str, value: str, limit: int = NAME_MAX_LENGTH) -> None:
    """A short text of one line: something must be in it."""
    check_text(path, value)
    if not value.strip() or len(value) > limit:
        raise invalid(path, f"must have 1 to {limit} characters")


def check_content(path: str, value: str, *, may_be_empty: bool = False) -> None:
    """A message's text: not empty unless there is something beside it, at most `TEXT_MAX_BYTES` of UTF-8."""
    check_text(path, value)
    if (not value or value.isspace()) and not may_be_empty:
        raise invalid(path, "must not be empty")
    if len(value) * 4 > TEXT_MAX_BYTES and len(value.encode()) > TEXT_MAX_BYTES:
        raise ChatError("payload_too_large", f"{path}: at most {TEXT_MAX_BYTES} bytes")


def check_id(path: str, value: str) -> None:
    """An id in the contract's form (section 2)."""
    if not is_valid_id(value):
        raise invalid(path, f"must be an id: 1 to {ID_MAX_LENGTH} characters without spaces, '/' or control characters")


def check_json(path: str, value: object, depth: int = 0) -> None:
    """Checks every text and number in a JSON value, and how deep it is nested."""
    if depth > NESTING_MAX:
        raise invalid(path, f"must not be nested deeper than {NESTING_MAX}")
    match value:
        case str():
            check_text(path, value)
        case dict():
            for key, member in value.items():
                check_text(path, key)
                check_json(path, member, depth + 1)
        case list() | tuple():
            for member in value:
                check_json(path, member, depth + 1)
        case float():
            _check_double(path, value)
        case int():
            _check_integer(path, value)
        case bytes():
            raise invalid(path, "must not contain binary values")


def _check_double(path: str, value: float) -> None:
    if not isfinite(value):
        raise invalid(path, "must not contain NaN or infinite numbers")


def _check_integer(path: str, value: int) -> None:
    if abs(value) > SAFE_INTEGER_MAX:
        raise invalid(path, f"must not contain integers beyond ±{SAFE_INTEGER_MAX}: send them as text")


def json_size(path: str, value: object) -> int:
    """Returns how many bytes of JSON a value is. Compare it before `check_json`, which takes long for a value of many
    parts. Raises `invalid_request` for what is no JSON."""
    try:
        return len(_encode(value))
    except (UnicodeEncodeError, RecursionError):
        check_json(path, value)
        raise


def check_metadata(path: str, value: dict[str, object]) -> None:
    """An application's own JSON beside something of ours."""
    if json_size(path, value) > METADATA_MAX_BYTES:
        raise invalid(path, f"must be at most {METADATA_MAX_BYTES} bytes of JSON")
    check_json(path, value)


def check_avatar(path: str, value: str) -> None:
    """The address of a picture."""
    check_text(path, value)
    if len(value) > AVATAR_MAX_LENGTH or _AVATAR.fullmatch(value) is None:
        raise invalid(path, f"must be an http address or a path, of at most {AVATAR_MAX_LENGTH} characters")
