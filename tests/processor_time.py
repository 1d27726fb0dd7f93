"""Limits on processor time that hold on a slow or busy machine.

A second program on the same core can double the processor time that a piece of work takes. So a limit is stated for a
reference machine, and multiplied by how much slower this machine is at that moment.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

_REFERENCE_S = 0.0075
"""The time for `_work` on the reference machine: a virtual machine with two cores of an AMD EPYC, otherwise idle."""

_ATTEMPTS = 3
_ROWS = "[" + ",".join(['[1,2.5,"abc"]'] * 20_000) + "]"


def limit_s(seconds: float) -> float:
    """Returns the processor time in which this machine does what the reference machine does in `seconds`."""
    return seconds * max(1.0, min(_work_s() for _ in range(_ATTEMPTS)) / _REFERENCE_S)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises AssertionError if the block takes its thread more processor time than the reference machine may need."""
    begun_s = time.thread_time()
    yield
    spent_s = time.thread_time() - begun_s
    allowed_s = limit_s(seconds)
    assert spent_s <= allowed_s, f"took {spent_s:.3f} s of processor time, and {allowed_s:.3f} s are allowed"


def _work_s() -> float:
    """Parses and adds up 20,000 small arrays. Returns the processor time in seconds."""
    collects = gc.isenabled()
    gc.disable()
    try:
        begun_s = time.thread_time()
        sum(row[0] + len(row[2]) for row in json.loads(_ROWS))
        return time.thread_time() - begun_s
    finally:
        if collects:
            gc.enable()
