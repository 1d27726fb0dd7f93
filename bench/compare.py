"""`python -m bench.compare TREE`: processor time for each message of this tree's server, against that of other trees.

A machine that others share changes its speed by a third within seconds, so two runs one after the other show no
difference below that. Here one server of each tree runs on the same core, each with its own load generator. The load
generators take turns of a third of a second; all others are stopped meanwhile. The figure is the median of the ratios
of neighbouring turns. With `--database postgresql` each server has a PostgreSQL of its own, whose processor time counts
too.
"""

from __future__ import annotations

import argparse
import mmap
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench import build, dataset
from bench.dataset import Dataset
from bench.load import LOAD_CORE, LoadFailedError
from bench.machine import pinned, processor_time_s, raise_file_limit
from bench.scenarios import CONCURRENT_HANDSHAKES, KNOWN_USERS, PAIR_CLIENTS, ROOM_MEMBERS, SOURCE_ADDRESSES
from bench.servers import (
    TALKWIRE,
    TALKWIRE_POSTGRESQL,
    Entrant,
    Place,
    Running,
    ServerFailedError,
    talkwire_arguments,
)

JOIN_S = 60.0
TURN_S = 0.3
PROGRESS_S = 20.0
REST_S = 0.05
"""For the server to finish what was in flight when its load generator was stopped."""

_COUNTERS = struct.Struct("5Q")


@dataclass(frozen=True)
class Load:
    """A kind of traffic for the comparison. Results are per `unit`, such as a message or a delivery.

    `counted` returns the number of units from the load generator's counters.
    """

    mode: str
    data: Dataset
    connections: int
    in_flight: int
    unit: str
    counted: Callable[[Counters], int]


@dataclass(frozen=True)
class Counters:
    """The load generator's counters, which it updates in a shared file (`struct counters` of `loadgen/load.h`)."""

    messages: int
    deliveries: int
    acks: int
    handshakes: int
    bytes: int


def _fanout(in_flight: int) -> Load:
    data = dataset.one_conversation(ROOM_MEMBERS)
    return Load("fanout", data, ROOM_MEMBERS, in_flight, "delivery", lambda counters: counters.deliveries)


LOADS = {
    "pairs": Load("pairs", dataset.pairs(PAIR_CLIENTS), PAIR_CLIENTS, 1, "message", lambda counters: counters.messages),
    "fanout-1": _fanout(1),
    "fanout-16": _fanout(16),
    "handshake": Load(
        "handshake",
        dataset.pairs(KNOWN_USERS),
        CONCURRENT_HANDSHAKES,
        1,
        "handshake",
        lambda counters: counters.handshakes,
    ),
}


ENTRANTS = {"sqlite": TALKWIRE, "postgresql": TALKWIRE_POSTGRESQL}


@dataclass(frozen=True)
class Contender:
    """A running server with the code of one source tree, and its load generator, which is stopped between turns."""

    name: str
    server: Running
    generator: subprocess.Popen[bytes]
    counters: mmap.mmap

    def turn(self, load: Load) -> list[float]:
        """Runs the load generator for a turn. Returns the microseconds of processor time per message of each server
        process.

        The first process is the server; the second one, if there is one, is its PostgreSQL.
        """
        self.generator.send_signal(signal.SIGCONT)
        time.sleep(REST_S)
        deadline = time.monotonic() + PROGRESS_S
        before, clocks_before = load.counted(self.count()), self.clocks()
        while True:
            time.sleep(TURN_S)
            count = load.counted(self.count()) - before
            if count or time.monotonic() > deadline or self.generator.poll() is not None:
                break
        clocks = self.clocks()
        self.generator.send_signal(signal.SIGSTOP)
        time.sleep(REST_S)
        if not count:
            raise LoadFailedError(f"{self.name}: the load generator counted nothing")
        return [
            sum(clock - earlier.get(pid, 0.0) for pid, clock in now.items()) / count * 1e6
            for earlier, now in zip(clocks_before, clocks, strict=True)
        ]

    def count(self) -> Counters:
        return Counters(*_COUNTERS.unpack_from(self.counters))

    def clocks(self) -> list[dict[int, float]]:
        """Returns, for each server process, the used processor time in seconds of it and of its living children, by
        process id.
        """
        return [
            {pid: clock for pid in family(process.pid) if (clock := cpu_s(pid)) is not None}
            for process in self.server.processes
        ]


def family(pid: int) -> list[int]:
    """Returns the ids of a process and its living children. PostgreSQL has one child process for each connection."""
    children = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *map(int, " ".join(children).split())]


def cpu_s(pid: int) -> float | None:
    """Returns the processor time of all threads of a process in seconds; None if the process has ended."""
    try:
        return processor_time_s(pid)
    except OSError:
        return None


def main() -> int:
    options = parse_options()
    raise_file_limit()
    build.load_generator()
    trees = [build.HERE.parent, *options.trees]
    try:
        for name in options.loads:
            compare(trees, name, options.database, options.turns)
    except (LoadFailedError, ServerFailedError) as error:
        print(f"bench.compare: {error}", file=sys.stderr)
        return 1
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__.partition("\n")[0])
    parser.add_argument("trees", type=Path, nargs="+", metavar="TREE", help="another checkout, such as a git worktree")
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS))
    parser.add_argument("--database", choices=ENTRANTS, default="sqlite", help="what the servers store messages in")
    parser.add_argument("--turns", type=int, default=40, help="turns of each server")
    return parser.parse_args()


def compare(trees: Sequence[Path], name: str, database: str, turns: int) -> None:
    """Measures the servers of several source trees in turns under one load, and prints processor times and ratios."""
    load = LOADS[name]
    with ExitStack() as stack:
        # Every server first: a stopped load generator does not answer heartbeats.
        servers = [stack.enter_context(serving(tree, load, ENTRANTS[database])) for tree in trees]
        contenders = [
            stack.enter_context(contending(tree, load, *server)) for tree, server in zip(trees, servers, strict=True)
        ]
        print(f"{name} on {database}: processor time for each {load.unit}", flush=True)
        report(contenders, [take_turns(contenders, load, number) for number in range(turns)])


@contextmanager
def serving(tree: Path, load: Load, entrant: Entrant) -> Iterator[tuple[Path, Running]]:
    """Runs the server of a source tree until the block ends, with this Python and its libraries.

    Yields the folder of its data, and the server.
    """
    entrant = replace(entrant, name=str(tree), command=partial(_command, tree))
    with tempfile.TemporaryDirectory(prefix="run-", dir=build.BUILD) as name:
        folder = Path(name)
        with entrant.running(folder, load.data, load.data.write(folder)) as server:
            yield folder, server


def _command(tree: Path, place: Place) -> list[str]:
    run = f"import sys; sys.path.insert(0, {str(tree / 'src')!r}); from talkwire.cli import main; sys.exit(main())"
    return [sys.executable, "-c", run, *talkwire_arguments(place)]


@contextmanager
def contending(tree: Path, load: Load, folder: Path, server: Running) -> Iterator[Contender]:
    """Connects the clients of a load generator to a server, and stops the generator. Yields both, ready for turns."""
    files = load.data.write(folder)
    counts = folder / "counts"
    counts.write_bytes(bytes(_COUNTERS.size))
    arguments = {
        "port": server.port,
        "pid": server.processes[0].pid,
        "tokens": files.tokens,
        "conversations": files.conversation_ids,
        "connections": load.connections,
        "in-flight": load.in_flight,
        "warmup": 1e6,
        "counts": counts,
        "sources": SOURCE_ADDRESSES,
    }
    flags = [f"--{name}={value}" for name, value in arguments.items()]
    with pinned(LOAD_CORE):
        generator = subprocess.Popen([str(build.load_generator()), load.mode, *flags])
    try:
        with counts.open("r+b") as file, mmap.mmap(file.fileno(), 0) as counters:
            contender = Contender(str(tree), server, generator, counters)
            _await_traffic(contender, load)
            yield contender
    finally:
        generator.kill()
        generator.wait()


def _await_traffic(contender: Contender, load: Load) -> None:
    """Waits until the load generator has counted something, which means that all clients have joined, and stops it."""
    deadline = time.monotonic() + JOIN_S
    while not load.counted(contender.count()):
        if contender.generator.poll() is not None or time.monotonic() > deadline:
            raise LoadFailedError(f"{contender.name}: the clients did not join")
        time.sleep(0.05)
    time.sleep(1)
    contender.generator.send_signal(signal.SIGSTOP)


def take_turns(contenders: Sequence[Contender], load: Load, number: int) -> list[list[float]]:
    """Runs each contender for one turn, and returns their processor times per message.

    In every second call the contenders run in the opposite order.
    """
    order = contenders if number % 2 == 0 else contenders[::-1]
    figures = {contender.name: contender.turn(load) for contender in order}
    return [figures[contender.name] for contender in contenders]


def report(contenders: Sequence[Contender], turns: Sequence[Sequence[Sequence[float]]]) -> None:
    for contender, figures in zip(contenders, zip(*turns, strict=True), strict=True):
        ratios = [sum(turn[0]) / sum(figure) for turn, figure in zip(turns, figures, strict=True)]
        low, median, high = statistics.quantiles(ratios, n=4)
        print(f"  {statistics.median(map(sum, figures)):8.2f} µs  {contender.name}", end="")
        if len(contender.server.processes) > 1:
            parts = zip(contender.server.processes, zip(*figures, strict=True), strict=True)
            print(
                " (",
                ", ".join(f"{process.name} {statistics.median(part):.2f}" for process, part in parts),
                ")",
                sep="",
                end="",
            )
        print("" if contender is contenders[0] else f"  this tree is at {median:.2f} of it [{low:.2f}..{high:.2f}]")


if __name__ == "__main__":
    sys.exit(main())
