"""What the clients do once they have signed in: one class or function for each mode of the load generator."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

from bench.matrix.client import Account, Client, OnMessages
from bench.matrix.measure import Meter, memory_kib

DRAIN_S = 20.0
"""After so long without an arrival, messages count as lost."""

IDLE_POLL_S = 30
"""How long a long poll of an idle client waits, as with Matrix's client libraries."""

POLL_S = 300
"""How long it waits in the other modes: so long that the clients of one server leave the processor to the others
between their turns."""


@dataclass(frozen=True)
class Options:
    """The command line of the load generator. Client i uses the token i, from the start again when there are fewer."""

    mode: str
    host: str
    ports: list[int]
    pids: list[int]
    tokens: list[str]
    conversations: list[str]
    connections: int
    concurrency: int
    in_flight: int
    sources: int
    warmup_s: float
    seconds: float

    def client(self, index: int, on_messages: OnMessages, poll_s: int = POLL_S) -> Client:
        """Returns a new client, which is not connected. The conversations are dealt out evenly in order."""
        rooms = self.conversations or [""]
        account = Account(
            self.host,
            self.ports[index % len(self.ports)],
            f"127.0.0.{1 + index % self.sources}",
            self.tokens[index % len(self.tokens)],
            rooms[index * len(rooms) // self.connections % len(rooms)],
        )
        return Client(account, self.in_flight, poll_s, on_messages)


async def follow_all(options: Options, clients: list[Client]) -> None:
    """Signs all clients in, `concurrency` at a time, and begins their long polls."""
    waiting = iter(clients)

    async def work() -> None:
        for client in waiting:
            client.follow(await client.sign_in())

    await asyncio.gather(*(work() for _ in range(options.concurrency)))


async def turns() -> AsyncIterator[None]:
    """Yields once for each line on standard input. Prints `ready` before the first."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print("ready", flush=True)
    while await lines.readline():
        yield


@dataclass
class Message:
    """A message on its way: who sent it, when (time.monotonic), and how many members have not received it yet."""

    sender: Client
    sent_at: float
    awaited: int


@dataclass
class Talk(ABC):
    """Clients that send messages, of which each sender has `in_flight` under way at a time."""

    options: Options
    meter: Meter
    clients: list[Client] = field(default_factory=list)
    sent: int = 0
    # Microseconds, so that no other run has used the number. Servers may still deliver messages of an earlier run.
    _first: int = field(default_factory=lambda: time.time_ns() // 1000 % 10**12)
    _under_way: dict[int, Message] = field(default_factory=dict)
    _sending: bool = False
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Signs the clients in, and measures once for each line on standard input."""
        options = self.options
        self.clients = [options.client(index, self.on_messages) for index in range(options.connections)]
        await follow_all(options, self.clients)
        senders = self.senders()
        async for _ in turns():
            for sender in senders:
                await sender.prepare_to_send()
            self._sending = True
            for sender in senders * options.in_flight:
                self.send_next(sender)
            window = await self.meter.measure(options.warmup_s, options.seconds)
            self._sending = False
            await self._drain()
            self.meter.print_result(options.mode, options.connections, window)

    @abstractmethod
    def senders(self) -> list[Client]:
        """Returns the clients that send."""

    @abstractmethod
    def awaited(self) -> int:
        """Returns how many members must receive a message."""

    @abstractmethod
    def on_messages(self, client: Client, numbers: list[int]) -> None:
        """Handles messages that a client has received."""

    def send_next(self, sender: Client) -> None:
        """Sends the next message."""
        number = self._first + self.sent
        self.sent += 1
        self._under_way[number] = Message(sender, time.monotonic(), self.awaited())

        def on_answer(status: int) -> None:
            if status == 200:
                self.meter.counts.acks += 1
            else:
                self.meter.refused += 1
                del self._under_way[number]
            self._check_end()

        sender.send(number, on_answer)

    def on_arrival(self, number: int, message: Message) -> None:
        """Counts a message that a member has received. After the last member its sender sends the next one."""
        self.meter.counts.deliveries += 1
        message.awaited -= 1
        if message.awaited:
            return
        del self._under_way[number]
        self.meter.counts.messages += 1
        self.meter.record(message.sent_at)
        if self._sending:
            self.send_next(message.sender)
        else:
            self._check_end()

    async def _drain(self) -> None:
        """Waits until everything has arrived. What has not when nothing arrives any more is missing."""
        self._check_end()
        remaining = -1
        while not self._ended.is_set() and remaining != self._unanswered():
            remaining = self._unanswered()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), DRAIN_S)
        self._ended.clear()
        self.meter.missing = self._unanswered()

    def _check_end(self) -> None:
        if not self._sending and not self._unanswered():
            self._ended.set()

    def _unanswered(self) -> int:
        answers = self.sent - self.meter.counts.acks - self.meter.refused
        return answers + sum(message.awaited for message in self._under_way.values())


class Exchange(Talk):
    """Conversations of two, in which both members send. A message counts when the other member has received it."""

    def senders(self) -> list[Client]:
        return self.clients

    def awaited(self) -> int:
        return 1

    def on_messages(self, client: Client, numbers: list[int]) -> None:
        for number in numbers:
            message = self._under_way.get(number)
            if message and message.sender is not client:
                self.on_arrival(number, message)


class Fanout(Talk):
    """One conversation of all, in which the first client sends. A message counts when all have received it."""

    def senders(self) -> list[Client]:
        return self.clients[:1]

    def awaited(self) -> int:
        return self.options.connections

    def on_messages(self, client: Client, numbers: list[int]) -> None:  # noqa: ARG002 (every member counts)
        for number in numbers:
            if message := self._under_way.get(number):
                self.on_arrival(number, message)


@dataclass
class Handshakes:
    """Clients that connect, sign in and get up to date, and then begin again as later users."""

    options: Options
    meter: Meter
    _sending: bool = False

    async def run(self) -> None:
        """Measures once for each line on standard input."""
        options = self.options
        indices = list(range(options.connections))
        async for _ in turns():
            self._sending = True
            tasks = [asyncio.create_task(self._sign_in_again(index)) for index in indices]
            window = await self.meter.measure(options.warmup_s, options.seconds)
            self._sending = False
            indices = await asyncio.wait_for(asyncio.gather(*tasks), DRAIN_S)
            self.meter.print_result(options.mode, options.connections, window)

    async def _sign_in_again(self, index: int) -> int:
        """Signs clients in, one after the other, from the user `index` on. Returns the next user."""
        while self._sending:
            since = time.monotonic()
            client = self.options.client(index, lambda _client, _numbers: None)
            await client.sign_in()
            client.close()
            self.meter.counts.handshakes += 1
            self.meter.record(since)
            index += self.options.connections
        return index


async def idle(options: Options, meter: Meter) -> None:
    """Signs clients in, which then only wait for messages, and prints the server's memory without and with them."""
    before_kib = memory_kib(options.pids[0])
    clients = [
        options.client(index, lambda _client, _numbers: None, IDLE_POLL_S) for index in range(options.connections)
    ]
    start = time.monotonic()
    await follow_all(options, clients)
    joining_s = time.monotonic() - start
    window = await meter.measure(options.warmup_s, options.seconds)
    result = {
        "mode": options.mode,
        "connections": options.connections,
        "before_kib": before_kib,
        "after_kib": memory_kib(options.pids[0]),
        "joining_s": joining_s,
        "seconds": window["seconds"],
        "server_cpu_s": window["server_cpu_s"],
    }
    print(json.dumps(result), flush=True)
