"""An event loop that stands still is reported, and ends the process only where that is wanted."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator
from typing import Self

import pytest
from structlog.testing import capture_logs

from talkwire.app import Node
from talkwire.cli.workers.worker import WorkerNode
from talkwire.observability import stall_watch
from talkwire.observability.stall_watch import StallTimer, StallWatch, stacks
from tests.waiting import pause, wait_until


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall_watch, "STALLED_S", 0.05)
    monkeypatch.setattr(stall_watch, "_TICK_S", 0.01)


@pytest.mark.parametrize(
    ("looks", "stalled_s"),
    [
        ([(0.5, False)] * 4, 2.0),
        ([(0.5, False)] * 4 + [(0.5, True)], 0.0),
        ([(0.5, False)] * 4 + [(0.5, True)] + [(0.5, False)] * 2, 1.0),
        # The machine slept, or the process was stopped, for longer than the watching thread may be late.
        ([(0.5, False)] * 4 + [(2.1, False)], 0.0),
        ([(0.5, False)] * 4 + [(3600.0, False)] + [(0.5, False)] * 3, 1.5),
        # It was late, but not by that much.
        ([(0.5, False)] * 4 + [(2.0, False)], 4.0),
    ],
)
def test_only_time_counts_in_which_the_watching_thread_ran(looks: list[tuple[float, bool]], stalled_s: float) -> None:
    now_s = 100.0
    timer = StallTimer(now_s)
    for passed_s, has_turned in looks:
        now_s += passed_s
        timer.look(now_s, has_turned=has_turned)
    assert timer.stalled_s == pytest.approx(stalled_s)


class Watched:
    """The watch of the running event loop, whose end of the process is only noted."""

    def __init__(self, exit_s: float) -> None:
        self.ends = 0
        self.watch = StallWatch(exit_s, self._end)

    def _end(self) -> None:
        self.ends += 1

    @property
    def stalls(self) -> float:
        (metric,) = self.watch.collect()
        (sample,) = metric.samples
        return sample.value

    def __enter__(self) -> Self:
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.stop()


def block_until(watched: Watched, stalls: int) -> None:
    """Stops the event loop until it was reported so often."""
    wait_until(lambda: watched.stalls >= stalls)


@pytest.fixture
def logs() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as found:
        yield found  # type: ignore[misc]


async def test_a_loop_that_stands_still_is_reported_once_with_the_stacks_of_all_threads(
    logs: list[dict[str, object]],
) -> None:
    with Watched(0.0) as watched:
        await asyncio.sleep(0)
        wait_until(lambda: logs)
        line = logs[0]
        assert (line["event"], line["log_level"]) == ("loop_stalled", "critical")
        threads = line["threads"]
        assert isinstance(threads, dict)
        first, *others = threads.values()
        assert "test_stall_watch.py" in first
        assert first.endswith(" wait_until")
        assert any("stall_watch.py" in stack for stack in others)
        assert watched.ends == 0


@pytest.mark.parametrize("was_enabled", [True, False])
def test_the_stacks_are_taken_while_the_collector_cannot_run(
    monkeypatch: pytest.MonkeyPatch, *, was_enabled: bool
) -> None:
    """Python 3.11 before 3.11.9 may stand still for ever if it runs meanwhile."""
    enabled: list[bool] = []

    def current_frames() -> dict[int, object]:
        enabled.append(gc.isenabled())
        return {}

    monkeypatch.setattr(sys, "_current_frames", current_frames)
    (gc.enable if was_enabled else gc.disable)()
    try:
        assert stacks(first=threading.get_ident()) == {}
        assert (enabled, gc.isenabled()) == ([False], was_enabled)
    finally:
        gc.enable()


async def test_each_time_it_stands_still_is_reported(logs: list[dict[str, object]]) -> None:
    with Watched(0.0) as watched:
        for number in (1, 2):
            block_until(watched, number)
            await pause(0.1)
    wait_until(lambda: len(logs) >= 2)


async def test_the_process_ends_after_the_time_set_for_it(logs: list[dict[str, object]]) -> None:
    with Watched(0.1) as watched:
        wait_until(lambda: watched.ends)
    assert [line.get("ends") for line in logs][0 :: len(logs) - 1] == [None, "process"]
    assert watched.ends == 1


async def test_a_log_that_nobody_reads_does_not_keep_the_process_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    full = threading.Event()
    monkeypatch.setattr(stall_watch, "REPORT_S", 0.01)
    monkeypatch.setattr(stall_watch._logger, "critical", lambda *_, **__: full.wait(), raising=False)
    with Watched(0.1) as watched:
        wait_until(lambda: watched.ends)
    full.set()


def test_stacks_have_one_line_each_and_the_wanted_thread_first() -> None:
    found = stacks(first=threading.get_ident())
    assert next(iter(found)).endswith(str(threading.get_ident()))
    assert "\n" not in "".join(found.values())


def test_only_the_command_serve_and_its_workers_end_a_stalled_process() -> None:
    assert not Node.ends_stalled_process
    assert WorkerNode.ends_stalled_process
