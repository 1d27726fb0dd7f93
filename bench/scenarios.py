"""Defines the benchmark's scenarios: each has users and conversations, and runs the load generator to get samples."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench import beside, busloss, dataset, machine, webhooks
from bench.contest import Load
from bench.dataset import Dataset, DatasetFiles
from bench.entrants import (
    BUN,
    BUN_FULL,
    BUN_NORMAL,
    EJABBERD,
    NODE,
    NODE_FULL,
    NODE_NODES,
    NODE_NORMAL,
    NODE_PIPELINED,
    NODE_POSTGRESQL,
    PYTHON,
    PYTHON_NODES,
    SYNAPSE,
    TALKWIRE,
    TALKWIRE_NODES,
    TALKWIRE_POSTGRESQL,
    TALKWIRE_STREAMS,
    TALKWIRE_WEBHOOKS,
)
from bench.load import LoadFailedError, LoadGenerator, Traffic
from bench.machine import processor_time_s
from bench.servers import MATRIX, SOCKETIO, XMPP, Entrant, Running

ROOM_MEMBERS = 1_000
IN_FLIGHT = (1, 16)
PAIR_CLIENTS = 200
AGENTS = 8
STREAMS = 400
APPENDS_A_SECOND = 10 * STREAMS
BACKLOG_CLIENTS = 500
BACKLOG_IN_FLIGHT = 4
KNOWN_USERS = 1_000
IDLE_CONNECTIONS = 10_000
IDLE_CONCURRENCY = 64
# The ping interval: each connection has one heartbeat.
IDLE_SECONDS = 25
EMPTY_SECONDS = 5
CONCURRENT_HANDSHAKES = 64
# More than can connect in all turns.
STRANGERS = 100_000
DIALECTS = ("messenger", "talks", "whatsapp", "crm", "gateway")
DIALECT_RUNS = tuple((in_flight, spread) for in_flight in IN_FLIGHT for spread in (DIALECTS[:1], DIALECTS))
# With 10,000, Synapse would sign in for minutes.
RESIDENT_CONNECTIONS = {SOCKETIO: IDLE_CONNECTIONS, XMPP: IDLE_CONNECTIONS, MATRIX: KNOWN_USERS}
RESIDENT_SECONDS = 5
STORM_CONNECTIONS = machine.possible_connections(20_000)
STORM_ROOM_MEMBERS = 100
STORM_CONCURRENCY = 256
# 127.0.0.1 to 127.0.0.16: each has its own range of ports.
SOURCE_ADDRESSES = 16

TURN_S = 0.5
CHAT_TURN_S = 3
CHAT_SERVERS = (TALKWIRE_POSTGRESQL, EJABBERD, SYNAPSE)

Samples = dict[str, float]
Measure = Callable[[LoadGenerator, Running, DatasetFiles], Samples]


@dataclass(frozen=True)
class Scenario:
    """A benchmark scenario: its users and conversations, and the servers that take part.

    The servers run at the same time and take turns of `turn_s` seconds under each of the `loads`. A scenario with
    `measure` has rounds instead, or with `once` one round, in which one server after the other is started and measured.
    The samples have the names of the report's metrics.
    """

    name: str
    entrants: tuple[Entrant, ...]
    data: Dataset
    loads: tuple[Load, ...] = ()
    measure: Measure | None = None
    once: bool = False
    turn_s: float = TURN_S


def _deliveries(traffic: Traffic) -> int:
    return traffic.deliveries


def _messages(traffic: Traffic) -> int:
    return traffic.messages


def _acks(traffic: Traffic) -> int:
    return traffic.acks


def _handshakes(traffic: Traffic) -> int:
    return traffic.handshakes


def _fanout(in_flight: int) -> Load:
    return Load(f"fanout-{in_flight}", "fanout", ROOM_MEMBERS, _deliveries, {"in_flight": in_flight})


def _cluster(in_flight: int) -> Load:
    """Returns messages to 1,000 members on the last node whose sender is on the first, so that every delivery crosses
    nodes. On a single node, this is the same load as the plain fan-out.
    """
    options = {"in_flight": in_flight}
    return Load(f"cluster-{in_flight}", "fanout", ROOM_MEMBERS + 1, _deliveries, options, across=True)


def _connects(metric: str) -> Load:
    return Load(metric, "handshake", CONCURRENT_HANDSHAKES, _handshakes, {"sources": SOURCE_ADDRESSES})


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


def _resident(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    """Measures the server's memory without connections, and with idle ones of signed-in users."""
    memory = load.memory(
        server,
        files,
        connections=RESIDENT_CONNECTIONS[server.protocol],
        concurrency=IDLE_CONCURRENCY,
        sources=SOURCE_ADDRESSES,
        seconds=RESIDENT_SECONDS,
    )
    return {"resident.kib": memory.kib_per_connection, "resident.empty_mib": memory.before_kib / 1024}


def _dialects(load: LoadGenerator, server: Running, files: DatasetFiles) -> Samples:
    """Measures messages to 1,000 members of one dialect (a client's event names), and to members of all five dialects.

    The runs take turns on one server. Each run has its own conversation, because clients of the gateway dialect first
    receive what they missed.
    """
    samples: Samples = {}
    for crowd, (in_flight, spread) in enumerate(DIALECT_RUNS):
        options: dict[str, int | str] = {"in_flight": in_flight, "dialects": ",".join(spread)}
        run = Load(f"dialects-{len(spread)}-{in_flight}", "fanout", ROOM_MEMBERS, _deliveries, options)
        with run.clients(load, server, files.of_conversations(crowd, 1)) as clients:
            samples |= run.samples(server, clients.take_turn())
    for in_flight in IN_FLIGHT:
        one, five = (samples[f"dialects-{len(spread)}-{in_flight}.per_cpu"] for spread in (DIALECTS[:1], DIALECTS))
        samples[f"dialects-{in_flight}.cost"] = one / five
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


def _exchange(clients: int, servers: tuple[Entrant, ...]) -> Scenario:
    """Returns the messages of so many users in conversations of two, each with one message in flight."""
    name = f"exchange-{clients}"
    load = Load(name, "exchange", clients, _messages)
    return Scenario(name, servers, dataset.pairs(clients), (load,), turn_s=CHAT_TURN_S)


SCENARIOS = (
    _exchange(100, CHAT_SERVERS),
    _exchange(1_000, (TALKWIRE_POSTGRESQL, EJABBERD)),  # Synapse would take 40 s for each message
    Scenario(
        "group",
        CHAT_SERVERS,
        dataset.one_conversation(ROOM_MEMBERS),
        (Load("group", "fanout", ROOM_MEMBERS, _deliveries),),
        turn_s=CHAT_TURN_S,
    ),
    Scenario("signin", CHAT_SERVERS, dataset.pairs(KNOWN_USERS), (_connects("signin"),), turn_s=CHAT_TURN_S),
    Scenario("resident", CHAT_SERVERS, dataset.pairs(KNOWN_USERS), measure=_resident),
    Scenario(
        "fanout",
        (TALKWIRE, NODE, BUN, PYTHON),
        dataset.one_conversation(ROOM_MEMBERS),
        tuple(_fanout(in_flight) for in_flight in IN_FLIGHT),
    ),
    Scenario(
        "pairs",
        (TALKWIRE, NODE_FULL, NODE_NORMAL, BUN_FULL, BUN_NORMAL),
        dataset.pairs(PAIR_CLIENTS),
        (Load("pairs", "pairs", PAIR_CLIENTS, _acks),),
    ),
    Scenario(
        "streams",
        (TALKWIRE_STREAMS, NODE, BUN),
        dataset.agents(AGENTS, STREAMS // AGENTS),
        (Load("streams", "streams", AGENTS + STREAMS, _acks, {"rate": APPENDS_A_SECOND}),),
    ),
    Scenario("beside", (TALKWIRE_STREAMS,), beside.DATA, measure=beside.measure),
    Scenario("idle", (TALKWIRE, NODE, BUN, PYTHON), dataset.pairs(KNOWN_USERS), measure=_idle),
    Scenario("handshake", (TALKWIRE, NODE, BUN, PYTHON), dataset.pairs(KNOWN_USERS), (_connects("handshake"),)),
    Scenario("first", (TALKWIRE, NODE, BUN, PYTHON), dataset.strangers(STRANGERS), (_connects("first"),)),
    Scenario("dialects", (TALKWIRE,), dataset.crowds(len(DIALECT_RUNS), ROOM_MEMBERS), measure=_dialects),
    Scenario(
        "storm",
        (TALKWIRE,),
        dataset.rooms(STORM_CONNECTIONS // STORM_ROOM_MEMBERS, STORM_ROOM_MEMBERS),
        measure=_storm,
    ),
    Scenario(
        "postgres",
        (TALKWIRE_POSTGRESQL, NODE_POSTGRESQL, NODE_PIPELINED),
        dataset.pairs(PAIR_CLIENTS),
        (Load("postgres", "pairs", PAIR_CLIENTS, _acks),),
    ),
    Scenario(
        "backlog",
        (TALKWIRE_POSTGRESQL, NODE_POSTGRESQL, NODE_PIPELINED),
        dataset.pairs(BACKLOG_CLIENTS),
        (Load("backlog", "pairs", BACKLOG_CLIENTS, _acks, {"in_flight": BACKLOG_IN_FLIGHT}),),
    ),
    Scenario(
        "cluster",
        (TALKWIRE_NODES, TALKWIRE_POSTGRESQL, NODE_NODES, PYTHON_NODES),
        dataset.one_conversation(ROOM_MEMBERS + 1),
        tuple(_cluster(in_flight) for in_flight in IN_FLIGHT),
    ),
    Scenario("webhooks", (TALKWIRE_WEBHOOKS,), dataset.pairs(webhooks.CLIENTS), measure=webhooks.measure),
    Scenario(
        "busloss",
        (TALKWIRE_NODES,),
        dataset.one_conversation(busloss.MEMBERS),
        measure=busloss.measure_loss,
        once=True,
    ),
)
