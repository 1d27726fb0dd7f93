"""Turns the id by which an application knows a user into the id by which Talkwire does. Functions here use no settings.

The ids of identity providers have forms of their own: base64 with `/`, addresses, names with spaces, up to 255
characters (OpenID Connect Core 1.0, section 2). Talkwire's ids stand in addresses of routes, so they have not. An id of
another form is therefore mapped to one that Talkwire can have.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from talkwire.core.domain.log.positions import is_own_id
from talkwire.core.domain.model import SAFE_INTEGER_MAX, is_valid_id

MAPPED_PREFIX: Final = "h-"

_MAPPED = re.compile(r"h-[0-9a-f]{32}")
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def user_id_of(given: object, *, own: bool = False) -> str:
    """Returns Talkwire's id for the user whom an application calls `given`, a text or a whole number.

    An id that Talkwire can have is returned unchanged. Any other is mapped: `h-` and the first 32 hexadecimal digits of
    the SHA-256 of its UTF-8. An id that looks mapped is mapped itself, so that no user who may choose an id becomes
    another user with it. Raises ValueError for an id that is empty, has control characters or is in the range of
    Talkwire's own ids; its text says what is wrong. `own` says that the id is from Talkwire itself, so any id that
    Talkwire can have is right.
    """
    user_id = given if isinstance(given, str) else _decimal_text(given)
    if user_id is None:
        raise ValueError("is neither a text nor a whole number")
    if is_valid_id(user_id):
        if own:
            return user_id
        if is_own_id(user_id):
            raise ValueError("is in the range that is reserved for this server's own ids")
        if _MAPPED.fullmatch(user_id) is None:
            return user_id
    elif not user_id.strip():
        raise ValueError("is empty")
    elif _UNUSABLE.search(user_id) is not None:
        raise ValueError("has control characters")
    return MAPPED_PREFIX + sha256(user_id.encode()).hexdigest()[:32]


def _decimal_text(value: object) -> str | None:
    """Returns the decimal text of a whole number; None for any other value. Some providers write the id 12 as 12.0."""
    match value:
        case bool():
            return None
        case int():
            return str(value)
        case float() if value.is_integer() and abs(value) <= SAFE_INTEGER_MAX:
            return str(int(value))
        case _:
            return None
