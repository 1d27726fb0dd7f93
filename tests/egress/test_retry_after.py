"""When a receiver of requests wants the next one."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from talkwire.egress import parse_retry_after


@pytest.mark.parametrize(
    ("header", "expected_s"),
    [
        (None, None),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 400, 999_999_999),
        (formatdate(1030, usegmt=True), 30),
        (formatdate(900, usegmt=True), 0),
        ("Thu, 01 Jan 1970 00:17:10 -0000", 30),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("Fri, 99 Foo 2026 99:99:99 GMT", None),
        ("Fri, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_retry_after_is_seconds_or_a_date(
    monkeypatch: pytest.MonkeyPatch, zone: str, header: str | None, expected_s: float | None
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert parse_retry_after(header, 1000) == expected_s
    finally:
        monkeypatch.undo()
        time.tzset()
