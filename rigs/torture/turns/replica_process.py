"""The processes of a replica, one after the other, as the rig starts, kills, stops and reads them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import asdict
from pathlib import Path

from rigs.torture.clients.client_socket import Json
from rigs.torture.cluster.processes import end
from rigs.torture.turns.replica import Job
from tests.forked_talkwire import Process, Streams, start_python


class ReplicaProcess:
    """A replica. `lines` is what all its processes have printed, `log` the file of their errors."""

    def __init__(self, name: str, job: Job, folder: Path) -> None:
        self.name = name
        self.lines: list[Json] = []
        self.log = folder / f"{name}.log"
        self._job = job
        self._process: Process | None = None
        self._started = 0
        self._reading: asyncio.Task[None] | None = None

    def start(self) -> None:
        readable, writable = os.pipe()
        arguments = ["-m", "rigs.torture.turns.replica", json.dumps(asdict(self._job)), str(self._started)]
        self._started += 1
        with Path(os.devnull).open("rb") as nothing, os.fdopen(writable, "wb") as output, self.log.open("ab") as log:
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
            transport.close()

    def ended_with(self) -> str | None:
        """Returns what a process has written that ended by itself, or None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        return f"{self.name} has ended: {self.log.read_text()[-2000:]}"

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
