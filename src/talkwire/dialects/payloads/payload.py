"""What all payloads share. Empty members are left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from talkwire.core.errors import ChatError


class Payload(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A JSON object with camelCase members."""


_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile("required field `([^`]+)`$")


def invalid_payload(error: msgspec.ValidationError) -> ChatError:
    """`invalid_request` with the place where a payload does not fit its type, such as `memberIds[3]`."""
    text = str(error)
    place = _PLACE.search(text)
    message = text if place is None else text[: place.start()]
    path = "" if place is None else place.group(1)
    missing = _MISSING.search(message)
    if missing is not None:
        path = f"{path}.{missing.group(1)}".lstrip(".")
    return ChatError("invalid_request", f"{path}: {message}".lstrip(": "), [{"path": path, "message": message}])


# Formatting takes longer than encoding a whole message, and all messages of a commit have the same time.
@lru_cache(maxsize=1024)
def iso(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
