"""What buses go over in tests, real and in working order until a test does something to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from secrets import token_hex

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from redis.asyncio import Redis

from talkwire.bus import carried, postgresql, redis, redis_client, shared_limits
from talkwire.bus.carried import TransportBus
from talkwire.bus.memory import Exchange, MemoryBus
from talkwire.bus.postgresql import OWN_PARAMETERS, PostgresTransport
from talkwire.bus.redis import RedisTransport
from talkwire.bus.seal import Realm
from talkwire.core.ports.bus import Announcement, AnyBusMessage, Bus
from talkwire.storage.conninfo import with_own
from talkwire.storage.engine import parameters_of
from tests.databases import PostgresServer
from tests.valkey_server import ValkeyServer
from tests.waiting import DEADLINE_S, deadline

REALM = Realm("a database", b"its secret")


def let_answers_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a server that answers late count as available, since a busy machine may stop this process for seconds."""
    monkeypatch.setattr(redis_client, "CONNECT_WITHIN_S", DEADLINE_S)
    monkeypatch.setattr(redis_client, "ANSWER_WITHIN_S", DEADLINE_S)
    monkeypatch.setattr(shared_limits, "REPORT_WITHIN_S", DEADLINE_S)
    monkeypatch.setattr(shared_limits, "ASK_WITHIN_S", DEADLINE_S)
    monkeypatch.setattr(carried, "BUS_START_S", DEADLINE_S)
    for module in (carried, redis, postgresql):
        monkeypatch.setattr(module, "BUS_ANSWER_S", DEADLINE_S)


class Network:
    """Closes what has joined it. `realm` is what its buses are given from now on."""

    def __init__(self) -> None:
        self.realm = REALM
        self._members: list[Member] = []

    def bus(self) -> Bus:
        """One more, which has not started."""
        raise NotImplementedError

    async def member(self, log: str = "log") -> Member:
        """One more, which has."""
        member = Member(self.bus())
        self._members.append(member)
        await member.start(log)
        return member

    async def close(self) -> None:
        for member in self._members:
            await member.bus.close()


class MemoryNetwork(Network):
    def __init__(self) -> None:
        super().__init__()
        self._exchange = Exchange()

    def bus(self) -> Bus:
        return MemoryBus(self._exchange)


class ServerNetwork(Network):
    """One that goes over a server, which may stop answering."""

    def __init__(self, server: ValkeyServer | PostgresServer) -> None:
        super().__init__()
        self._carrier = server

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._carrier.pause()
        try:
            yield
        finally:
            self._carrier.resume()


class ValkeyNetwork(ServerNetwork):
    def __init__(self, server: ValkeyServer) -> None:
        super().__init__(server)
        self.server = server
        self._clients: list[Redis] = []

    def bus(self) -> TransportBus:
        client = redis_client.redis_client(self.server.url)
        self._clients.append(client)
        return TransportBus(partial(RedisTransport, client), self.realm)

    async def close(self) -> None:
        await super().close()
        for client in self._clients:
            await client.aclose()

    @contextmanager
    def gone(self) -> Iterator[None]:
        self.server.kill()
        try:
            yield
        finally:
            self.server.start()

    def cut(self) -> None:
        """Closes the connections of all listeners."""
        self.server.cut_clients("pubsub")

    def listening(self) -> int:
        """How many do."""
        return len(str(self.server.command("CLIENT", "LIST", "TYPE", "pubsub")).split("cmd=")) - 1


class PostgresNetwork(ServerNetwork):
    def __init__(self, server: PostgresServer, database: str) -> None:
        super().__init__(server)
        self.server = server
        self._parameters = with_own(
            parameters_of(server.url_of(database)), {**OWN_PARAMETERS, "connect_timeout": str(int(DEADLINE_S))}
        )

    def bus(self) -> TransportBus:
        return TransportBus(partial(PostgresTransport, self._parameters, DEADLINE_S), self.realm)

    @contextmanager
    def gone(self) -> Iterator[None]:
        self.server.stop(signal.SIGQUIT)
        try:
            yield
        finally:
            self.server.start()

    def cut(self) -> None:
        self._ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")

    def listening(self) -> int:
        return int(str(self._ask("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")))

    def _ask(self, statement: str) -> object:
        with psycopg.connect(make_conninfo(**self._parameters), autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
            return None if row is None else row[0]


FailingNetwork = ValkeyNetwork | PostgresNetwork


class Member:
    """A bus that stores what it receives."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.node_id = token_hex(8)
        self.received: list[AnyBusMessage] = []
        self.needed: set[int] | None = None
        """The hashes of the conversations whose announced events it needs; None: of all."""
        self.announced: list[Announcement] = []
        self.compresses = False
        self.fails = False
        """Whether its choice of announced events raises an error."""
        self._changed = asyncio.Event()

    async def start(self, log: str) -> None:
        await self.bus.start(log, self.node_id, self._hear, self._choose, lambda: self.compresses)

    def _choose(self, announced: Sequence[Announcement]) -> Sequence[Announcement]:
        self.announced += announced
        self._changed.set()
        if self.fails:
            raise ValueError("as a bug would")
        return [each for each in announced if self.needed is None or each.conversation_hash in self.needed]

    def _hear(self, dispatch: AnyBusMessage) -> None:
        self.received.append(dispatch)
        self._changed.set()

    async def until(self, condition: Callable[[Sequence[AnyBusMessage]], bool]) -> None:
        """Waits until the condition holds for the received messages. Raises TimeoutError."""
        async with deadline():
            while not condition(self.received):
                self._changed.clear()
                await self._changed.wait()
