"""Measures the turns of the server's event loop: inside its process, outside its code.

A heartbeat on the loop reads the processor time of the loop's thread every few milliseconds, or once a turn where turns
take longer. So the longest difference between two beats is the longest turn, or up to one interval more, and a machine
that is busy with something else does not change it. A thread answers on a Unix socket: a line `reset` begins a
measurement, a line `report` returns it as JSON.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import json
import resource
import socketserver
import tempfile
import threading
import time
from pathlib import Path
from typing import cast

_LONG_S = 0.03
_WATCH_S = 0.01
_FRAMES_SHOWN = 8


class Meter:
    """Made in the loop's thread. `beat_s` is the interval of its heartbeat."""

    def __init__(self, loop: asyncio.AbstractEventLoop, beat_s: float) -> None:
        self._loop = loop
        self._beat_s = beat_s
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._collecting_since_s = 0.0
        gc.callbacks.append(self._collecting)
        self.reset()
        self._beat()

    def reset(self) -> None:
        self._longest_s = 0.0
        self._longest_collection_s = 0.0
        self._longest_seen_s = _LONG_S
        self._where = ""
        self._last_s = self._begun_s = time.clock_gettime(self._clock)
        self._begun_process_s = _process_time_s()

    def report(self) -> dict[str, object]:
        """The longest turn since `reset`, where the loop was in it, and processor time in all."""
        now_s = time.clock_gettime(self._clock)
        return {
            # A turn that is not over yet counts as well.
            "longest_turn_s": max(self._longest_s, now_s - self._last_s),
            "loop_cpu_s": now_s - self._begun_s,
            "process_cpu_s": _process_time_s() - self._begun_process_s,
            "longest_collection_s": self._longest_collection_s,
            "where": self._where,
        }

    def _beat(self) -> None:
        now_s = time.clock_gettime(self._clock)
        self._longest_s = max(self._longest_s, now_s - self._last_s)
        self._last_s = now_s
        self._loop.call_later(self._beat_s, self._beat)

    def _collecting(self, phase: str, info: dict[str, int]) -> None:
        """Before and after each collection of garbage, whichever thread it fell to."""
        now_s = time.thread_time()
        if phase == "start":
            self._collecting_since_s = now_s
        else:
            self._longest_collection_s = max(self._longest_collection_s, now_s - self._collecting_since_s)

    def watch(self) -> None:
        """Notes what the loop is doing in a long turn; for a thread of its own."""
        while True:
            time.sleep(_WATCH_S)
            spent_s = time.clock_gettime(self._clock) - self._last_s
            if spent_s > self._longest_seen_s:
                self._longest_seen_s = spent_s
                self._where = self._stack()

    def _stack(self) -> str:
        """Returns where the loop's thread is, the innermost frames first."""
        # Frame objects of another thread, such as `sys._current_frames()` returns, sometimes crash Python 3.11.
        with tempfile.TemporaryFile("w+") as file:
            faulthandler.dump_traceback(file, all_threads=True)
            file.seek(0)
            _, _, stack = file.read().partition(f"Thread 0x{self._thread:016x}")
        return "\n".join(stack.partition("\n\n")[0].splitlines()[1 : _FRAMES_SHOWN + 1])


def _process_time_s() -> float:
    """Returns the processor time of the process, and of those that it started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class _Answers(socketserver.StreamRequestHandler):
    """One connection of a test."""

    def handle(self) -> None:
        server = cast("_Control", self.server)
        for line in self.rfile:
            if line.strip() == b"reset":
                server.meter.reset()
            self.wfile.write(json.dumps(server.meter.report()).encode() + b"\n")


class _Control(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, meter: Meter) -> None:
        self.meter = meter
        super().__init__(str(path), _Answers)


def start_meter(loop: asyncio.AbstractEventLoop, path: Path, beat_s: float) -> None:
    """Starts measuring, and answering at `path`. Call it in the loop's thread."""
    meter = Meter(loop, beat_s)
    control = _Control(path, meter)
    threading.Thread(target=meter.watch, daemon=True).start()
    threading.Thread(target=control.serve_forever, daemon=True).start()
