"""A server process whose descriptors, tasks, objects and memory a test can count."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chat.chat_server import SECRET, ChatAddress
from tests.forked_talkwire import Process, Streams, start_python
from tests.protocol.server_process import reserved_port

PROGRAM = Path(__file__).with_name("counted_server.py")
START_DEADLINE_S = 120.0
SETTLE_DEADLINE_S = 60.0

REMEMBERED = frozenset({"RingEntry", "MessageSent", "Message", "DoneWork"})
"""Sent messages stay in memory for a while, for recovery (`realtime/recovery/event_ring.py`), and so do the samples of
the last minute that the console shows (`console/figures.py`)."""

QUIET_LOOKS = 8
"""Half a second apart: longer than a session of these tests lives without a sign of its client."""


@dataclass(frozen=True)
class Count:
    """The live objects of the server at one moment."""

    descriptors: int
    tasks: list[str]
    objects: dict[str, int]
    resident_bytes: int

    def exceeds(self, before: Count, pooled: int = 0) -> str | None:
        """What there is more of than before; memory does not count, nor do so many connections of a pool."""
        if self.descriptors > before.descriptors + pooled:
            return f"{self.descriptors - before.descriptors} descriptors more"
        if len(self.tasks) > len(before.tasks):
            return f"{len(self.tasks) - len(before.tasks)} tasks more, such as {self.tasks[-3:]}"
        return None


@dataclass
class CountedServer(ChatAddress):
    """A server whose objects can be counted: `url` is its address, `side` the port that returns the counts."""

    url: str
    port: int
    side: int
    process: Process
    log: Path
    prepared: dict[str, Any] = field(default_factory=dict)
    """Paths that the tests ask for, by name."""

    at_rest: Count | None = None
    """The live objects while no client is connected."""

    async def count(self) -> Count:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.side)
        counts = json.loads(await reader.read())
        writer.close()
        await writer.wait_closed()
        return Count(self.descriptors(), counts["tasks"], counts["objects"], self._resident())

    def descriptors(self) -> int:
        """All descriptors except those of the side port's connections, which close after their response."""
        return sum(self._is_lasting(path) for path in Path(f"/proc/{self.process.pid}/fd").iterdir())

    @staticmethod
    def _is_lasting(path: Path) -> bool:
        try:
            return bool(path.readlink())
        except FileNotFoundError:
            return False

    def _resident(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def settled(self, pooled: int = 0) -> Count:
        """Returns the count once it is no higher than at rest. Fails after a deadline."""
        assert self.at_rest is not None, "it was never at rest"
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while (problem := (now := await self.count()).exceeds(self.at_rest, pooled)) is not None:
            assert time.monotonic() < deadline, problem
            await asyncio.sleep(0.1)
        return now

    async def kept_since(self, before: Count, count: int) -> set[str]:
        """Returns the names of objects of which at least `count` more are alive than before: at once when there are
        none, else after the time that sessions take to end by a timeout."""
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while True:
            alive = (await self.count()).objects
            kept = {name for name, had in alive.items() if had - before.objects.get(name, 0) >= count}
            if not kept - REMEMBERED or time.monotonic() > deadline:
                return kept - REMEMBERED
            await asyncio.sleep(0.1)

    async def come_to_rest(self) -> Count:
        """Returns the count once it has stopped falling for a while, so that timeouts have passed."""
        last, unchanged = await self.count(), 0
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while unchanged < QUIET_LOOKS:
            assert time.monotonic() < deadline, "the server does not come to rest"
            await asyncio.sleep(0.5)
            now = await self.count()
            same = (now.descriptors, len(now.tasks)) == (last.descriptors, len(last.tasks))
            last, unchanged = now, unchanged + 1 if same else 0
        return last

    def logged_errors(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if '"level": "error"' in line or "Traceback" in line]


@contextmanager
def counted_server(
    folder: Path, *, collect: bool, environment: Mapping[str, str] | None = None, **settings: object
) -> Iterator[CountedServer]:
    """Yields a running server; without `collect`, its garbage collector is off."""
    port, side = reserved_port(), reserved_port()
    values = {"data": str(folder / "data"), "jwt_secret": SECRET, "rate_limits": False, **settings}
    log = folder / "server.log"
    with Path(os.devnull).open("rb") as nothing, log.open("wb") as output:
        command = [str(PROGRAM), str(port), str(side), json.dumps({"settings": values, "collect": collect})]
        process = start_python(command, Streams(nothing, output, output), {**os.environ, **(environment or {})}, folder)
    server = CountedServer(f"http://127.0.0.1:{port}", port, side, process, log)
    try:
        _wait_until_counted(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_until_counted(server: CountedServer) -> None:
    # The side port is opened behind the other one.
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", server.side), timeout=START_DEADLINE_S).close()
        except OSError:
            waits = server.process.poll() is None and time.monotonic() < deadline
            assert waits, f"the server does not answer: {server.log.read_text()}"
            time.sleep(0.05)
        else:
            return
