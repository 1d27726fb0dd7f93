"""Checks the configured Redis: whether it responds, and whether nodes (server processes) can use it.

Import this module only after calling `extras.require_redis`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Literal
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from talkwire.bus.redis_client import FAILURES, reason_of, redis_client
from talkwire.bus.shared_limits import TAKE
from talkwire.cli.failures import Failure

ANSWERS_WITHIN_S = 5.0
"""Longest time that Redis may take to answer a check, in seconds."""

CLOCKS_APART_S = 5.0
"""Largest difference between the clocks of Redis and this computer without a remark, in seconds."""

_CHANNEL = "talkwire:check"

Remark = tuple[Literal["ok", "note", "warning", "wrong"], str]


def client_of(url: str) -> Redis:
    """Returns a Redis client that has not connected yet. Raises Failure for an invalid URL."""
    try:
        return redis_client(url)
    except ValueError as error:
        raise Failure(f"{_shown(url)}: {error}") from error


async def check_redis(url: str) -> list[Remark]:
    """Checks the Redis at `url`, and returns a list of remarks: pairs of a state of a `Finding`, such as `ok` or
    `wrong`, and a text.

    Leaves no data in Redis. Raises Failure if Redis does not respond.
    """
    redis = client_of(url)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            return [remark async for remark in _remarks(redis, _shown(url))]
    except FAILURES as error:
        reason = f"no response within {ANSWERS_WITHIN_S:g} s" if type(error) is TimeoutError else reason_of(error)
        raise Failure(f"{_shown(url)}: {reason}") from error
    finally:
        await redis.aclose()


async def _remarks(redis: Redis, shown: str) -> AsyncIterator[Remark]:
    try:
        info: dict[str, Any] = await redis.info()
    except NoPermissionError:
        info = {}
        yield "note", f"{shown} responds, but does not let this user read its version"
    else:
        yield "ok", f"{shown} responds: {_product(info)}"
    if info.get("cluster_enabled"):
        yield "wrong", "it is a cluster; nodes need a single server, which may have replicas for failover"
        return
    if info.get("role") == "slave":
        yield "wrong", "it is a replica; nodes need the server that it copies"
        return
    for what, failure in (
        ("nodes cannot send events to each other", await _failure_of_sending(redis)),
        ("nodes cannot receive events of each other", await _failure_of_receiving(redis)),
        ("each node applies its rate limits alone", await _failure_of_limits(redis)),
    ):
        if failure is not None:
            yield "wrong", f"{what}: {failure}"
    if info.get("maxmemory"):
        yield "note", _on_full_memory(info)
    ahead_s = await _clock_ahead_s(redis)
    if abs(ahead_s) > CLOCKS_APART_S:
        which = "ahead of" if ahead_s > 0 else "behind"
        yield "note", f"its clock is {abs(ahead_s):.0f} s {which} this machine's; nothing depends on it"


def _product(info: dict[str, Any]) -> str:
    valkey = info.get("valkey_version")
    return f"Redis {info.get('redis_version')}" if valkey is None else f"Valkey {valkey}"


async def _failure_of_sending(redis: Redis) -> str | None:
    try:
        await redis.publish(_CHANNEL, b"")
    except ResponseError as error:
        return str(error)
    return None


async def _failure_of_receiving(redis: Redis) -> str | None:
    async with redis.pubsub() as subscription:
        try:
            await subscription.subscribe(_CHANNEL)
            await subscription.get_message(timeout=ANSWERS_WITHIN_S)  # the confirmation, or the refusal
        except ResponseError as error:
            return str(error)
    return None


async def _failure_of_limits(redis: Redis) -> str | None:
    try:
        # This bucket is full again, and deleted, after a millisecond.
        await redis.register_script(TAKE)(["talkwire:check:limit"], [0, -1, 1000])
    except ResponseError as error:
        return str(error)
    return None


async def _clock_ahead_s(redis: Redis) -> float:
    """Returns how many seconds the clock of Redis is ahead of this machine's; 0 if this user may not read it."""
    try:
        seconds, microseconds = await redis.time()
    except NoPermissionError:  # which the check of the limits has reported
        return 0.0
    return float(seconds + microseconds / 1_000_000 - time.time())


def _on_full_memory(info: dict[str, Any]) -> str:
    policy = info.get("maxmemory_policy")
    what = (
        "stores no more limits, so each node applies its rate limits alone"
        if policy == "noeviction"
        else "forgets limits"
    )
    return f"when its memory is full it {what} (maxmemory-policy {policy})"


def _shown(url: str) -> str:
    """Returns a Redis URL without user and password, for printing."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
