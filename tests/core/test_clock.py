"""The clock of the process."""

from __future__ import annotations

import time

import pytest

from talkwire.core.clock import now_ms


def test_the_clock_returns_whole_milliseconds_rounded_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_999_999)
    assert now_ms() == 1_700_000_000_123
