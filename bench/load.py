"""Runs the load generator on its own processor core, and parses the line of JSON that it prints.

It is a C program, or for servers that speak Matrix a Python program with the same options and results.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench import build
from bench.dataset import DatasetFiles
from bench.machine import pinned
from bench.servers import MATRIX, XMPP, Running

LOAD_CORE = 1


class LoadFailedError(Exception):
    """Raised if the load generator fails, or its result shows that the server lost or refused something."""


class Traffic(msgspec.Struct, frozen=True):
    """The load generator's result in the modes fanout, pairs and handshake: counts and times of the measured
    seconds.
    """

    seconds: float
    messages: int
    deliveries: int
    acks: int
    handshakes: int
    server_cpu_s: float
    load_cpu_s: float
    other_cpu_s: float  # everything else on the machine
    process_cpu_s: tuple[float, ...]  # of Running.processes, each including its children
    p50_ms: float
    p99_ms: float
    refused: int
    missing: int


class Memory(msgspec.Struct, frozen=True):
    """The load generator's result in the mode idle: the server's memory without and with idle clients.

    Memory is the proportional set size in KiB. `server_cpu_s` is the server's processor time while all clients were
    idle.
    """

    connections: int
    before_kib: int
    after_kib: int
    seconds: float
    server_cpu_s: float

    @property
    def kib_per_connection(self) -> float:
        """The server's memory for one joined, idle client, in KiB."""
        return (self.after_kib - self.before_kib) / self.connections


class Storm(msgspec.Struct, frozen=True):
    """The load generator's result in the mode storm: all clients but one are disconnected at once and reconnect.

    The remaining client keeps sending messages meanwhile.
    """

    connections: int
    recovered: int
    fresh: int
    whole: bool
    back_s: float
    back_cpu_s: float  # the server's processor time until then
    sent: int
    sent_meanwhile: int
    refused: int


class Steady(msgspec.Struct, frozen=True):
    """The load generator's result in the mode steady: messages that were sent at a fixed rate, and their latencies."""

    connections: int
    sent: int
    unacknowledged: int
    refused: int
    lost: int  # deliveries that never arrived
    disordered: int  # frames without the next `seq`
    messages: list[tuple[float, float]]  # time.monotonic() of the send; milliseconds until the slowest member had it


@dataclass(frozen=True)
class LoadGenerator:
    """Runs the compiled load generator. It warms up for `warmup_s` seconds and then measures for `seconds` seconds."""

    program: Path
    warmup_s: float
    seconds: float

    def lasting(self, times: int) -> LoadGenerator:
        """Returns a generator that warms up and measures so many times as long."""
        return replace(self, warmup_s=self.warmup_s * times, seconds=self.seconds * times)

    def traffic(self, mode: str, server: Running, files: DatasetFiles, **options: int | str) -> Traffic:
        """Runs the load generator in a mode fanout, pairs or handshake, and returns the measured traffic.

        Raises LoadFailedError unless every message was accepted, acknowledged and delivered to every member.
        """
        with self.clients(mode, server, files, **options) as clients:
            traffic = clients.take_turn()
        if not traffic.messages and not traffic.handshakes:
            raise LoadFailedError("nothing was completed within the measured window")
        return traffic

    @contextmanager
    def clients(self, mode: str, server: Running, files: DatasetFiles, **options: int | str) -> Iterator[Clients]:
        """Connects clients in a mode fanout, pairs or handshake until the block ends. They are under load only while
        they take a turn.
        """
        process = self._start(mode, server, files, options, stdin=subprocess.PIPE)
        try:
            assert process.stdout is not None
            if not process.stdout.readline():  # "ready"
                raise LoadFailedError(process.communicate()[1].decode().strip())
            yield Clients(process)
        finally:
            process.kill()
            process.communicate()

    def memory(self, server: Running, files: DatasetFiles, **options: int) -> Memory:
        """Connects clients that only answer heartbeats, and returns the server's memory and processor time with
        them.
        """
        return msgspec.json.decode(self._run("idle", server, files, options), type=Memory)

    def start_idle(self, server: Running, files: DatasetFiles, **options: int) -> subprocess.Popen[bytes]:
        """Starts a load generator whose clients join and stay idle until it is killed. Returns the process."""
        return self._start("idle", server, files, options)

    def storm(self, server: Running, files: DatasetFiles, **options: int) -> Storm:
        """Disconnects all clients but one at once, and returns how they reconnect.

        Raises LoadFailedError unless every session is recovered and each client receives every message once and in
        order.
        """
        storm = msgspec.json.decode(self._run("storm", server, files, options), type=Storm)
        if storm.refused or storm.fresh or storm.recovered != storm.connections or not storm.whole:
            raise LoadFailedError(f"not everything came back: {storm}")
        return storm

    @contextmanager
    def steady(self, server: Running, files: DatasetFiles, **options: float) -> Iterator[SteadyTraffic]:
        """Sends messages at a fixed rate until the block ends. The block can disturb the servers and then get the
        result.
        """
        process = self._start("steady", server, files, options)
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            if not first:
                raise LoadFailedError(process.communicate()[1].decode().strip())
            yield SteadyTraffic(process, float(first))
        finally:
            process.kill()
            process.communicate()

    def _program(self, protocol: str) -> list[str]:
        """Returns the command line of the load generator that speaks a protocol, before its mode."""
        return [sys.executable, "-m", "bench.matrix"] if protocol == MATRIX else [str(self.program)]

    def _run(self, mode: str, server: Running, files: DatasetFiles, options: Mapping[str, float | str]) -> bytes:
        return _output_of(self._start(mode, server, files, options))

    def _start(
        self,
        mode: str,
        server: Running,
        files: DatasetFiles,
        options: Mapping[str, float | str],
        stdin: int | None = None,
    ) -> subprocess.Popen[bytes]:
        arguments = {
            "port": ",".join(map(str, server.ports)),
            "pid": ",".join(str(process.pid) for process in server.processes),
            "tokens": files.tokens,
            "conversations": files.conversation_ids,
            "warmup": self.warmup_s,
            "seconds": self.seconds,
            **options,
        }
        if server.protocol == XMPP:
            arguments["protocol"] = XMPP
        flags = (f"--{name.replace('_', '-')}={value}" for name, value in arguments.items())
        command = [*self._program(server.protocol), mode, *flags]
        with pinned(LOAD_CORE):
            return subprocess.Popen(
                command, cwd=build.HERE.parent, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )


@dataclass(frozen=True)
class Clients:
    """The connected clients of a load generator."""

    process: subprocess.Popen[bytes]

    def take_turn(self) -> Traffic:
        """Puts the server under load for the generator's seconds, waits until everything has arrived, and returns what
        was measured.

        Raises LoadFailedError unless every message was accepted, acknowledged and delivered to every member.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise LoadFailedError(self.process.communicate()[1].decode().strip())
        traffic = msgspec.json.decode(line, type=Traffic)
        if traffic.refused or traffic.missing:
            raise LoadFailedError(f"{traffic.refused} messages were refused and {traffic.missing} frames are missing")
        return traffic


@dataclass(frozen=True)
class SteadyTraffic:
    """A load generator that is sending messages at a fixed rate. `began_s` is the time.monotonic() of its first
    message.
    """

    process: subprocess.Popen[bytes]
    began_s: float

    def result(self) -> Steady:
        """Waits until the load generator ends, and returns its result."""
        return msgspec.json.decode(_output_of(self.process), type=Steady)


def _output_of(process: subprocess.Popen[bytes]) -> bytes:
    output, errors = process.communicate()
    if process.returncode != 0:
        raise LoadFailedError(errors.decode().strip())
    return output
