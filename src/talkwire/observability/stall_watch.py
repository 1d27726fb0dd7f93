"""Watches the event loop from a thread of its own, and reports when it stands still: nobody is served then, and nothing
on the loop can say so."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import structlog
from prometheus_client import Counter
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from talkwire.observability.series import without_created

STALLED_S = 5.0
"""Seconds without a turn of the event loop after which its standing still is reported."""

WATCH_GAP_S = 2.0
"""Seconds without a turn of the watching thread after which the process was stopped or the machine slept, and the event
loop is given its time again."""

FRAMES_MAX = 40
"""Most frames of a stack that a report shows."""

REPORT_S = 1.0
"""Longest time that a process that is about to end waits for its last line, in seconds: the log itself may be what
stalls."""

EXIT_CODE = 1
"""Exit code of a process that ends because its event loop stands still."""

_TICK_S = 0.5
_logger = structlog.get_logger(__name__)


class StallTimer:
    """Counts the seconds for which an event loop has stood still while the watching thread ran. `now_s` is the time in
    seconds of a monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self.stalled_s = 0.0
        self._looked_s = now_s

    def look(self, now_s: float, *, has_turned: bool) -> float:
        """Returns for how many seconds the event loop has stood still. `has_turned` says whether it has run since the
        last call."""
        passed_s, self._looked_s = now_s - self._looked_s, now_s
        self.stalled_s = 0.0 if has_turned or passed_s > WATCH_GAP_S else self.stalled_s + passed_s
        return self.stalled_s


def end_process() -> None:
    """Ends this process at once, like `kill -9`, which loses nothing that was acknowledged."""
    os._exit(EXIT_CODE)


class StallWatch(Collector):
    """A thread that reports each time the event loop has stood still for `STALLED_S` seconds: it counts it, and logs
    the stacks of all threads as one line. After `exit_s` seconds it calls `end`; 0 is never.
    """

    def __init__(self, exit_s: float, end: Callable[[], None] = end_process) -> None:
        self._exit_s = exit_s
        self._end = end
        self._has_turned = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stall watch", daemon=True)
        self._stalls = Counter(
            "talkwire_loop_stalls", f"How often the event loop has stood still for {STALLED_S:.0f} s", registry=None
        )

    def start(self) -> None:
        """Starts watching the running event loop, whose thread calls this."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._thread.start()

    def stop(self) -> None:
        """Stops watching, and waits until the thread has ended."""
        self._stopping.set()
        self._thread.join()

    def collect(self) -> Iterator[Metric]:
        return without_created(self._stalls)

    def _watch(self) -> None:
        timer, is_reported = StallTimer(time.monotonic()), False
        self._ask()
        while not self._stopping.wait(_TICK_S):
            has_turned = self._has_turned
            stalled_s = timer.look(time.monotonic(), has_turned=has_turned)
            if has_turned:
                self._ask()
            if stalled_s < STALLED_S:
                is_reported = False
            elif not is_reported:
                is_reported = True
                self._stalls.inc()
                self._report(stalled_s)
            if 0 < self._exit_s <= stalled_s:
                self._report(stalled_s, is_last=True).join(REPORT_S)
                self._end()
                return

    def _ask(self) -> None:
        """Asks the event loop to note that it has run, in its next turn."""
        self._has_turned = False
        self._loop.call_soon_threadsafe(self._note_turn)

    def _note_turn(self) -> None:
        self._has_turned = True

    def _report(self, stalled_s: float, *, is_last: bool = False) -> threading.Thread:
        """Logs the stacks of all threads on a thread of its own, which it returns: a log that nobody reads stalls the
        event loop, and must not stall this thread too."""
        threads = stacks(first=self._loop_thread)

        def report() -> None:
            ends = {"ends": "process"} if is_last else {}
            _logger.critical("loop_stalled", seconds=round(stalled_s), threads=threads, **ends)

        reporting = threading.Thread(target=report, daemon=True)
        reporting.start()
        return reporting


def stacks(first: int) -> dict[str, str]:
    """Returns the stack of each thread by the thread's name, in one line with the innermost function last. `first` is
    the id of the thread that is listed first."""
    with _without_collector():
        frames = sys._current_frames()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    ids = sorted(frames, key=lambda id_: (id_ != first, id_))
    return {f"{names.get(id_, 'thread')} {id_}": _stack(frames[id_]) for id_ in ids}


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keeps the garbage collector from running in the block. `sys._current_frames` makes objects while it holds a lock
    of the interpreter; if the collector ran then, another thread could wait for that lock while it has the GIL, and the
    process would stand still for ever (CPython issue 106883, in Python 3.11 before 3.11.9)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _stack(frame: FrameType) -> str:
    # The interpreter's own modules, such as those that import others, are frozen.
    walked = (each for each in traceback.walk_stack(frame) if not each[0].f_code.co_filename.startswith("<frozen"))
    summary = traceback.StackSummary.extract(walked, limit=FRAMES_MAX, lookup_lines=False)
    places = [f"{'/'.join(Path(each.filename).parts[-2:])}:{each.lineno} {each.name}" for each in reversed(summary)]
    return " > ".join(places)
