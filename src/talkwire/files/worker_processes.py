"""Runs a program that reads untrusted bytes: each time in a process of its own, without blocking the event loop."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "TMPDIR")
"""Names of the environment variables that Python needs. The server's others may hold secrets."""


class ProgramFailed(Exception):
    """Raised when a program ends without a result. `status` is its exit code, None if it was killed at its deadline;
    `reason` is the last line of its errors.
    """

    def __init__(self, status: int | None, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class WorkerProcesses:
    """Runs one Python program, at most `at_once` times at the same time, each run for `deadline_s` seconds at most.

    `program` is what follows `python`: a path, or `-m` and a module. The program limits its own memory and processor
    time. Call `close` when done.
    """

    def __init__(self, *program: str, at_once: int, deadline_s: float) -> None:
        # -P: files beside the program must not shadow modules of the standard library.
        self._command = (sys.executable, "-P", *program)
        self._deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="talkwire-worker")

    async def run(self, arguments: Sequence[str], stdin: bytes = b"") -> bytes:
        """Runs the program with arguments and an input, and returns its output. Raises ProgramFailed."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, arguments, stdin)

    def close(self) -> None:
        """Waits for the runs in progress."""
        self._threads.shutdown()

    def _run(self, arguments: Sequence[str], stdin: bytes) -> bytes:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            done = subprocess.run(  # noqa: S603 (our own program, no shell)
                (*self._command, *arguments), env=environment, input=stdin, capture_output=True,
                timeout=self._deadline_s, check=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ProgramFailed(None, f"it took more than {self._deadline_s:g} s") from None
        except subprocess.CalledProcessError as error:
            reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise ProgramFailed(error.returncode, reason) from None
        return done.stdout
