"""The rate limit of log lines."""

from __future__ import annotations

from talkwire.observability.log_rate_limit import LogRateLimit


def test_the_next_second_reports_how_many_lines_were_suppressed() -> None:
    limit = LogRateLimit(per_s=3)
    assert [limit.take(100 + moment / 10) for moment in range(8)] == [0, 0, 0, None, None, None, None, None]
    assert [limit.take(101), limit.take(101.5), limit.take(101.6), limit.take(101.7)] == [5, 0, 0, None]
    assert limit.take(200) == 1
