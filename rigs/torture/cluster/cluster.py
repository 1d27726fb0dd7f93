"""The real cluster: three nodes, PostgreSQL, Valkey behind one forwarder per node, and Caddy in front."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt

from rigs.torture.cluster.balancer import Balancer
from rigs.torture.cluster.node import Node, NodeOptions
from rigs.torture.cluster.postgresql import PostgreSQL
from rigs.torture.cluster.valkey_link import ValkeyLink
from tests.protocol.server_process import reserved_port
from tests.valkey_server import ValkeyServer

SECRET = "the torture campaign's secret, of more than 32 characters"
NODES = 3


@dataclass
class Cluster:
    nodes: list[Node]
    links: list[ValkeyLink]
    """Each node's way to Valkey."""
    postgresql: PostgreSQL
    valkey: ValkeyServer
    balancer: Balancer

    @property
    def url(self) -> str:
        return self.balancer.url


def token(user: str, role: str | None = None) -> str:
    """Returns a token that is valid for a day. It has no time of issue: a node whose clock is an hour behind accepts it
    too.
    """
    claims: dict[str, object] = {"sub": user, "name": user.title(), "exp": int(time.time()) + 86_400}
    if role is not None:
        claims["role"] = role
    return jwt.encode(claims, SECRET, algorithm="HS256")


@asynccontextmanager
async def running_cluster(folder: Path, sabotage: str | None = None) -> AsyncIterator[Cluster]:
    """`folder` is where logs and files lie."""
    async with AsyncExitStack() as stack:
        postgresql = PostgreSQL()
        stack.push_async_callback(postgresql.close)
        await postgresql.create()
        valkey = ValkeyServer()
        stack.callback(valkey.close)
        await asyncio.to_thread(valkey.start)
        nodes, links = [], []
        for number in range(NODES):
            link = ValkeyLink(valkey.port)
            stack.push_async_callback(link.close)
            await link.start()
            links.append(link)
            options = NodeOptions(_environment(folder, postgresql, link), sabotage)
            node = Node(f"node-{number + 1}", reserved_port(), folder, options)
            stack.push_async_callback(node.close)
            nodes.append(node)
        # The first makes the tables.
        await nodes[0].start()
        for node in nodes[1:]:
            node.launch()
        for node in nodes[1:]:
            await node.wait_ready()
        balancer = Balancer(folder, [node.port for node in nodes])
        stack.push_async_callback(balancer.kill)
        await balancer.start()
        yield Cluster(nodes, links, postgresql, valkey, balancer)


def _environment(folder: Path, postgresql: PostgreSQL, link: ValkeyLink) -> dict[str, str]:
    return {
        "JWT_SECRET": SECRET,
        "DATABASE_URL": postgresql.url,
        "REDIS_URL": f"redis://127.0.0.1:{link.port}",
        "TALKWIRE_DATA": str(folder / "data"),
        "TALKWIRE_LOG_FORMAT": "json",
        "TALKWIRE_RATE_LIMITS": "off",
        "TALKWIRE_TRUSTED_PROXIES": "127.0.0.1",
    }
