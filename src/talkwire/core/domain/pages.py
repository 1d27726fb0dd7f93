"""Limits of one page of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

PAGE_MAX = 100
"""Maximum number of items on a page."""

PAGE_MAX_BYTES = 256 * 1024
"""Maximum size of a page of messages or events, in bytes of JSON."""

T = TypeVar("T")


def within_bytes(items: Sequence[T], size_of: Callable[[T], int], max_bytes: int = PAGE_MAX_BYTES) -> Sequence[T]:
    """Returns the first items whose sizes in bytes add up to at most `max_bytes`, and at least one.

    A page of the largest items would exceed what a client's connection buffers.
    """
    size = 0
    for index, item in enumerate(items):
        size += size_of(item)
        if size > max_bytes and index:
            return items[:index]
    return items
