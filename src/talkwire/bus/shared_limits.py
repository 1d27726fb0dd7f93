"""Rate limits across nodes: each node reports the requests that it allowed to Redis, which adds them up.

A node takes tokens from its own token buckets (`core/engine/limits.py`) without waiting. Five times a second it reports
to Redis how many it took, and receives how many all nodes together have left. Only requests that count as sign-ins wait
for Redis. While Redis fails, each node limits by its own buckets. Times in Redis are microseconds of its own clock,
since nodes' clocks may differ.

Tokens that nodes allowed before they knew of each other become a debt: the shared bucket is then below empty. So N
nodes allow N bursts at first, but the configured rate in the long run. `docs/limits.md` has the bound.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, cast

import structlog
from redis.asyncio import Redis

from talkwire.bus.redis_client import FAILURES, reason_of
from talkwire.core.engine.limits import Kind, Limits

REPORT_EVERY_S = 0.2
"""Seconds between two reports of a node to Redis."""

REPORT_WITHIN_S = 1.0
"""Longest time that a report to Redis may take, in seconds."""

ASK_WITHIN_S = 0.2
"""Longest time that a request waits for Redis, in seconds. Then the node's own bucket decides."""

REPORT_MAX = 500
"""Most buckets that one call of the script names. Redis runs one script at a time, so each must be short."""

REDIS_PAUSE_S = 0.5
"""Seconds without requests to Redis after it has failed; doubled after each further failure, up to
`REDIS_PAUSE_MAX_S`."""

REDIS_PAUSE_MAX_S = 10.0
"""Longest pause without requests to Redis after failures, in seconds."""

_US = 1_000_000

TAKE = """\
-- KEYS: buckets. ARGV: microseconds since the oldest token was taken; how many microseconds from full a bucket may be
-- to give one more token, or -1 if the tokens were taken already; then, for each bucket, the microseconds by which they
-- delay its being full. Returns for each bucket the microseconds until it is full, negative if it gave no token.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local since = now - ARGV[1]
local slack = tonumber(ARGV[2])
local answers = {}
for number, value in ipairs(redis.call('MGET', unpack(KEYS))) do
    local full_at = 0
    local known, as_of = string.match(value or '', '^(%d+) (%d+)$')
    if known then
        -- The clock was set back, or is another server's since a failover: keep the remaining time, not the moment.
        full_at = known - math.max(0, as_of - now)
    end
    if slack >= 0 and full_at - now > slack then
        answers[number] = now - full_at
    else
        full_at = math.max(full_at, since) + ARGV[2 + number]
        answers[number] = math.max(0, full_at - now)
        if full_at > now then
            local state = string.format('%.0f %.0f', full_at, now)
            redis.call('SET', KEYS[number], state, 'PX', string.format('%.0f', math.ceil((full_at - now) / 1000)))
        end
    end
end
return answers
"""

_logger = structlog.get_logger(__name__)


class Report(NamedTuple):
    """The tokens that a node took from rate-limit buckets of one kind, as it reports them to Redis.

    `costs_us` has, for each of the buckets `keys`, the taken tokens as the microseconds in which the bucket regains
    them. The tokens were taken between the times `since` and `at`, the latter being the time of this report, in seconds
    of this node's monotonic clock.
    """

    kind: Kind
    keys: Sequence[str]
    costs_us: Sequence[int]
    since: float
    at: float

    @property
    def age_us(self) -> int:
        return round((self.at - self.since) * _US)


def reports(limits: Limits, since: float, now: float) -> Iterator[Report]:
    """Yields reports, of at most REPORT_MAX buckets each, of the rate-limit tokens taken since the last call, which was
    at the time `since`. `since` and `now` are in seconds of this node's monotonic clock.
    """
    for kind, taken in limits.taken():
        interval_us = _US / limits.rates[kind].per_s
        costs_us = [int(tokens * interval_us) for tokens in taken.values()]
        keys = list(taken)
        for start in range(0, len(keys), REPORT_MAX):
            part = slice(start, start + REPORT_MAX)
            yield Report(kind, keys[part], costs_us[part], since, now)


def adopt_reply(limits: Limits, report: Report, answers_us: Sequence[int]) -> None:
    """Stores Redis's reply to a report in this node's own rate-limit buckets: `answers_us` are the microseconds until
    each of the report's buckets will be full again, counted from the time of the report.

    Redis replied later than that, so the buckets are full a little too early, which allows more and never less.
    """
    at = report.at
    buckets = zip(report.keys, answers_us, strict=True)
    limits.adopt(report.kind, ((key, at + answer / _US) for key, answer in buckets if answer))


class _Pauses:
    """The pauses without requests to Redis after failures. Each further failure doubles the pause, from REDIS_PAUSE_S
    up to REDIS_PAUSE_MAX_S seconds; a success ends it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pause_s = 0.0
        self._until = 0.0

    @property
    def failing(self) -> bool:
        """True if the last attempt to reach Redis failed."""
        return self._pause_s > 0

    @property
    def waiting(self) -> bool:
        return self._clock() < self._until

    def failed(self) -> None:
        self._pause_s = min(max(REDIS_PAUSE_S, 2 * self._pause_s), REDIS_PAUSE_MAX_S)
        self._until = self._clock() + self._pause_s

    def succeeded(self) -> None:
        self._pause_s = self._until = 0.0


class SharedLimits:
    """Shares this node's rate-limit buckets through Redis with all nodes of the same log; `name` prefixes the Redis
    keys.

    `limits` are the node's own buckets, created with `shared=True`. The constructor sets `limits.ask`, and `run`
    reports the taken tokens. `clock` returns the time in seconds of a monotonic clock.
    """

    def __init__(self, redis: Redis, limits: Limits, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._take = redis.register_script(TAKE)
        self._limits = limits
        self._prefix = f"talkwire:{name}:limit:"
        self._clock = clock
        self._reported_at = clock()
        self._reporting = _Pauses(clock)
        self._asking = _Pauses(clock)
        limits.ask = self.ask

    @property
    def is_disconnected(self) -> bool:
        """True while Redis fails, so that this node limits requests by its own buckets only."""
        return self._reporting.failing

    async def run(self) -> None:
        """Calls `report` every REPORT_EVERY_S seconds until the task is cancelled. A failing Redis does not end it."""
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            await self.report()

    async def report(self) -> None:
        """Reports to Redis the tokens taken since the last report, and adjusts this node's buckets to what all nodes
        together have left. Logs when Redis begins to fail and when it works again; never raises that error.

        A report that may have reached Redis without a reply is not repeated, and tokens taken during a pause after
        failures are not reported: counting twice is worse, and buckets refill.
        """
        now = self._clock()
        since, self._reported_at = self._reported_at, now
        written = list(reports(self._limits, since, now))
        if not written or self._reporting.waiting:
            return
        try:
            async with asyncio.timeout(REPORT_WITHIN_S):
                for report in written:
                    adopt_reply(self._limits, report, await self._send(report, -1))
        except FAILURES as error:
            if not self.is_disconnected:
                _logger.warning("shared_limits_disconnected", error=reason_of(error))
            self._reporting.failed()
        else:
            if self.is_disconnected:
                _logger.info("shared_limits_connected")
            self._reporting.succeeded()

    async def ask(self, kind: Kind, key: str) -> float:
        """Takes one token from the bucket `key` that all nodes share in Redis. Returns 0 if it got one, else the
        seconds until one is free.

        Returns 0 as well if Redis does not reply within ASK_WITHIN_S, or has failed just before: this node's own bucket
        has allowed the request.
        """
        if self._reporting.waiting or self._asking.waiting:
            return 0.0
        now, rate = self._clock(), self._limits.rates[kind]
        report = Report(kind, [key], [int(_US / rate.per_s)], now, now)
        slack_us = int((rate.burst - 1) * _US / rate.per_s)
        try:
            async with asyncio.timeout(ASK_WITHIN_S):
                [answer_us] = await self._send(report, slack_us)
        except FAILURES:
            self._asking.failed()
            return 0.0
        self._asking.succeeded()
        adopt_reply(self._limits, report, [abs(answer_us)])
        return max(0, -answer_us - slack_us) / _US

    async def _send(self, report: Report, slack_us: int) -> list[int]:
        # Redis keys may hold any bytes, and the bucket's key comes last, so nothing has to be escaped.
        prefix = f"{self._prefix}{report.kind}:"
        names = [f"{prefix}{key}".encode("utf-8", "surrogatepass") for key in report.keys]
        return cast("list[int]", await self._take(names, [report.age_us, slack_us, *report.costs_us]))
