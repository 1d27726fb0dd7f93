"""The work for a text grows at most linearly with its length, whatever the text consists of."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from itertools import combinations_with_replacement
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.openid.sign_in import SignInFailed
from talkwire.wire import HandshakeRefused, RemoteProtocolError
from tests.repetition import repetitions
from tests.text_readers import READERS, Reader

KIB = 1024
PRINTABLE = [*map(chr, range(32, 127)), "\n"]
UNITS = st.text(st.sampled_from([*map(chr, range(128)), *"éß\u0301\u0130ﷺあ한👩\u200d"]), min_size=1, max_size=3)

GROWS_AT_MOST = 6
"""How many times as much work four times the text may take."""

FREE_STEPS = 300
MEASURED_FROM_S = 0.004
"""Shorter work is not measured exactly enough."""

each_reader = pytest.mark.parametrize("read", READERS.values(), ids=[name.replace(" ", "-") for name in READERS])


def repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def read_or_refuse(read: Reader, text: str) -> None:
    with suppress(ChatError, ValueError, RemoteProtocolError, HandshakeRefused, SignInFailed):
        read(text)


def steps_of(read: Reader, text: str) -> int:
    """Returns how many lines of Python run while a text is read."""
    steps = 0

    def count(_frame: FrameType, event: str, _argument: object) -> object:
        nonlocal steps
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)  # type: ignore[arg-type]
    try:
        read_or_refuse(read, text)
    finally:
        sys.settrace(before)
    return steps


@each_reader
@settings(max_examples=repetitions(100, 16))
@given(unit=UNITS)
@example(unit=")")
@example(unit="`")
@example(unit="\u0315\u0300")
def test_a_repeated_text_of_64_kib_is_read(read: Reader, unit: str) -> None:
    """Work that grows with the square ends this test by its time limit."""
    read_or_refuse(read, repeated(unit, 64 * KIB))


@each_reader
@settings(max_examples=repetitions(60, 8))
@given(unit=UNITS)
def test_four_times_the_text_takes_at_most_six_times_the_steps(read: Reader, unit: str) -> None:
    short, long = (steps_of(read, repeated(unit, length * KIB)) for length in (2, 8))
    assert long <= GROWS_AT_MOST * short + FREE_STEPS


@each_reader
def test_all_pairs_of_signs_are_read(read: Reader) -> None:
    for unit in map("".join, combinations_with_replacement(PRINTABLE, 2)):
        read_or_refuse(read, repeated(unit, 64 * KIB))


@each_reader
def test_four_times_the_text_takes_at_most_six_times_as_long(read: Reader) -> None:
    slow = []
    for unit in map("".join, combinations_with_replacement(PRINTABLE, 2)):
        short_s = _least_s(read, repeated(unit, 16 * KIB), attempts=1)
        if short_s >= MEASURED_FROM_S:
            growth = _growth(read, unit, attempts=3)
            if growth > GROWS_AT_MOST:
                growth = _growth(read, unit, attempts=12)
            if growth > GROWS_AT_MOST:
                slow.append((unit, growth))
    assert slow == []


def _growth(read: Reader, unit: str, *, attempts: int) -> float:
    """Returns how many times as long 64 KiB take as 16 KiB."""
    short_s, long_s = (_least_s(read, repeated(unit, length * KIB), attempts=attempts) for length in (16, 64))
    return long_s / short_s


def _least_s(read: Reader, text: str, *, attempts: int) -> float:
    """Returns the processor time of the fastest of some attempts, in seconds."""
    times = []
    for _ in range(attempts):
        begun_s = time.thread_time()
        read_or_refuse(read, text)
        times.append(time.thread_time() - begun_s)
    return min(times)
