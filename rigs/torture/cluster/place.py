"""Where streams and cards are tortured: nodes over SQLite or PostgreSQL, with a Valkey or without."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import httpx
import psycopg

from rigs.torture.cluster.cluster import SECRET, token
from rigs.torture.cluster.node import Node, NodeOptions
from rigs.torture.cluster.postgresql import PostgreSQL
from tests.http_client import AsyncHttpClient
from tests.protocol.server_process import reserved_port
from tests.valkey_server import ValkeyServer

Topology = Literal["sqlite", "postgresql", "two-nodes", "two-nodes-valkey", "three-nodes"]
TOPOLOGIES: tuple[Topology, ...] = get_args(Topology)

WITHIN_S = 120.0
_PAUSE_S = 0.1
_NODES = {"two": 2, "three": 3}
_LEASE_S = "6"
"""After how many seconds without a sign of life a node counts as dead."""


@dataclass
class Place:
    """Nodes over one database. `data` is their folder; `postgresql` is None for SQLite."""

    nodes: list[Node]
    data: Path
    postgresql: PostgreSQL | None

    @property
    def urls(self) -> list[str]:
        return [url_of(node) for node in self.nodes]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement in the database, and returns its rows."""
        if self.postgresql is None:
            with closing(sqlite3.connect(self.data / "talkwire.db", timeout=30)) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(self.postgresql.connection_text) as server:
            cursor = server.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def url_of(node: Node) -> str:
    return f"http://127.0.0.1:{node.port}"


class BackEnd:
    """Sends requests to whichever node answers, again and again until one does."""

    def __init__(self, place: Place, http: httpx.AsyncClient, chance: random.Random) -> None:
        self._place = place
        self._http = http
        self._chance = chance

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        by: str = "backend",
        role: str | None = None,
        node: Node | None = None,
    ) -> Any:  # noqa: ANN401 (JSON)
        """Returns the JSON of the answer of any node, or of the one given. All requests are safe to repeat."""
        bearer = token(by, "service" if by == "backend" else role)
        async with asyncio.timeout(WITHIN_S):
            while True:
                url = url_of(node or self._chance.choice(self._place.nodes))
                try:
                    answer = await self._http.request(
                        method, f"{url}/api/v1{path}", json=body, headers={"authorization": f"Bearer {bearer}"}
                    )
                except httpx.TransportError:
                    await asyncio.sleep(_PAUSE_S)
                    continue
                if answer.is_success:
                    return answer.json() if answer.content else None
                if answer.status_code not in {429, 503}:
                    raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
                await asyncio.sleep(_PAUSE_S)


@asynccontextmanager
async def back_end_of(place: Place, seed: int) -> AsyncIterator[BackEnd]:
    async with AsyncHttpClient(timeout=5) as http:
        yield BackEnd(place, http, random.Random(seed))


@asynccontextmanager
async def running_place(
    topology: Topology, folder: Path, environment: Mapping[str, str] | None = None, sabotage: str | None = None
) -> AsyncIterator[Place]:
    """Starts nodes that log into `folder`, and ends everything afterwards. `sabotage` names something of the product to
    be broken (`sabotage.py`)."""
    async with AsyncExitStack() as stack:
        variables = {
            "JWT_SECRET": SECRET,
            "TALKWIRE_DATA": str(folder / "data"),
            "TALKWIRE_LOG_FORMAT": "json",
            "TALKWIRE_RATE_LIMITS": "off",
            "TALKWIRE_LEASE_S": _LEASE_S,
            "TALKWIRE_WEBHOOK_ALLOW": "127.0.0.1",
            **(environment or {}),
        }
        postgresql = None
        if topology != "sqlite":
            postgresql = PostgreSQL()
            stack.push_async_callback(postgresql.close)
            await postgresql.create()
            variables["DATABASE_URL"] = postgresql.url
        if topology == "two-nodes-valkey":
            valkey = ValkeyServer()
            stack.callback(valkey.close)
            await asyncio.to_thread(valkey.start)
            variables["REDIS_URL"] = valkey.url
        nodes = []
        for number in range(_NODES.get(topology.partition("-")[0], 1)):
            node = Node(f"node-{number + 1}", reserved_port(), folder, NodeOptions(variables, sabotage))
            stack.push_async_callback(node.close)
            await node.start()  # the first makes the tables
            nodes.append(node)
        yield Place(nodes, folder / "data", postgresql)
