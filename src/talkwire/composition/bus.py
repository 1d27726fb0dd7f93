"""Builds the bus that passes messages between nodes, and the node's only Redis client."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from talkwire.bus.carried import TransportBus
from talkwire.composition.foundation import Database
from talkwire.core.ports.bus import Bus, NoBus
from talkwire.settings import Settings
from talkwire.storage.conninfo import connecting_s, with_own
from talkwire.storage.engine import parameters_of

if TYPE_CHECKING:
    from redis.asyncio import Redis


def redis_of(settings: Settings, closing: contextlib.AsyncExitStack) -> Redis | None:
    """Returns the node's only Redis client, which connects when it is first used and is closed with `closing`. Returns
    None if no Redis is configured."""
    if settings.redis is None:
        return None
    from talkwire.bus.redis_client import redis_client  # noqa: PLC0415 (needs the package of an extra)

    redis = redis_client(settings.redis)
    closing.push_async_callback(redis.aclose)
    return redis


def bus_of(settings: Settings, database: Database, redis: Redis | None) -> Bus:
    """Returns the bus that passes messages between the nodes: over Redis if it is configured, else over PostgreSQL.

    A node on SQLite has no other nodes and gets a bus that sends nothing.
    """
    if not settings.on_postgresql:
        return NoBus()
    if redis is not None:
        from talkwire.bus.redis import RedisTransport  # noqa: PLC0415 (needs the package of an extra)

        return TransportBus(partial(RedisTransport, redis), database.realm)
    from talkwire.bus.postgresql import OWN_PARAMETERS, PostgresTransport  # noqa: PLC0415 (the package of an extra)

    parameters = with_own(parameters_of(database.url), OWN_PARAMETERS)
    return TransportBus(partial(PostgresTransport, parameters, connecting_s(parameters)), database.realm)
