"""Sends parcels (batches of messages between nodes) by publish and subscribe in Redis or Valkey. All nodes have a
channel, which is named after the database's log, and each node has one of its own.

Redis keeps nothing for subscribers that are disconnected, and disconnects those that read too slowly. Both are
harmless, since nodes read missed events from the log in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as ConnectionFailedError

from talkwire.bus.carried import ANSWER_S
from talkwire.bus.redis_client import FAILURES


class RedisTransport:
    """Sends and receives parcels (batches of messages between nodes) over Redis channels. Implements
    `carried.BusTransport`.
    """

    includes_events = True
    # With default settings, Redis disconnects a subscriber with 32 MiB of unread messages.
    dispatch_max = 8 << 20
    failures: tuple[type[Exception], ...] = FAILURES

    def __init__(self, redis: Redis, log: str) -> None:
        self._redis = redis
        self._channel = f"talkwire:{log}:news"
        self._prefix = f"talkwire:{log}:"

    async def publish(self, parcel: bytes, to: str | None = None) -> None:
        channel = self._channel if to is None else self._prefix + to
        async with asyncio.timeout(ANSWER_S):
            await self._redis.publish(channel, parcel)

    @asynccontextmanager
    async def listening(self, node_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._redis.pubsub() as subscription:
            async with asyncio.timeout(ANSWER_S):
                for channel in (self._channel, self._prefix + node_id):
                    await subscription.subscribe(channel)
                    await subscription.get_message(timeout=None)  # the confirmation of the subscription
            yield _parcels(subscription)

    async def close(self) -> None:
        """Does nothing: the Redis client belongs to the node, which closes it."""


async def _parcels(subscription: PubSub) -> AsyncIterator[bytes]:
    async for message in subscription.listen():
        if message["type"] == "message":
            yield message["data"]
    raise ConnectionFailedError("Redis has ended the subscription")
