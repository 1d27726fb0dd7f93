"""Measures the event stream of the REST API: pages early and late in a long log, and clients that wait for events.

python -m bench.event_stream [--events 1000000] [--waiting 1000] [--seconds 30]

Prints the server's processor time, which is independent of other load on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.dataset import SECRET, token
from bench.growth.fill import AUTHOR, TALK, Database

PAGES = 300
READ_BY_ALL = 20
"""Messages sent while all streams receive each of them: few enough for the buffers of streams that nobody reads."""

READY_WITHIN_S = 60.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_HEADERS = {"Authorization": f"Bearer {token('bench', 'service')}"}


class Server:
    """A running Talkwire server with a SQLite database, and an HTTP client for it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self._pid = process.pid
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=_HEADERS, timeout=60)

    def cpu_s(self) -> float:
        """Returns the processor time that the server has used, in seconds."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def memory_mib(self) -> float:
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "talkwire.db")
        database.create()
        database.grow_messages(asked.events)
        with _running(Path(folder)) as server:
            _measure_pages(server, asked.events)
            asyncio.run(_measure_waiting(server, asked.waiting, asked.seconds))


@contextmanager
def _running(folder: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "JWT_SECRET": SECRET, "TALKWIRE_DATA": str(folder), "TALKWIRE_LOG_LEVEL": "warning"}
    process = subprocess.Popen([sys.executable, "-m", "talkwire", "serve", "--port", str(port)], env=environment)
    server = Server(process, port)
    try:
        _await_ready(server)
        yield server
    finally:
        server.http.close()
        process.terminate()
        process.wait()


def _await_ready(server: Server) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if server.http.get("/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError("the server is not ready")


def _measure_pages(server: Server, events: int) -> None:
    epoch = server.http.get("/api/v1/events").json()["cursor"].rpartition("-")[0]
    for name, query in {
        "a page of 100 at position 1,000": {"after": f"{epoch}-1000"},
        f"a page of 100 at position {events:,}": {"after": f"{epoch}-{events}"},
        "a page that finds nothing in 10,000 events": {"after": f"{epoch}-1000", "types": "call:missed"},
        "the same for a conversation": {"after": f"{epoch}-1000", "conversationId": "none"},
    }.items():
        server.http.get("/api/v1/events", params=query)
        before, times = server.cpu_s(), []
        for _ in range(PAGES):
            began = time.perf_counter()
            server.http.get("/api/v1/events", params=query).raise_for_status()
            times.append(time.perf_counter() - began)
        cpu_ms = (server.cpu_s() - before) / PAGES * 1000
        print(f"{name}: {cpu_ms:.2f} ms of the processor, median answer {statistics.median(times) * 1000:.2f} ms")


async def _measure_waiting(server: Server, count: int, seconds: float) -> None:
    cursor = server.http.get("/api/v1/events").json()["cursor"]
    await _report(server, "nobody waits", seconds)
    for name, headers, query in (
        ("long polls", "", f"after={cursor}&wait=60"),
        ("streams", "Accept: text/event-stream\r\n", f"after={cursor}"),
        ("streams of another type", "Accept: text/event-stream\r\n", f"after={cursor}&types=call:missed"),
    ):
        before = server.memory_mib()
        writers = []
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**12)
            head = f"GET /api/v1/events?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: {_HEADERS['Authorization']}\r\n"
            writer.write(f"{head}{headers}\r\n".encode())
            writers.append(writer)
        await asyncio.sleep(3)
        grown = (server.memory_mib() - before) * 1024 / count
        await _report(server, f"{count:,} {name} wait, {grown:.0f} KiB each", seconds)
        if name != "long polls":
            await asyncio.to_thread(_send, server, 500 if "another" in name else READ_BY_ALL)
        for writer in writers:
            writer.close()
        await asyncio.sleep(2)
    await asyncio.to_thread(_send, server, 500)


def _send(server: Server, count: int) -> None:
    before = server.cpu_s()
    for number in range(count):
        body = {"conversationId": TALK, "senderId": AUTHOR, "content": f"sent {number}"}
        server.http.post("/api/v1/messages", json=body).raise_for_status()
    time.sleep(1)  # streams receive the last ones
    print(f"  a message costs {(server.cpu_s() - before) / count * 1000:.2f} ms of the processor")


async def _report(server: Server, name: str, seconds: float) -> None:
    before = server.cpu_s()
    await asyncio.sleep(seconds)
    used = server.cpu_s() - before
    print(f"{name}: {used / seconds:.2%} of a core over {seconds:.0f} s")


if __name__ == "__main__":
    main()
