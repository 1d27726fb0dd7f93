"""Measures how many events a second one webhook endpoint receives, and how much a hanging endpoint slows down
the chat.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from statistics import median
from typing import Any

import httpx

from bench import dataset
from bench.dataset import DatasetFiles
from bench.load import LOAD_CORE, LoadFailedError, LoadGenerator
from bench.machine import pinned, processor_time_s
from bench.servers import Running

CLIENTS = 400
"""Two in each of 200 conversations."""

EVENTS_MIN = 1000
CHECK_S = 0.1
TURNS = 4


def measure(load: LoadGenerator, server: Running, files: DatasetFiles) -> dict[str, float]:
    """Returns, by metric, the events per second to an endpoint, and the chat's rate beside a hanging endpoint divided
    by the rate without it.
    """
    return _throughput(load, server, files) | _silent(load, server, files)


def _throughput(load: LoadGenerator, server: Running, files: DatasetFiles) -> dict[str, float]:
    cursor = _end_of_log(server)
    load.traffic("pairs", server, files, connections=CLIENTS)
    with _endpoint("accept") as endpoint:
        began_cpu_s = processor_time_s(server.processes[0].pid)
        end = _position(_end_of_log(server))
        with _webhook(server, endpoint, after=cursor) as webhook:
            while _position(_request(server, "GET", f"/webhooks/{webhook['id']}")["cursor"]) < end:
                time.sleep(CHECK_S)
        cpu_s = processor_time_s(server.processes[0].pid) - began_cpu_s
        endpoint.kill()
        reports = [_report(line) for line in endpoint.communicate()[0].splitlines()]
    (first, began_s), (last, ended_s) = reports[0], reports[-1]
    if last < EVENTS_MIN:
        raise LoadFailedError(f"only {last} events were delivered")
    return {"webhooks.rate": (last - first) / (ended_s - began_s), "webhooks.per_cpu": last / cpu_s}


def _silent(load: LoadGenerator, server: Running, files: DatasetFiles) -> dict[str, float]:
    """Measures the chat's rate without a webhook and with an endpoint that never responds, in turns. Returns the
    samples.
    """
    rates: dict[bool, list[float]] = {False: [], True: []}
    with _endpoint("hang") as endpoint:
        for turn in range(TURNS):
            # The first of a turn is the second of the next one, since the database grows.
            for silent in (False, True) if turn % 2 == 0 else (True, False):
                with _webhook(server, endpoint) if silent else nullcontext():
                    traffic = load.traffic("pairs", server, files, connections=CLIENTS)
                rates[silent].append(traffic.acks / traffic.server_cpu_s)
    without, beside = median(rates[False]), median(rates[True])
    return {"webhooks.chat_per_cpu": without, "webhooks.silent": beside / without}


@contextmanager
def _endpoint(mode: str) -> Iterator[subprocess.Popen[str]]:
    with pinned(LOAD_CORE):
        command = [sys.executable, "-m", "bench.webhook_receiver", mode]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def _webhook(server: Running, endpoint: subprocess.Popen[str], after: str | None = None) -> Iterator[Any]:
    """Creates a webhook for an endpoint, and deletes it when the block ends."""
    url = f"http://127.0.0.1:{_port(endpoint)}/"
    created = _request(server, "POST", "/webhooks", {"url": url, "types": ["message:new"], "after": after})
    try:
        yield created
    finally:
        _request(server, "DELETE", f"/webhooks/{created['id']}")


_ports: dict[int, str] = {}


def _port(endpoint: subprocess.Popen[str]) -> str:
    """Returns the TCP port of an endpoint, which is the first line that its process prints."""
    if endpoint.pid not in _ports:
        assert endpoint.stdout is not None
        _ports[endpoint.pid] = endpoint.stdout.readline().strip()
    return _ports[endpoint.pid]


def _report(line: str) -> tuple[int, float]:
    count, at_s = line.split()
    return int(count), float(at_s)


def _end_of_log(server: Running) -> str:
    """Returns the cursor of the newest event. It creates and deletes a webhook, because a new webhook starts at that
    event.
    """
    created = _request(server, "POST", "/webhooks", {"url": "https://example.com/", "types": ["webhook:changed"]})
    _request(server, "DELETE", f"/webhooks/{created['id']}")
    return str(created["cursor"])


def _position(cursor: str) -> int:
    return int(cursor.rpartition("-")[2])


def _request(server: Running, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
    headers = {"authorization": f"Bearer {dataset.token('bench', 'service')}"}
    url = f"http://127.0.0.1:{server.port}/api/v1{path}"
    answer = httpx.request(method, url, json=body, headers=headers, timeout=60)
    if not answer.is_success:
        raise LoadFailedError(answer.text)
    return answer.json() if answer.content else None
