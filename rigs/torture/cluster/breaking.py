"""Kills and stops nodes and PostgreSQL, and brings them back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, get_args

from rigs.torture.cluster.node import Node
from rigs.torture.cluster.postgresql import PostgreSQL

How = Literal["killed", "stopped"]
HOWS: tuple[How, ...] = get_args(How)


async def break_node(node: Node, how: How) -> Callable[[], Awaitable[None]]:
    """Returns what brings the node back."""
    if how == "stopped":
        node.pause()

        async def wake() -> None:
            node.resume()

        return wake
    await node.kill()
    return node.start


async def break_postgresql(postgresql: PostgreSQL, how: How, for_s: float) -> None:
    """Returns when PostgreSQL is back, after `for_s` seconds."""
    if how == "stopped":
        postgresql.pause()
        await asyncio.sleep(for_s)
        postgresql.resume()
    else:
        await postgresql.kill()
        await asyncio.sleep(for_s)
        await postgresql.start()
