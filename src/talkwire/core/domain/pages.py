"""The maximum size of one page of a list, in items and in bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

PAGE_MAX = 100
"""Maximum number of items on a page."""

PAGE_MAX_BYTES = 256 * 1024
"""Maximum size of a page of messages or events, in bytes of JSON."""

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
