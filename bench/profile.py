"""`python -m bench.profile`: where the processor time of Talkwire's server goes, in microseconds for each message or
handshake.

`perf` takes samples of all threads of the server while it is under load. A sample in the kernel counts for the system
call that led there, and any other for the library whose code ran.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import build, dataset
from bench.contest import Load
from bench.dataset import Dataset
from bench.entrants import TALKWIRE, TALKWIRE_POSTGRESQL
from bench.load import LoadGenerator, Traffic
from bench.machine import raise_file_limit
from bench.servers import Entrant

SAMPLES_A_SECOND = 2_000
WARMUP_S = 0.5
SECONDS = 6.0

OTHER_KERNEL = "kernel: the rest"
OTHER = "the rest"

KERNEL_PARTS = {
    "kernel: files and disk": (
        "__x64_sys_fdatasync",
        "__x64_sys_pwrite64",
        "__x64_sys_pread64",
        "ext4_file_write_iter",
    ),
    "kernel: hand-over between threads": ("do_futex", "eventfd_write", "eventfd_read"),
    "kernel: writing to sockets": ("tcp_sendmsg", "unix_stream_sendmsg", "vfs_write", "do_writev"),
    "kernel: reading from sockets": ("tcp_recvmsg", "unix_stream_recvmsg", "vfs_read"),
    "kernel: waiting for sockets": ("do_epoll_wait", "do_epoll_ctl", "do_sys_poll"),
    "kernel: opening and closing sockets": ("__sys_accept4", "__sys_setsockopt", "__x64_sys_close", "do_shut_down"),
}
"""Functions of Linux by which a sample in the kernel belongs to a part; the first part with a match counts."""

LIBRARY_PARTS = {
    "SQLite": ("_sqlite3", "libsqlite3"),
    "interpreter": ("libpython", "/bin/python", "/lib-dynload/"),
    "PostgreSQL's client": ("psycopg", "libpq"),
    "uvloop": ("uvloop",),
    "msgspec": ("msgspec",),
    "HTTP parser and WebSocket": ("httptools", "websockets"),
    "cryptography": ("libcrypto", "libssl", "_rust"),
    "C library": ("libc.so", "libm.so", "libpthread", "ld-linux", "vdso"),
}
"""Parts of a library's path by which a sample outside of the kernel belongs to a part."""


@dataclass(frozen=True)
class Subject:
    """What is profiled: a load on a server with its users."""

    entrant: Entrant
    data: Dataset
    load: Load


def _pairs(entrant: Entrant, clients: int, in_flight: int) -> Subject:
    load = Load("pairs", "pairs", clients, lambda traffic: traffic.acks, {"in_flight": in_flight})
    return Subject(entrant, dataset.pairs(clients), load)


def _fanout(in_flight: int) -> Subject:
    load = Load("fanout", "fanout", 1_000, lambda traffic: traffic.messages, {"in_flight": in_flight})
    return Subject(TALKWIRE, dataset.one_conversation(1_000), load)


def _connects(data: Dataset) -> Subject:
    return Subject(
        TALKWIRE, data, Load("connects", "handshake", 64, lambda traffic: traffic.handshakes, {"sources": 16})
    )


SUBJECTS = {
    "100 in flight": _pairs(TALKWIRE, 100, 1),
    "1,000 clients": _pairs(TALKWIRE, 1_000, 1),
    "100 clients with 40 each": _pairs(TALKWIRE, 100, 40),
    "PostgreSQL, 100 in flight": _pairs(TALKWIRE_POSTGRESQL, 100, 1),
    "PostgreSQL, 100 clients with 40 each": _pairs(TALKWIRE_POSTGRESQL, 100, 40),
    "fan-out, 1 in flight": _fanout(1),
    "fan-out, 16 in flight": _fanout(16),
    "handshakes": _connects(dataset.pairs(1_000)),
    "first connects": _connects(dataset.strangers(100_000)),
}


def main() -> None:
    """Prints a table in Markdown with a column for each chosen subject."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__.partition("\n")[0])
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help="; ".join(SUBJECTS))
    chosen = parser.parse_args().subjects or list(SUBJECTS)
    if unknown := set(chosen) - SUBJECTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    raise_file_limit()
    generator = LoadGenerator(build.load_generator(), WARMUP_S, SECONDS)
    columns = {name: profile(SUBJECTS[name], generator) for name in chosen}
    print(table(columns))


def profile(subject: Subject, generator: LoadGenerator) -> dict[str, float]:
    """Returns the processor time of each part of the server, in microseconds for each message or handshake."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=build.BUILD) as name:
        folder = Path(name)
        files = subject.data.write(folder)
        with (
            subject.entrant.running(folder, subject.data, files) as server,
            subject.load.clients(generator, server, files) as clients,
        ):
            clients.take_turn()
            samples = folder / "perf.data"
            with _recording(server.processes[0].pid, samples) as recorder:
                traffic = clients.take_turn()
                recorder.wait()
            return _shares(subject, traffic, Counter(map(part_of, _stacks(samples))))


def _recording(pid: int, samples: Path) -> subprocess.Popen[bytes]:
    """Starts `perf`, which ends before the load does."""
    options = ["-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND), "-g", "-p", str(pid), "-o", str(samples)]
    command = ["perf", "record", *options, "--", "sleep", str(SECONDS)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _shares(subject: Subject, traffic: Traffic, samples: Counter[str]) -> dict[str, float]:
    us = traffic.process_cpu_s[0] / subject.load.counted(traffic) * 1e6
    total = samples.total()
    return {"all": us} | {part: us * count / total for part, count in samples.items()}


def _stacks(samples: Path) -> Iterator[list[str]]:
    """Yields each sample as the lines of its frames, the innermost first. A line is an address, a function and, in
    brackets, the file that contains it.
    """
    command = ["perf", "script", "-i", str(samples), "-F", "ip,sym,dso"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for sample in text.split("\n\n"):
        if frames := sample.strip().splitlines():
            yield frames


def part_of(frames: list[str]) -> str:
    """Returns the part of the server to which a sample belongs."""
    if "[kernel" in frames[0]:
        functions = {frame.split()[1].partition("+")[0] for frame in frames}
        return next((part for part, names in KERNEL_PARTS.items() if functions.intersection(names)), OTHER_KERNEL)
    library = frames[0].rpartition("(")[2]
    return next((part for part, names in LIBRARY_PARTS.items() if any(name in library for name in names)), OTHER)


def table(columns: dict[str, dict[str, float]]) -> str:
    """Returns the columns as a table in Markdown."""
    parts = ["all", *KERNEL_PARTS, OTHER_KERNEL, *LIBRARY_PARTS, OTHER]
    rows = [["µs for each message or handshake", *columns], ["---", *["---:"] * len(columns)]]
    for part in parts:
        figures = [column.get(part, 0.0) for column in columns.values()]
        if any(figure >= 0.05 for figure in figures):
            rows.append([part, *(f"{figure:.1f}" if figure >= 0.05 else "-" for figure in figures)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
