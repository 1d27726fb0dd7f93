"""Sends parcels (batches of messages between nodes) by publish and subscribe in Redis or Valkey. All nodes have a
channel, which is named after the database's log, one more for announcements of events, and each node has one of its
own. The announced events are stored for some seconds.

Redis keeps nothing for subscribers that are disconnected, and disconnects those that read too slowly. Both are
harmless, since nodes read missed events from the log in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as ConnectionFailedError

from talkwire.bus.announcer import AnnouncementTransport
from talkwire.bus.carried import BUS_ANSWER_S, Published
from talkwire.bus.redis_client import FAILURES
from talkwire.core.ports.bus import Receivers

ANNOUNCE = """\
-- KEYS: the announcements that wait; when the last ones were published; then the keys of new events. ARGV: the channel
-- of announcements; for how many microseconds they wait; for how many milliseconds everything is kept; the head of a
-- block of announcements; new announcements; then the new events. Returns 1 if no announcements wait any more.
for number = 3, #KEYS do
    redis.call('SET', KEYS[number], ARGV[number + 3], 'PX', ARGV[3])
end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local waiting, published = unpack(redis.call('MGET', KEYS[1], KEYS[2]))
waiting = (waiting or '') .. ARGV[5]
local since = now - (published or 0)
-- Below 0: the clock was set back, or is another server's since a failover.
if since >= 0 and since < tonumber(ARGV[2]) then
    redis.call('SET', KEYS[1], waiting, 'PX', ARGV[3])
    return 0
end
if waiting ~= '' then
    redis.call('SET', KEYS[1], '', 'PX', ARGV[3])
    redis.call('SET', KEYS[2], string.format('%.0f', now), 'PX', ARGV[3])
    redis.call('PUBLISH', ARGV[1], ARGV[4] .. waiting)
end
return 1
"""


class RedisTransport:
    """Sends and receives parcels (batches of messages between nodes) over Redis channels, and stores announced events.
    Implements `carried.BusTransport` and `announcer.AnnouncementTransport`.
    """

    includes_events = True
    # With default settings, Redis disconnects a subscriber with 32 MiB of unread messages.
    dispatch_max = 8 << 20
    failures: tuple[type[Exception], ...] = FAILURES

    def __init__(self, redis: Redis, log: str) -> None:
        self._redis = redis
        self._prefix = f"talkwire:{log}:"
        self._channel = self._prefix + "news"
        self._announced = self._prefix + "a"  # short, since its name comes with every block of announcements
        self._waiting = self._prefix + "waiting"
        self._published = self._prefix + "published"
        self._announce = redis.register_script(ANNOUNCE)
        self.announcements: AnnouncementTransport = self
        self.on_announced: Callable[[bytes], None] = _ignore

    async def publish(self, parcels: Sequence[Published]) -> None:
        addressed = [(channel, parcel) for parcel, to in parcels for channel in self._channels(to)]
        async with asyncio.timeout(BUS_ANSWER_S):
            if len(addressed) == 1:
                await self._redis.publish(*addressed[0])
                return
            async with self._redis.pipeline(transaction=False) as together:
                for channel, parcel in addressed:
                    together.publish(channel, parcel)
                await together.execute()

    def _channels(self, to: Receivers) -> Sequence[str]:
        return [self._channel] if to is None else [self._prefix + node_id for node_id in to]

    @asynccontextmanager
    async def listening(self, node_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._redis.pubsub() as subscription:
            async with asyncio.timeout(BUS_ANSWER_S):
                for channel in (self._channel, self._announced, self._prefix + node_id):
                    await subscription.subscribe(channel)
                    await subscription.get_message(timeout=None)  # the confirmation of the subscription
            yield self._parcels(subscription)

    async def announce(
        self, head: bytes, entries: bytes, events: Mapping[str, bytes], *, kept_s: float, gather_s: float
    ) -> bool:
        keys = [self._waiting, self._published, *map(self._event, events)]
        times = (round(gather_s * 1_000_000), round(kept_s * 1000))
        async with asyncio.timeout(BUS_ANSWER_S):
            return bool(await self._announce(keys, [self._announced, *times, head, entries, *events.values()]))

    async def fetch(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        async with asyncio.timeout(BUS_ANSWER_S):
            return cast("list[bytes | None]", await self._redis.mget([self._event(key) for key in keys]))

    async def close(self) -> None:
        """Does nothing: the Redis client belongs to the node, which closes it."""

    def _event(self, key: str) -> str:
        return f"{self._prefix}event:{key}"

    async def _parcels(self, subscription: PubSub) -> AsyncIterator[bytes]:
        announced = self._announced.encode()
        async for message in subscription.listen():
            if message["type"] != "message":
                continue
            if message["channel"] == announced:
                self.on_announced(message["data"])
            else:
                yield message["data"]
        raise ConnectionFailedError("Redis has ended the subscription")


def _ignore(_block: bytes) -> None:
    """Does nothing: the default of `on_announced`."""
