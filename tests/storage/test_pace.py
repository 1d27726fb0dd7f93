"""How long work behind the log rests."""

from __future__ import annotations

import pytest

from talkwire.storage.followers.pace import BUSY, FOLLOWER_PATIENCE_S, IDLE, Pace

SPENT_S = 0.01


def share_after(load: float = 0.0, lag_s: float = 0.0, *, busy: bool = False) -> float:
    """The share of the time that is worked, after a second in which others took `load` of a processor."""
    walls_s, cpus_s = iter([0.0, 1.0]), iter([0.0, load + SPENT_S])
    pace = Pace(lambda: busy, clock_s=lambda: next(walls_s), cpu_s=lambda: next(cpus_s))
    return SPENT_S / (SPENT_S + pace.rest_s(SPENT_S, lag_s, is_last=False))


def test_a_follower_takes_a_larger_share_while_the_chat_is_idle() -> None:
    assert share_after(load=0.2) == pytest.approx(IDLE.first)
    assert share_after(load=0.9) == pytest.approx(BUSY.first)
    assert share_after(busy=True) == pytest.approx(BUSY.first)


@pytest.mark.parametrize(("busy", "shares"), [(False, IDLE), (True, BUSY)])
def test_a_lagging_follower_takes_a_larger_share_up_to_a_limit(busy: object, shares: tuple[float, float]) -> None:
    first, most = shares
    found = [share_after(lag_s=times * FOLLOWER_PATIENCE_S, busy=bool(busy)) for times in (0.5, 1, 2, 1_000_000)]
    assert found == pytest.approx([first, first, 2 * first, most])


@pytest.mark.parametrize(("load", "busy"), [(0.2, False), (0.9, True)])
def test_the_process_is_busy_after_a_loaded_second(load: float, busy: object) -> None:
    walls_s, cpus_s = iter([0.0, 1.0]), iter([0.0, load])
    pace = Pace(clock_s=lambda: next(walls_s), cpu_s=lambda: next(cpus_s))
    assert not pace.is_busy
    pace.rest_s(0.0, 0.0, is_last=False)
    assert pace.is_busy is busy


def test_the_process_is_busy_while_commands_are_queued() -> None:
    assert Pace(lambda: True).is_busy


def test_own_work_does_not_count_as_others_work() -> None:
    walls_s, cpus_s = iter([0.0, 1.0]), iter([0.0, 1.0])
    pace = Pace(lambda: False, clock_s=lambda: next(walls_s), cpu_s=lambda: next(cpus_s))
    assert pace.rest_s(1.0, 0, is_last=False) == pytest.approx(1 / IDLE.first - 1)


def test_a_follower_at_the_end_of_the_log_collects_further_events() -> None:
    pace = Pace(gather_s=2.0, clock_s=lambda: 0.0, cpu_s=lambda: 0.0)
    assert pace.rest_s(0.001, 0, is_last=True) == 2.0
    assert pace.rest_s(0.001, 0, is_last=False) < 1.0
    assert pace.rest_s(10.0, 0, is_last=True) > 2.0
