"""The server under attack: `talkwire serve` as a process, with a meter on its event loop, and the kernel's figures on
it.
"""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from rigs.hostile import processes
from tests.chat.chat_server import ServerProcess, running_chat

_PROGRAM = ("-m", "rigs.hostile.metered_talkwire")
_REPOSITORY = Path(__file__).parents[2]
BEAT_S = 0.001
METER_DEADLINE_S = 60.0
"""A report is answered by a thread, which a loop that does not yield lets wait."""


@dataclass(frozen=True)
class Measured:
    """A measurement. `longest_collection_s` is the longest garbage collection in any thread; `where` is the loop's
    stack in its longest turn, for the message of a failed assertion.
    """

    longest_turn_s: float
    loop_cpu_s: float
    process_cpu_s: float
    longest_collection_s: float
    where: str


class Target:
    """A server and its meter."""

    def __init__(self, server: ServerProcess, meter: socket.socket, answers: BinaryIO) -> None:
        self.server = server
        self._meter = meter
        self._answers = answers

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.server.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    @property
    def pid(self) -> int:
        return self.server.process.pid

    def reset(self) -> None:
        """Begins a measurement."""
        self._ask(b"reset\n")

    def measured(self) -> Measured:
        """Since `reset`."""
        return self._ask(b"report\n")

    def _ask(self, line: bytes) -> Measured:
        self._meter.sendall(line)
        return Measured(**json.loads(self._answers.readline()))

    def resident_mib(self) -> float:
        return processes.resident_mib(self.pid)


@contextmanager
def running_target(
    folder: Path, environment: Mapping[str, str] | None = None, beat_s: float = BEAT_S
) -> Iterator[Target]:
    """Yields a running server, by default without rate limits. All users may see each other, so that everything an
    input stored about a user is read at the end. A meter that beats every millisecond takes 4 % of a core.
    """
    with ExitStack() as resources:
        # A socket's path has at most 107 bytes, so this is not a folder of pytest's.
        path = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="tw-meter-"))) / "meter"
        variables = {"HOSTILE_METER": str(path), "HOSTILE_BEAT_S": str(beat_s), "PYTHONPATH": str(_REPOSITORY)}
        variables["TALKWIRE_DIRECTORY"] = "everyone"
        variables |= {"TALKWIRE_WEBHOOK_ALLOW": "127.0.0.1/32", "TALKWIRE_PUSH_ALLOW": "127.0.0.1/32"}
        variables |= environment or {}
        server = resources.enter_context(running_chat(folder, variables, program=_PROGRAM))
        meter = resources.enter_context(socket.socket(socket.AF_UNIX))
        meter.settimeout(METER_DEADLINE_S)
        meter.connect(str(path))
        yield Target(server, meter, resources.enter_context(meter.makefile("rb")))
