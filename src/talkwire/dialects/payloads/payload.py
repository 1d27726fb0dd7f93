"""What all payloads share. Empty members are left out."""

from __future__ import annotations

import re

import msgspec

from talkwire.core.errors import ChatError
from talkwire.core.times import iso

__all__ = ["Payload", "invalid_payload", "iso"]


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
