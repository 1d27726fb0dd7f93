"""The processes of an author, one after the other, as the rig starts, kills, stops and reads them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.processes import end
from rigs.torture.streams.author import Job
from tests.forked_talkwire import Process, Streams, start_python

T = TypeVar("T")

WITHIN_S = 180.0


class AuthorProcess:
    """An author. `lines` is what all its processes have printed, `log` the file of their errors."""

    def __init__(self, job: Job, log: Path) -> None:
        self._job = job
        self._log = log
        self._process: Process | None = None
        self._started = 0
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.lines: list[Json] = []

    @property
    def appends(self) -> int:
        """How many the author's draft has."""
        return self._job.appends

    @property
    def answers(self) -> list[Json]:
        """The answers to appends."""
        return [line for line in self.lines if "stored" in line]

    @property
    def finished(self) -> Json | None:
        """The message once it has ended."""
        return next((line["finished"] for line in self.lines if "finished" in line), None)

    @property
    def message_id(self) -> str:
        """The message that the author has opened last."""
        return str([line["opened"]["messageId"] for line in self.lines if "opened" in line][-1])

    def stored(self) -> dict[str, int]:
        """Returns how much of each message an answer has called stored."""
        found: dict[str, int] = {}
        for answer in self.answers:
            found[answer["messageId"]] = max(answer["stored"], found.get(answer["messageId"], 0))
        return found

    def start(self) -> None:
        readable, writable = os.pipe()
        arguments = ["-m", "rigs.torture.streams.author", json.dumps(asdict(self._job)), str(self._started)]
        self._started += 1
        with Path(os.devnull).open("rb") as nothing, os.fdopen(writable, "wb") as output, self._log.open("ab") as log:
            self._process = start_python(arguments, Streams(nothing, output, log), os.environ, Path.cwd())
        self._reading = asyncio.create_task(self._read(readable))

    async def _read(self, descriptor: int) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        with os.fdopen(descriptor, "rb") as pipe:
            transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
            while line := await reader.readline():
                if line.endswith(b"\n"):  # the last line of a process that was killed may be incomplete
                    self.lines.append(json.loads(line))
                    self._changed.set()
            transport.close()
        self._changed.set()

    async def until_answered(self, count: int) -> None:
        """Waits until so many appends were answered, or the author has finished."""
        await self.wait_for(lambda: len(self.answers) >= count or self.finished)

    async def until_finished(self) -> Json:
        message = await self.wait_for(lambda: self.finished)
        assert message is not None, "it was waited for"
        return message

    async def wait_for(self, condition: Callable[[], T]) -> T:
        """Returns the first true result of a condition about what was printed. Raises RuntimeError if the process ends
        before."""
        async with asyncio.timeout(WITHIN_S):
            while not (result := condition()):
                if self._reading is None or self._reading.done():
                    raise RuntimeError(f"the author has ended: {self._log.read_text()}, {self.lines[-3:]}")
                self._changed.clear()
                await self._changed.wait()
        return result

    async def kill(self) -> None:
        """Kills the process, and returns when all that it has printed is in `lines`."""
        if self._process is not None:
            await end(self._process, signal.SIGKILL)
        if self._reading is not None:
            await self._reading

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
