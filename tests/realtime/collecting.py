"""Seeing which objects are released, and which by their reference counts alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def only_new_objects() -> Iterator[None]:
    """Inside, `gc.get_objects()` returns only what was made since: nothing that other tests have left, and quickly."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def without_collector() -> Iterator[None]:
    """Turns the garbage collector off. Inside, `gc.get_objects()` returns only what was made since."""
    with only_new_objects():
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
