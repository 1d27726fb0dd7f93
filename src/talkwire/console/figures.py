"""The figures of one node for the operators' console: its current state, and its work in the last minute."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from talkwire.core.clock import now_ms

SAMPLE_S = 5.0
"""Seconds between two samples of a node's figures."""

SAMPLES = 13
"""Number of samples that are kept, of which the first is a minute old."""

_MEMORY = Path("/proc/self/statm")


class DoneWork(NamedTuple):
    """The numbers of messages, commands and refusals of a node, since its start or in the last minute."""

    messages: int
    commands: int
    refusals: int


class NodeFigures(msgspec.Struct, frozen=True):
    """The figures of one node. `messages`, `commands` and `refusals` count the last minute.

    `loop_lag_ms` is the longest delay of the node's event loop in the last ten seconds. `memory_bytes` is None if the
    operating system does not report it.
    """

    id: str
    version: str
    host: str
    pid: int
    started_ms: int
    draining: bool
    connections: int
    users: int
    loop_lag_ms: float
    cpu_seconds: float
    memory_bytes: int | None
    messages: int
    commands: int
    refusals: int


class LimitCount(msgspec.Struct, frozen=True):
    """A limit of the server. `refused` says how often it was exceeded since the node's start.

    With `per_s`, the limit is a rate: `value` actions at once, refilled by `per_s` a second. Without `per_s`, `value`
    is the number of connections, sessions or sockets that may be open.
    """

    name: str
    value: int
    refused: int
    per_s: float | None = None


class PushFigures(msgspec.Struct, frozen=True):
    """Counts of requests to push services. `attempts` has the number of requests since the node's start by outcome.

    `errors` has, by the id of a push subscription, why its newest request failed; other subscriptions are missing.
    """

    attempts: Mapping[str, int]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NodeSources:
    """The version of a node, and functions that return its other current figures, for `NodeReporter`. Each function
    returns without waiting."""

    version: str
    draining: Callable[[], bool]
    users: Callable[[], int]
    loop_lag_s: Callable[[], float]
    done: Callable[[], DoneWork]
    limits: Callable[[], tuple[LimitCount, ...]]
    pushes: Callable[[], PushFigures]


@dataclass(slots=True)
class MinuteCounts:
    """Counts a node's work in the last minute, from samples that the task `run` takes. `done` returns the counts since
    the node's start.
    """

    done: Callable[[], DoneWork]
    _samples: deque[DoneWork] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    async def run(self) -> None:
        """Takes a sample of the node's work every `SAMPLE_S` seconds until the task is cancelled."""
        while True:
            self._samples.append(self.done())
            await asyncio.sleep(SAMPLE_S)

    def last_minute(self) -> DoneWork:
        """Returns the work since the oldest kept sample: of the last 60 to 65 seconds, or since `run` started if that
        is less.
        """
        now = self.done()
        before = self._samples[0] if self._samples else DoneWork(0, 0, 0)
        return DoneWork(*(int(new - old) for new, old in zip(now, before, strict=True)))


class NodeReporter:
    """Assembles the `NodeFigures` of this node from `sources`. `connections` returns the number of connected sockets.

    Run the coroutine `minute.run()` as a task: it takes the samples for the counts of the last minute.
    """

    def __init__(self, node_id: str, sources: NodeSources, connections: Callable[[], int]) -> None:
        self.sources = sources
        self._node_id = node_id
        self._connections = connections
        self._started_ms = now_ms()
        self._host = socket.gethostname()
        self._pid = os.getpid()
        self.minute = MinuteCounts(sources.done)

    def figures(self) -> NodeFigures:
        sources, done = self.sources, self.minute.last_minute()
        return NodeFigures(
            id=self._node_id,
            version=sources.version,
            host=self._host,
            pid=self._pid,
            started_ms=self._started_ms,
            draining=sources.draining(),
            connections=self._connections(),
            users=sources.users(),
            loop_lag_ms=round(sources.loop_lag_s() * 1000, 1),
            cpu_seconds=round(time.process_time(), 2),
            memory_bytes=memory_bytes(),
            messages=done.messages,
            commands=done.commands,
            refusals=done.refusals,
        )


def memory_bytes() -> int | None:
    """Returns the resident memory of this process in bytes; None if the operating system does not report it."""
    try:
        return int(_MEMORY.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
