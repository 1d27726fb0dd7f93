"""Defines the quantities that grow in the benchmark (messages, members, connections, …) and measures waits at each
size.

For each size of an axis, it fills a database or opens connections, starts a server, and runs the axis's probes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from bench import build, dataset, machine
from bench.dataset import Dataset
from bench.entrants import TALKWIRE
from bench.growth import probes
from bench.growth.fill import Database
from bench.growth.probes import Probe, client_of, median_ms
from bench.load import LoadGenerator
from bench.scenarios import IDLE_CONCURRENCY, KNOWN_USERS, SOURCE_ADDRESSES
from bench.servers import Running

START = "start of the server, until it answers"
JOIN_TIMEOUT_S = 120.0
_EVERYTHING_S = 600
"""Longer than any probe: the idle clients are stopped before."""

Grow = Callable[[Database, int], None]
Crowd = Callable[[Running, int], AbstractContextManager[None]]
Say = Callable[[str], None]


def _no_crowd(_server: Running, _size: int) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Axis:
    """A quantity that grows, such as the number of messages, and the probes: requests whose duration is measured at
    each size.

    `grow` fills the database to a size. `crowd` opens that many connections beside the measured client's own.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    probes: tuple[Probe, ...]
    grow: Grow = lambda _database, _size: None
    crowd: Crowd = _no_crowd
    with_start: bool = True


@dataclass(frozen=True)
class Curve:
    """The median durations of one probe (a kind of request) in milliseconds, one for each size of its axis."""

    name: str
    sizes: Sequence[int]
    ms: Sequence[float]


def measure(axis: Axis, data: Path, say: Say) -> list[Curve]:
    """Measures an axis (a quantity that grows) at all its sizes, and returns a curve for each probe.

    The database grows while no server runs. `say` receives lines about the progress.
    """
    waited: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="growth-", dir=data) as name:
        folder = Path(name)
        data_folder = folder / "node-1" / "talkwire-data"
        data_folder.mkdir(parents=True)
        database = Database(data_folder / "talkwire.db")
        database.create()
        for size in axis.sizes:
            began = time.monotonic()
            axis.grow(database, size)
            filled_s = time.monotonic() - began
            figures = _figures(axis, folder, size)
            for probe, ms in figures.items():
                waited.setdefault(probe, []).append(ms)
            say(f"growth, {axis.name} {size:,}: filled in {filled_s:.0f} s, all in {time.monotonic() - began:.0f} s")
    return [Curve(probe, axis.sizes, ms) for probe, ms in waited.items()]


def _figures(axis: Axis, folder: Path, size: int) -> dict[str, float]:
    files = Dataset({}).write(folder)
    entrant = replace(TALKWIRE, prepare=lambda _running, _data: None)
    began = time.perf_counter()
    with entrant.running(folder, Dataset({}), files) as server:
        start_ms = (time.perf_counter() - began) * 1000
        with axis.crowd(server, size), client_of(server) as client:
            figures = {probe.name: median_ms(probe, client) for probe in axis.probes}
    return figures | ({START: start_ms} if axis.with_start else {})


@contextmanager
def _idle_connections(server: Running, count: int) -> Iterator[None]:
    """Keeps `count` joined connections open until the block ends. They only answer heartbeats."""
    load = LoadGenerator(build.load_generator(), 0, _EVERYTHING_S)
    with tempfile.TemporaryDirectory() as name:
        files = dataset.pairs(KNOWN_USERS).write(Path(name))
        process = load.start_idle(
            server, files, connections=count, concurrency=IDLE_CONCURRENCY, sources=SOURCE_ADDRESSES
        )
        try:
            _await_sockets(server, count)
            yield
        finally:
            process.kill()
            process.communicate()


def _await_sockets(server: Running, count: int) -> None:
    deadline = time.monotonic() + JOIN_TIMEOUT_S
    while server.metric("talkwire_sockets") < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {server.metric('talkwire_sockets'):.0f} of {count} connections joined")
        time.sleep(0.2)  # the server notifies nobody of a number of sockets


AXES = (
    Axis(
        "messages",
        "messages in a conversation",
        (1_000, 10_000, 100_000, 1_000_000),
        (
            probes.JOIN,
            probes.LIST,
            probes.NEWEST,
            probes.MIDDLE,
            probes.STATE,
            probes.EVENTS,
            probes.SEARCH_COMMON,
            probes.SEARCH_BEGINNING,
            probes.SEARCH_SELDOM,
            probes.SEARCH_ONE,
            probes.SEARCH_STRANGERS,
            probes.SEARCH_STRANGERS_BEGINNING,
            probes.SEND,
        ),
        Database.grow_messages,
    ),
    Axis(
        "conversations",
        "conversations of a user",
        (10, 100, 1_000, 10_000, 100_000),
        (probes.JOIN, probes.LIST, probes.OPEN, probes.NEWEST, probes.STATE, probes.SEARCH_COMMON, probes.SEND),
        Database.grow_conversations,
    ),
    Axis(
        "members",
        "members of a conversation",
        (2, 10, 100, 1_000, 10_000, 100_000),
        (probes.JOIN, probes.LIST, probes.OPEN, probes.NEWEST, probes.STATE, probes.USERS, probes.USER, probes.SEND),
        Database.grow_members,
    ),
    Axis(
        "users",
        "users of the server",
        (1_000, 10_000, 100_000, 1_000_000),
        (probes.JOIN, probes.LIST, probes.USERS, probes.USER, probes.STATE, probes.SEND),
        Database.grow_users,
    ),
    Axis(
        "connections",
        "idle connections beside one's own",
        (10, 100, 1_000, 10_000, machine.possible_connections(20_000)),
        (probes.JOIN, probes.LIST, probes.NEWEST, probes.STATE, probes.SEND),
        crowd=_idle_connections,
        with_start=False,
    ),
)
AXIS_NAMES = tuple(axis.name for axis in AXES)
LARGEST = max(size for axis in AXES for size in axis.sizes)
