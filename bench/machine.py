"""The machine: cores to pin processes to, file descriptors, and a description for the report."""

from __future__ import annotations

import os
import platform
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    """Returns the processor time of all threads of a process."""
    return time.clock_gettime((~pid << 3) | 2)  # the clock that clock_getcpuclockid(3) finds


def free_port() -> int:
    """Returns a free port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def raise_file_limit() -> int:
    """Raises the soft limit of open files, which child processes inherit, to the hard one, and returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def filesystem_of(path: Path) -> str:
    """Returns the type of the file system that holds `path`, such as ext4: durable writes to tmpfs
    would cost nothing.
    """
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(mount, kind) for mount, kind in mounts if path.resolve().is_relative_to(mount)]
    return max(holding, key=lambda entry: len(entry[0]))[1]


def describe() -> str:
    """Returns processor, cores, memory and kernel, in one line."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release().split('-')[0]}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
