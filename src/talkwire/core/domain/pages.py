"""Pages of lists: the maximum size of one in items and in bytes, and the cursors that lead to the next one."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.texts import check_text

PAGE_MAX = 100
"""Most items on a page."""

PAGE_MAX_BYTES = 256 * 1024
"""Largest page of messages or events, in bytes of JSON."""

_NUMBER_MAX = 2**53
"""Upper bound of a number in a cursor; numbers from it on are not exact in JSON."""

K = TypeVar("K")
T = TypeVar("T")


def within_bytes(items: Sequence[T], size_of: Callable[[T], int], max_bytes: int = PAGE_MAX_BYTES) -> Sequence[T]:
    """Returns as many of the first items as fit into `max_bytes` in total, but at least one. `size_of` returns an
    item's size in bytes.

    Without this limit, a page of the largest items would exceed what a client's connection buffers.
    """
    size = 0
    for index, item in enumerate(items):
        size += size_of(item)
        if size > max_bytes and index:
            return items[:index]
    return items


def list_cursor(key: object) -> str:
    """Returns an opaque cursor that encodes `key`, the sort key of a page's last item, so that the next page can
    continue after it. The key is a tuple of texts and numbers."""
    return urlsafe_b64encode(msgspec.json.encode(key)).decode()


def key_of_cursor(cursor: str, kind: type[K]) -> K:
    """Returns the sort key of the type `kind` that a cursor encodes (`list_cursor`). Raises `invalid_request` for a
    text that is not such a cursor."""
    try:
        key = msgspec.json.decode(urlsafe_b64decode(cursor), type=kind)
        for part in msgspec.to_builtins(key):
            _check_part(part)
    except (ValueError, RecursionError, ChatError):
        raise invalid("cursor", "is not a cursor of this list") from None
    return key


def _check_part(part: int | str) -> None:
    """Raises ValueError or ChatError unless the part of a cursor's key is a text that a database can store, or a number
    from 0 to 2^53."""
    if isinstance(part, str):
        check_text("cursor", part)
    elif not 0 <= part < _NUMBER_MAX:
        raise ValueError("is no time")
