"""The one client of Redis, or Valkey, that a node has: how it connects, how long it waits, what it does not try again.

Needs the package of the extra `redis`; import it only where a Redis is set.
"""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

CONNECTIONS_MAX = 16
CONNECT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 5.0

FAILURES = (RedisError, OSError, TimeoutError)
"""What a command can raise where the Redis, or the way to it, is at fault."""


def redis_client(url: str) -> Redis:
    """A client of the Redis at a `redis://`, `rediss://` or `unix://` URL, which opens connections when it needs them.

    The URL may say more, as in `rediss://user:password@host:6380/0?ssl_ca_certs=/etc/ssl/redis.pem`. Nothing is tried
    again by itself: whoever adds something does not know whether the first time has counted, and whoever listens wants
    to know that something was missed. Close it with `aclose`. Raises ValueError for a URL that cannot be meant.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=CONNECT_WITHIN_S,
        socket_connect_timeout=CONNECT_WITHIN_S,
        socket_timeout=ANSWER_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
        client_name="talkwire",
    )
    try:
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        raise ValueError(f"has a parameter that is not known: {reason_of(error).rpartition(' ')[2]}") from error
    return Redis.from_pool(pool)


def reason_of(error: Exception) -> str:
    """What went wrong, as one line without the URL and so without its password."""
    return " ".join(str(error).split()) or type(error).__name__
