"""Measures how long a message takes from its sender to its receiver while others write messages as streams, and while
others send as many ordinary messages."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from bench import dataset
from bench.dataset import Dataset, DatasetFiles
from bench.load import LoadFailedError, LoadGenerator
from bench.servers import Running

AGENTS = 20
STREAMS = 1_000
APPENDS_A_SECOND = (2_000, 4_000, 10_000)
SENDERS = 200
MESSAGES_A_SECOND = 2_000
OBSERVED_A_SECOND = 100
"""Messages of the two users whose latency is measured."""

PAIRS = 2 + len(APPENDS_A_SECOND)
"""Two users whose latency is measured, for each measurement."""

DATA = Dataset(
    dataset.pairs(2 * PAIRS + SENDERS).conversations
    | dataset.agents(AGENTS * len(APPENDS_A_SECOND), STREAMS // AGENTS).conversations
)

_MARGIN_S = 3
"""How much longer the others write than is measured."""


def measure(load: LoadGenerator, server: Running, files: DatasetFiles) -> dict[str, float]:
    """Returns, by metric, the 99th percentiles of the latency in milliseconds: beside nothing, beside ordinary
    messages, and beside streams."""
    longer = replace(load, seconds=load.seconds + _MARGIN_S)
    pairs = [files.of_conversations(number, 1) for number in range(PAIRS)]
    found = {"beside.nothing": _p99_ms(load, server, pairs[0])}
    senders = files.of_conversations(PAIRS, SENDERS // 2)
    with longer.steady(server, senders, connections=SENDERS, rate=MESSAGES_A_SECOND):
        found["beside.messages"] = _p99_ms(load, server, pairs[1])
    for number, rate in enumerate(APPENDS_A_SECOND):
        authors = files.of_conversations(PAIRS + SENDERS // 2 + number * STREAMS, STREAMS)
        with _streams(longer, server, authors, rate):
            found[f"beside.streams-{rate}"] = _p99_ms(load, server, pairs[2 + number])
    return found


@contextmanager
def _streams(load: LoadGenerator, server: Running, authors: DatasetFiles, rate: int) -> Iterator[None]:
    """Writes streams until the block ends, `rate` appends a second together."""
    options = {"connections": AGENTS + STREAMS, "rate": rate}
    with load.clients("streams", server, authors, **options) as clients, ThreadPoolExecutor() as pool:
        turn = pool.submit(clients.take_turn)
        yield
        turn.result()


def _p99_ms(load: LoadGenerator, server: Running, pair: DatasetFiles) -> float:
    with load.steady(server, pair, connections=2, rate=OBSERVED_A_SECOND) as traffic:
        steady = traffic.result()
    if steady.lost or steady.disordered or steady.refused or steady.unacknowledged:
        raise LoadFailedError("a message was lost, refused or out of order")
    measured = [ms for sent_s, ms in steady.messages if sent_s >= traffic.began_s + load.warmup_s]
    return statistics.quantiles(measured, n=100)[-1]
