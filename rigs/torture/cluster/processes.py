"""What all processes of the cluster have in common: they are ended, paused and waited for by their ids."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.forked_talkwire import Process

ENDS_WITHIN_S = 30.0


async def wait_until(
    condition: Callable[[], Awaitable[bool]], what: str, deadline_s: float, step_s: float = 0.05
) -> None:
    """Waits for a condition that sends no notification, by polling. Raises TimeoutError, which names the condition."""
    deadline = time.monotonic() + deadline_s
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {deadline_s:.0f} s")
        await asyncio.sleep(step_s)


async def end(process: Process, with_signal: int, deadline_s: float = ENDS_WITHIN_S) -> int:
    """Sends a signal, waits for the end, and returns the exit status."""
    if process.poll() is None:
        process.send_signal(with_signal)
        if with_signal != signal.SIGKILL:
            process.send_signal(signal.SIGCONT)

    async def ended() -> bool:
        return process.poll() is not None

    await wait_until(ended, f"process {process.pid} ends after signal {with_signal}", deadline_s, 0.01)
    return process.wait()


def children_of(pid: int) -> list[int]:
    """The processes that a process has started itself."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in path.read_text().split()]
    except FileNotFoundError:
        return []


def signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def resident_mb(pid: int) -> float | None:
    """Returns a process's memory in MB; None if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    found = next((line for line in status.splitlines() if line.startswith("VmRSS:")), None)
    return None if found is None else int(found.split()[1]) / 1024
