"""Functions about the machine: pins processes to cores, raises the limit of open files, describes the machine for
reports.
"""

from __future__ import annotations

import os
import platform
import resource
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

SPARE_FILES = 500
"""The files that are left for others than a server's connections (it reserves 256), and for connections that end."""

BUSY = 0.15
"""The share of a core that other processes may use on a quiet machine."""

REST = 0.1
"""The share of a core that all processes may use during `REST_S` seconds while the servers rest."""
REST_S = 0.5


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Pins processes that are started in this block to `core`. Does nothing if there is no such core."""
    before = os.sched_getaffinity(0)
    if core in before:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor_time_s(pid: int) -> float:
    """Returns the processor time that all threads of a process have used, in seconds."""
    return time.clock_gettime((~pid << 3) | 2)  # the clock that clock_getcpuclockid(3) finds


def free_port() -> int:
    """Returns a TCP port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def possible_connections(wanted: int) -> int:
    """Returns `wanted`, or the number of connections that one process may open, rounded down to hundreds, if that is
    less.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(wanted, (hard - SPARE_FILES) // 100 * 100)


def raise_file_limit() -> int:
    """Raises the soft limit of open files to the hard limit, also for child processes, and returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def filesystem_of(path: Path) -> str:
    """Returns the type of the file system that holds `path`, such as ext4. On tmpfs, durable writes would cost
    nothing.
    """
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(mount, kind) for mount, kind in mounts if path.resolve().is_relative_to(mount)]
    return max(holding, key=lambda entry: len(entry[0]))[1]


def interpreter() -> str:
    """Returns this Python's version and how it was compiled, as text for a report.

    Profile-guided optimization makes servers some 10 to 20 % faster.
    """
    configured, flags = (str(sysconfig.get_config_var(name) or "") for name in ("CONFIG_ARGS", "PY_CORE_CFLAGS"))
    level = max((word for word in flags.split() if word.startswith("-O")), default="-O?")
    guided = "--enable-optimizations" in configured or "-fprofile-use" in flags
    how = "with" if guided else "without a sign of"
    return f"Python {platform.python_version()} (built with {level}, {how} profile-guided optimization)"


def commit() -> str:
    """Returns the checked-out commit, with a remark if files differ from it."""
    found = subprocess.run(
        ["git", "describe", "--always", "--abbrev=10", "--dirty= with changes"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def dated() -> str:
    """Returns a sentence for a report: today's date, the commit, the machine and the Python version."""
    return f"Measured on {datetime.now(UTC):%Y-%m-%d} at commit {commit()}: {describe()}; {interpreter()}."


def busy() -> str:
    """Measures for one second how much other processes use the machine, and returns a sentence for a report."""
    before = all_processors_time_s()
    time.sleep(1)
    share = all_processors_time_s() - before
    if share > BUSY:
        return f"The machine was busy: other processes used {share:.0%} of a core before the first run."
    return f"The machine was quiet: other processes used {share:.0%} of a core before the first run."


def await_rest(limit_s: float) -> None:
    """Waits until processes use hardly any processor time, at most for `limit_s` seconds: a server may go on working
    after its clients have received everything.
    """
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        before = all_processors_time_s()
        time.sleep(REST_S)
        if all_processors_time_s() - before < REST_S * REST:
            return


def all_processors_time_s() -> float:
    """Returns the seconds that all cores together have worked since the start of the machine.

    It reads `/proc/stat` (Linux), without idle and iowait.
    """
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def describe() -> str:
    """Returns the machine's processor, cores, memory and kernel, in one line."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release().split('-')[0]}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
