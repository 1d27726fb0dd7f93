"""Creates the one Redis or Valkey client of a node, with its timeouts and without retries.

Needs the package of the extra `redis`; import this module only if a Redis is configured.
"""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

CONNECTIONS_MAX = 16
"""Most connections to Redis that a node opens."""

CONNECT_WITHIN_S = 2.0
"""Longest time that connecting to Redis, or waiting for a free connection, may take, in seconds."""

ANSWER_WITHIN_S = 5.0
"""Longest time that Redis may take to answer a command, in seconds."""

FAILURES = (RedisError, OSError, TimeoutError)
"""Exceptions that a command raises if Redis, or the network to it, fails."""


def redis_client(url: str) -> Redis:
    """Returns a client of the Redis at a `redis://`, `rediss://` or `unix://` URL. It connects at its first command,
    not now, and opens at most CONNECTIONS_MAX connections.

    The URL may have parameters, as in `rediss://user:password@host:6380/0?ssl_ca_certs=/etc/ssl/redis.pem`. The client
    never retries: a command that adds to a counter could count twice, and a subscriber has to know that it missed
    messages. Close it with `aclose`. Raises ValueError for an invalid URL.
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
        raise ValueError(f"has an unknown parameter: {reason_of(error).rpartition(' ')[2]}") from error
    return Redis.from_pool(pool)


def reason_of(error: Exception) -> str:
    """Returns an error's text in one line for logs, or the name of its class if it has no text. What took too long to
    connect or to respond is the same to an operator, however long the caller waited."""
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return "no response in time"
    return " ".join(str(error).split()) or type(error).__name__
