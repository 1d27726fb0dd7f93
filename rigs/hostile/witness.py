"""An ordinary client that looks at its watch while others misbehave: acknowledged sends over a WebSocket, and GETs.

`python -m rigs.hostile.witness URL PID CONVERSATION TOKEN INTERVAL_S` is a process of its own, so that the attacker's
work is not in what it measures. A line on its input is answered with what it has seen since the line before.

A latency counts as far as the server is to blame for it: not for longer than the server's process had the processor
meanwhile, nor for the time in which the witness or the server's loop was ready to run and did not get it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import uvloop

from rigs.hostile import processes
from rigs.hostile.connections import HttpConnection
from tests.chat.chat_client import ChatClient, open_client
from tests.forked_talkwire import Streams, start_python

_REPOSITORY = Path(__file__).parents[2]
_ANSWER_S = 120.0
"""A long timeout, because the witness measures how long it has to wait."""


@dataclass
class Seen:
    """Measurements. `worst_s` is the server's share, `worst_wall_s` the wall-clock time."""

    calls: int = 0
    worst_s: float = 0.0
    worst_wall_s: float = 0.0
    failures: list[str] = field(default_factory=list)

    def after(self, earlier: Seen) -> Seen:
        """Returns these measurements as a repetition of earlier ones, whose failures still count."""
        return replace(self, failures=[*earlier.failures, *self.failures])


class _Watch:
    """Measures calls one after the other."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.seen = Seen()

    async def measure(self, name: str, call: Callable[[], Awaitable[object]]) -> None:
        waited_s, cpu_s, begun_s = self._waited_s(), processes.cpu_s(self._pid), time.monotonic()
        try:
            async with asyncio.timeout(_ANSWER_S):
                await call()
        except (OSError, TimeoutError, AssertionError) as error:
            self.seen.failures.append(f"{name}: {error!r}")
            raise
        finally:
            wall_s = time.monotonic() - begun_s
            busy_s = self._waited_s() - waited_s
            used_s = processes.cpu_s(self._pid) - cpu_s
            self.seen.calls += 1
            self.seen.worst_wall_s = max(self.seen.worst_wall_s, wall_s)
            self.seen.worst_s = max(self.seen.worst_s, min(wall_s - busy_s, used_s))

    def _waited_s(self) -> float:
        """How long the machine has let the two wait that a call needs."""
        return processes.waited_s() + processes.waited_s(self._pid)


async def _send(client: ChatClient, conversation: str) -> None:
    future = client.start_call("message:send", {"conversationId": conversation, "content": "still here"})
    answer = await future
    assert answer["success"] is True, answer


async def _watch(url: str, pid: int, conversation: str, token: str, interval_s: float) -> None:
    watch = _Watch(pid)
    parts = urlsplit(url)
    http = HttpConnection((parts.hostname or "", parts.port or 0))
    client = await open_client("ws" + url.removeprefix("http"))
    await client.sign_in({"token": token})
    head = f"GET /api/v1/conversations/{conversation}/messages?limit=1 HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    request = f"{head}Authorization: Bearer {token}\r\n\r\n".encode()

    async def get() -> None:
        answer = (await http.exchange([request]))[0]
        assert answer.status == 200, answer

    async def report() -> None:
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            seen, watch.seen = watch.seen, Seen()
            sys.stdout.write(json.dumps(asdict(seen)) + "\n")
            sys.stdout.flush()

    reporting = asyncio.create_task(report())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not reporting.done():
        await watch.measure("message:send", lambda: _send(client, conversation))
        await watch.measure("GET messages", get)
        await asyncio.sleep(interval_s)


class Witness:
    """The process, from outside."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests = requests
        self._answers = answers

    def seen(self) -> Seen:
        """Returns the measurements since the last call."""
        self._requests.write("\n")
        self._requests.flush()
        line = self._answers.readline()
        assert line, "the witness is gone: the server answered it no more"
        return Seen(**json.loads(line))


@contextmanager
def watching(url: str, pid: int, conversation: str, token: str, interval_s: float = 0.05) -> Iterator[Witness]:
    """Yields a connected witness. It is a member of `conversation`, by `token`."""
    command = ["-m", "rigs.hostile.witness", url, str(pid), conversation, token, str(interval_s)]
    (read_requests, write_requests), (read_answers, write_answers) = os.pipe(), os.pipe()
    with os.fdopen(write_requests, "w") as requests, os.fdopen(read_answers) as answers:
        with (
            os.fdopen(read_requests, "rb") as its_input,
            os.fdopen(write_answers, "wb") as its_output,
            os.fdopen(os.dup(2), "wb") as errors,
        ):
            process = start_python(command, Streams(its_input, its_output, errors), os.environ, _REPOSITORY)
        try:
            assert answers.readline() == "ready\n", "the witness could not connect"
            yield Witness(requests, answers)
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    uvloop.run(_watch(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5])))
