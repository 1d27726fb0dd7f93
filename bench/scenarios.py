"""Defines the benchmark's scenarios: each has users and conversations, and runs the load generator to get samples."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench import busloss, dataset, machine, webhooks
from bench.dataset import Dataset, DatasetFiles
from bench.load import LoadFailedError, LoadGenerator, Traffic
from bench.machine import processor_time_s
from bench.servers import (
    BUN,
    BUN_FULL,
    BUN_NORMAL,
    NODE,
    NODE_FULL,
    NODE_NODES,
    NODE_NORMAL,
    NODE_PIPELINED,
    NODE_POSTGRESQL,
    PYTHON,
    PYTHON_NODES,
    TALKWIRE,
    TALKWIRE_NODES,
    TALKWIRE_POSTGRESQL,
    TALKWIRE_WEBHOOKS,
    Entrant,
    Running,
)

ROOM_MEMBERS = 1_000
IN_FLIGHT = (1, 16)
PAIR_CLIENTS = 200
KNOWN_USERS = 1_000
IDLE_CONNECTIONS = 10_000
IDLE_CONCURRENCY = 64
# The ping interval: each connection has one heartbeat.
IDLE_SECONDS = 25
EMPTY_SECONDS = 5
CONCURRENT_HANDSHAKES = 64
DIALECTS = ("messenger", "talks", "whatsapp", "crm", "gateway")
DIALECT_RUNS = tuple((in_flight, spread) for in_flight in IN_FLIGHT for spread in (DIALECTS[:1], DIALECTS))
STORM_CONNECTIONS = machine.possible_connections(20_000)
STORM_ROOM_MEMBERS = 100
STORM_CONCURRENCY = 256
# 127.0.0.1 to 127.0.0.16: each has its own range of ports.
SOURCE_ADDRESSES = 16

Samples = dict[str, float]
Measure = Callable[[LoadGenerator, Running, DatasetFiles], Samples]


@dataclass(frozen=True)
class Scenario:
    """A benchmark scenario: its users and conversations, the servers that take part, and the function that measures one
    run.

    `measure` returns samples by metric; the report's rows name the same metrics. A scenario with `once` is run in one
    round only.
    """

    name: str
    entrants: tuple[Entrant, ...]
    data: Dataset
    measure: Measure
    once: bool = False


def _rates(metric: str, count: int, traffic: Traffic) -> Samples:
    """Returns the samples of a traffic measurement: `count` per second and per second of the server's processor time,
    the latencies, and the load of the generator and of other processes.
    """
    return {
        f"{metric}.rate": count / traffic.seconds,
        f"{metric}.per_cpu": count / traffic.server_cpu_s,
        f"{metric}.load": traffic.load_cpu_s / traffic.seconds,
        f"{metric}.others": traffic.other_cpu_s / traffic.seconds,
        f"{metric}.p50": traffic.p50_ms,
        f"{metric}.p99": traffic.p99_ms,
    }


def _fanout(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    samples: Samples = {}
    for in_flight in IN_FLIGHT:
        traffic = load.traffic("fanout", server, files, connections=ROOM_MEMBERS, in_flight=in_flight)
        samples |= _rates(f"fanout-{in_flight}", traffic.deliveries, traffic)
    return samples


def _pairs(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    traffic = load.traffic("pairs", server, files, connections=PAIR_CLIENTS)
    return _rates("pairs", traffic.acks, traffic)


def _postgres(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    traffic = load.traffic("pairs", server, files, connections=PAIR_CLIENTS)
    return _rates("postgres", traffic.acks, traffic) | _shares("postgres", server, traffic)


def _cluster(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    """Measures messages to 1,000 members on the second node whose sender is on the first, so that every delivery
    crosses nodes.

    On a single node, this is the same load as the plain fan-out.
    """
    samples: Samples = {}
    first, last = server.ports[0], server.ports[-1]
    for in_flight in IN_FLIGHT:
        traffic = load.traffic(
            "fanout", server, files, port=f"{first},{last}", connections=ROOM_MEMBERS + 1, in_flight=in_flight
        )
        metric = f"cluster-{in_flight}"
        samples |= _rates(metric, traffic.deliveries, traffic) | _shares(metric, server, traffic)
    return samples


def _shares(metric: str, server: Running, traffic: Traffic) -> Samples:
    """Returns the processor time per message of each server process, in microseconds."""
    return {
        f"{metric}.us.{process.name}": cpu_s / traffic.messages * 1e6
        for process, cpu_s in zip(server.processes, traffic.process_cpu_s, strict=True)
    }


def _idle(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    """Measures the server's processor time without connections, and its memory and processor time with 10,000 idle
    ones.
    """
    pid = server.processes[0].pid
    time.sleep(load.warmup_s)
    before_s = processor_time_s(pid)
    time.sleep(EMPTY_SECONDS)
    empty_s = processor_time_s(pid) - before_s
    memory = load.memory(
        server,
        files,
        connections=IDLE_CONNECTIONS,
        concurrency=IDLE_CONCURRENCY,
        sources=SOURCE_ADDRESSES,
        seconds=IDLE_SECONDS,
    )
    return {
        "idle.kib": memory.kib_per_connection,
        "idle.empty_cpu": 100 * empty_s / EMPTY_SECONDS,
        "idle.cpu": 100 * memory.server_cpu_s / memory.seconds,
    }


def _handshake(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    traffic = load.traffic("handshake", server, files, connections=CONCURRENT_HANDSHAKES, sources=SOURCE_ADDRESSES)
    return _rates("handshake", traffic.handshakes, traffic)


def _dialects(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    """Measures messages to 1,000 members of one dialect (a client's event names), and to members of all five dialects.

    The runs take turns on one server. Each run has its own conversation, because clients of the gateway dialect first
    receive what they missed.
    """
    samples: Samples = {}
    per_cpu: dict[tuple[int, int], float] = {}
    for crowd, (in_flight, spread) in enumerate(DIALECT_RUNS):
        traffic = load.traffic(
            "fanout",
            server,
            files.of_conversation(crowd, ROOM_MEMBERS),
            connections=ROOM_MEMBERS,
            in_flight=in_flight,
            dialects=",".join(spread),
        )
        samples |= _rates(f"dialects-{len(spread)}-{in_flight}", traffic.deliveries, traffic)
        per_cpu[in_flight, len(spread)] = traffic.deliveries / traffic.server_cpu_s
    for in_flight in IN_FLIGHT:
        cost = per_cpu[in_flight, 1] / per_cpu[in_flight, len(DIALECTS)]
        samples[f"dialects-{in_flight}.cost"] = cost
    return samples


def _storm(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    reads = server.metric("talkwire_recovery_log_reads_total")
    storm = load.storm(
        server, files, connections=STORM_CONNECTIONS + 1, concurrency=STORM_CONCURRENCY, sources=SOURCE_ADDRESSES
    )
    reads = server.metric("talkwire_recovery_log_reads_total") - reads
    if reads:
        raise LoadFailedError(f"the history was asked {reads:.0f} times")
    return {
        "storm.connections": storm.connections,
        "storm.back_s": storm.back_s,
        "storm.back_cpu_s": storm.back_cpu_s,
        "storm.recovered": storm.recovered,
        "storm.meanwhile": storm.sent_meanwhile,
    }


SCENARIOS = (
    Scenario("fanout", (TALKWIRE, NODE, BUN, PYTHON), dataset.one_conversation(ROOM_MEMBERS), _fanout),
    Scenario("pairs", (TALKWIRE, NODE_FULL, NODE_NORMAL, BUN_FULL, BUN_NORMAL), dataset.pairs(PAIR_CLIENTS), _pairs),
    Scenario("idle", (TALKWIRE, NODE, BUN, PYTHON), dataset.pairs(KNOWN_USERS), _idle),
    Scenario("handshake", (TALKWIRE, NODE, BUN, PYTHON), dataset.pairs(KNOWN_USERS), _handshake),
    Scenario("dialects", (TALKWIRE,), dataset.crowds(len(DIALECT_RUNS), ROOM_MEMBERS), _dialects),
    Scenario("storm", (TALKWIRE,), dataset.rooms(STORM_CONNECTIONS // STORM_ROOM_MEMBERS, STORM_ROOM_MEMBERS), _storm),
    Scenario(
        "postgres", (TALKWIRE_POSTGRESQL, NODE_POSTGRESQL, NODE_PIPELINED), dataset.pairs(PAIR_CLIENTS), _postgres
    ),
    Scenario(
        "cluster",
        (TALKWIRE_NODES, TALKWIRE_POSTGRESQL, NODE_NODES, PYTHON_NODES),
        dataset.one_conversation(ROOM_MEMBERS + 1),
        _cluster,
    ),
    Scenario("webhooks", (TALKWIRE_WEBHOOKS,), dataset.pairs(webhooks.CLIENTS), webhooks.measure),
    Scenario("busloss", (TALKWIRE_NODES,), dataset.one_conversation(busloss.MEMBERS), busloss.measure_loss, once=True),
)
