"""When a refused event is sent again."""

from __future__ import annotations

from talkwire.webhooks.schedule import RETRY_DELAYS_S, retry_delay_ms

MIDDLE = 0.5


def _delay_s(attempt: int, retry_after_s: float | None = None, random: float = MIDDLE) -> float:
    return retry_delay_ms(attempt, retry_after_s, lambda: random) / 1000


def test_the_delays_grow_and_the_last_one_repeats() -> None:
    assert [_delay_s(attempt) for attempt in range(1, 12)] == [
        *(5, 30, 120, 600, 1800, 3600, 7200, 18000),
        *(36000, 36000, 36000),
    ]


def test_the_delays_vary_by_a_tenth() -> None:
    assert (_delay_s(2, random=0), _delay_s(2, random=1)) == (27, 33)


def test_an_endpoint_may_ask_for_more_time_within_bounds() -> None:
    assert _delay_s(1, 60) == 60
    assert _delay_s(3, 60) == 120
    assert _delay_s(1, 10**9) == RETRY_DELAYS_S[-1]
