"""Measures message latency while nodes lose their bus: kills and restarts Valkey while two nodes keep delivering.

All members of one conversation, half of them on each node, send in turn, at a fixed rate. A message's latency is the
time until the slowest member's socket received it, so it includes the way to the other node.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import httpx

from bench.dataset import DatasetFiles
from bench.load import LoadFailedError, LoadGenerator, Steady
from bench.servers import Running

MEMBERS = 100
RATE = 200
"""Messages a second."""

BEFORE_S = 5
AWAY_S = 5
AFTER_S = 11
SAID_WITHIN_S = 10

BACK = 1.5
"""The latency counts as recovered from the first second on after which every second's median is at most this many times
the median before.
"""


def measure_loss(load: LoadGenerator, server: Running, files: DatasetFiles) -> dict[str, float]:
    """Returns, by metric, the median latencies in milliseconds before and during Valkey's absence and in each second
    after it.

    Fails unless every message reached every member once and in order, and both nodes reported that the bus was away and
    connected again.
    """
    assert server.valkey is not None, "there is a bus to lose"
    seconds = BEFORE_S + AWAY_S + AFTER_S
    with load.steady(server, files, connections=MEMBERS, rate=RATE, seconds=seconds) as traffic:
        _sleep_until(traffic.began_s + load.warmup_s + BEFORE_S)
        killed_s = time.monotonic()
        server.valkey.kill()
        reported_away_s = _await_bus(server, "away") - killed_s
        _sleep_until(killed_s + AWAY_S)
        server.valkey.start()
        returned_s = time.monotonic()
        reported_back_s = _await_bus(server, "ok") - returned_s
        steady = traffic.result()
    _insist_that_all_is_whole(steady)
    before_s = traffic.began_s + load.warmup_s
    before = _median_ms(steady, before_s, killed_s)
    after = [_median_ms(steady, returned_s + second, returned_s + second + 1) for second in range(AFTER_S - 1)]
    return {
        "busloss.sent": steady.sent,
        "busloss.wrong": steady.lost + steady.disordered + steady.refused + steady.unacknowledged,
        "busloss.before": before,
        "busloss.away": _median_ms(steady, killed_s, returned_s),
        "busloss.slowest": max(ms for _, ms in steady.messages),
        **{f"busloss.after-{second}": ms for second, ms in enumerate(after, start=1)},
        "busloss.back_s": _back_after(before, after),
        "busloss.said_away_s": reported_away_s,
        "busloss.said_back_s": reported_back_s,
    }


def _sleep_until(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))


def _await_bus(server: Running, state: str) -> float:
    """Waits until every node reports the bus as `state`, by `/readyz` and by its metric. Returns the time.monotonic()
    of that.
    """
    deadline = time.monotonic() + SAID_WITHIN_S
    while not all(_says(server, state)):
        if time.monotonic() > deadline:
            raise LoadFailedError(f"not every node says within {SAID_WITHIN_S} s that its bus is {state}")
        time.sleep(0.02)  # a node sends no notification of this
    return time.monotonic()


def _says(server: Running, state: str) -> Iterator[bool]:
    for node, port in enumerate(server.ports):
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz")
        yield answer.is_success and answer.json()["bus"] == state
        yield server.metric("talkwire_bus_away", node) == (state == "away")


def _insist_that_all_is_whole(steady: Steady) -> None:
    if steady.lost or steady.disordered or steady.refused or steady.unacknowledged:
        raise LoadFailedError(
            f"of {steady.sent} messages to {steady.connections} members, {steady.lost} deliveries were lost and "
            f"{steady.disordered} out of order, {steady.refused} sends refused and {steady.unacknowledged} unanswered"
        )


def _median_ms(steady: Steady, from_s: float, until_s: float) -> float:
    return statistics.median(ms for sent_s, ms in steady.messages if from_s <= sent_s < until_s)


def _back_after(before_ms: float, after_ms: list[float]) -> float:
    """Returns after how many seconds the median latency was at most 1.5 times the one before the loss, and stayed
    there.
    """
    late = [second for second, ms in enumerate(after_ms, start=1) if ms > BACK * before_ms]
    return max(late, default=0)
