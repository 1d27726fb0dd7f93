"""Claims pending pushes of subscriptions (devices) in the database, and sends them to push services.

A job is what is to be sent to one subscription: one node sends it in order, one request after the other. Jobs of
different subscriptions run at the same time, a limited number for each push service, so that a slow service does not
delay the others. After a failure the subscription waits, longer each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol, TypeVar

import structlog

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.commands.command import Command
from talkwire.core.commands.server.pushes import (
    ClaimPushes,
    DuePush,
    NextPush,
    PushContents,
    PushJob,
    PushResult,
    ReadPushContents,
)
from talkwire.core.domain.actors import PUSH_SENDER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, PushSubscription
from talkwire.observability.log_rate_limit import LogRateLimit
from talkwire.push.delivery import PushDelivery, PushOutcome
from talkwire.push.push_metrics import PushMetrics

PUSH_CLAIM_MS = 45_000
"""Milliseconds after which another node may send what a node has claimed, even if its lease lasts. A job takes less."""

PUSH_JOB_S = 20.0
"""Seconds after which a job sends nothing more. The rest is another job."""

PUSH_JOBS_MAX = 128
"""Most jobs (deliveries to one subscription) at once."""

JOBS_PER_SERVICE = 16
"""Most subscriptions of one push service that are sent to at once."""

RESULTS_GATHER_S = 0.05
"""Seconds for which results are collected, to be stored together."""

PUSHES_POLL_S = 5.0
"""Seconds between two looks of a node for what other nodes have left, if there are other nodes."""

PUSH_RETRIES_S = (5, 30, 120, 600, 1800, 3600, 7200, 18_000, 36_000)
"""Seconds that a subscription waits after its first, second, … failure; after all others as after the last."""

PUSH_RETRY_JITTER = 0.1
"""Share by which the wait after a failure is longer or shorter, at random."""

PUSH_DATABASE_RETRY_S = 1.0
"""Seconds until the next attempt after the database was unavailable."""

UNREACHABLE_MAX = 3
"""Number of attempts without an answer after which nothing is sent to a push service for `SERVICE_PAUSE_S`."""

SERVICE_PAUSE_S = 15.0
"""Seconds for which nothing is sent to a push service that does not answer."""

PUSHES_CLOSE_S = 2.0
"""Longest time that the end of the server waits for requests in flight, in seconds."""

R = TypeVar("R")

InUse = Callable[[Sequence[PushSubscription]], Awaitable[Collection[str]]]
"""Function that returns the ids of the subscriptions whose devices have a socket, on any node."""

_logger = structlog.get_logger(__name__)


class PushChat(Protocol):
    """The part of the chat that the push sender uses: the commands that claim pushes and store their results."""

    @property
    def node_id(self) -> str: ...

    def execute(self, actor: Actor, command: Command[R]) -> Awaitable[R]: ...


class PushSender:
    """A background task that sends pending pushes, from `start` to `close`.

    `in_use` returns which of the given devices have a socket on any node; these get no push. `alone`: there are no
    other nodes, so this node need not look for pushes that a killed node has left.
    """

    def __init__(
        self, chat: PushChat, delivery: PushDelivery, in_use: InUse, metrics: PushMetrics, *, alone: bool
    ) -> None:
        self._chat = chat
        self._delivery = delivery
        self._in_use = in_use
        self._metrics = metrics
        self._poll_s = None if alone else PUSHES_POLL_S
        self._woken = asyncio.Event()
        self._results: list[PushResult] = []
        self._running: Counter[str] = Counter()
        """Numbers of running jobs, by push service."""
        metrics.in_flight = self._running.total
        self._silent: Counter[str] = Counter()
        """Numbers of attempts that a push service did not answer since its last answer, by push service."""
        self._paused_until: dict[str, float] = {}
        self._lines = LogRateLimit()
        self._jobs = BackgroundTasks()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Notifies the sender that there are pushes to send. It can be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(self._woken.set)

    async def close(self) -> None:
        """Stops the sender, waits up to two seconds for requests in flight, and stores their results."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PUSHES_CLOSE_S):
                await self._jobs.wait()
        if self._results:
            with contextlib.suppress(ChatError):  # another node sends it once more when the claim has ended
                claim = ClaimPushes(self._chat.node_id, tuple(self._results), PUSH_CLAIM_MS, 0)
                await self._chat.execute(PUSH_SENDER, claim)

    # --- claiming ---------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                wait_s = await self._start_due()
            except ChatError:  # the database does not answer
                wait_s = PUSH_DATABASE_RETRY_S
            except Exception:
                _logger.exception("pushes_not_claimed")
                wait_s = PUSHES_POLL_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            await asyncio.sleep(RESULTS_GATHER_S)

    async def _start_due(self) -> float | None:
        """Stores results and starts the jobs that are due (a job: the pushes of one device).

        Returns the seconds until the next call, None to wait for `wake`.
        """
        due_ms = None if self._results else await self._chat.execute(PUSH_SENDER, NextPush())
        if not self._results and due_ms != 0:
            return _least(self._poll_s, None if due_ms is None else due_ms / 1000)
        limit = min(JOBS_PER_SERVICE, PUSH_JOBS_MAX - self._running.total())
        results, self._results = self._results, []
        try:
            claim = ClaimPushes(self._chat.node_id, tuple(results), PUSH_CLAIM_MS, limit, self._busy())
            jobs = await self._chat.execute(PUSH_SENDER, claim)
        except ChatError:
            self._results = [*results, *self._results]
            raise
        if not jobs:
            # Whatever is due belongs to a service that is busy, or is not due any more.
            return _least(self._poll_s, PUSH_DATABASE_RETRY_S) if due_ms == 0 or self._running else 0.0
        await self._begin(jobs)
        return 0.0

    def _busy(self) -> tuple[str, ...]:
        """Returns the push services to which no further job is sent now: those with enough jobs, or paused after
        failures.
        """
        now_s = self._loop.time()
        self._paused_until = {service: until for service, until in self._paused_until.items() if until > now_s}
        full = (service for service, jobs in self._running.items() if jobs >= JOBS_PER_SERVICE)
        return tuple({*full, *self._paused_until})

    async def _begin(self, jobs: Sequence[PushJob]) -> None:
        """Reads the notifications of claimed jobs (a job: the pushes of one device) and starts to send them.

        Drops jobs of devices that are connected. If the database cannot be read, the jobs are claimed again later.
        """
        for job in jobs:
            self._running[job.service] += 1
        try:
            in_use = await self._in_use([job.subscription for job in jobs])
            contents = await self._read([job for job in jobs if job.subscription.id not in in_use])
        except ChatError:
            for job in jobs:
                self._finish(job, PushResult(job.subscription.id, failures=job.failures, retry_ms=1000))
            return
        for job in jobs:
            if job.subscription.id in in_use:
                self._finish(job, _skipped(job))
            else:
                self._jobs.start(self._work(job, contents))

    async def _read(self, jobs: Sequence[PushJob]) -> PushContents:
        keys = [
            (job.subscription.user_id, push.notification_id) for job in jobs for push in job.pushes if not push.dismiss
        ]
        user_ids = dict.fromkeys(job.subscription.user_id for job in jobs if job.pushes)
        if not user_ids:
            return PushContents({}, {})
        return await self._chat.execute(PUSH_SENDER, ReadPushContents(tuple(user_ids), tuple(keys)))

    def _finish(self, job: PushJob, result: PushResult) -> None:
        self._running[job.service] -= 1
        if not self._running[job.service]:
            del self._running[job.service]
        self._results.append(result)
        self._woken.set()

    # --- sending ----------------------------------------------------------------------------------------------------

    async def _work(self, job: PushJob, contents: PushContents) -> None:
        work = _JobInProgress(job)
        try:
            await self._send(work, contents)
        except Exception:
            _logger.exception("push_failed", subscription=job.subscription.id, service=job.service)
            work.fail(PushOutcome("failed"))
        finally:
            self._finish(job, work.result())

    async def _send(self, work: _JobInProgress, contents: PushContents) -> None:
        subscription = work.job.subscription
        badge = contents.badges.get(subscription.user_id, 0)
        until_s = self._loop.time() + PUSH_JOB_S
        for push in work.job.pushes:
            content = contents.found.get((subscription.user_id, push.notification_id))
            if push.dismiss:
                continue
            if content is None:
                work.dropped.append(push)
                continue
            outcome = await self._delivery.show(subscription, push, content, badge)
            self._note(work, (push,), outcome)
            if outcome.kind in {"gone", "failed"}:
                return
            (work.sent if outcome.kind == "sent" else work.dropped).append(push)
            if self._loop.time() >= until_s:
                return
        dismissed = [push for push in work.job.pushes if push.dismiss]
        if dismissed:
            outcome = await self._delivery.dismiss(subscription, dismissed, badge)
            self._note(work, dismissed, outcome)
            if outcome.kind in {"sent", "refused"}:
                work.dismissed += dismissed

    def _note(self, work: _JobInProgress, pushes: Sequence[DuePush], outcome: PushOutcome) -> None:
        """Counts and logs the outcome of a push request, and pauses a push service that does not respond."""
        self._metrics.count(outcome.kind, time.time() - pushes[0].at_ms / 1000)
        self._metrics.note(work.job.subscription.id, None if outcome.kind == "gone" else outcome.error)
        service = work.job.service
        if not outcome.unreachable:
            self._silent.pop(service, None)
        else:
            self._silent[service] += 1
            if self._silent[service] >= UNREACHABLE_MAX:
                del self._silent[service]
                self._paused_until[service] = self._loop.time() + SERVICE_PAUSE_S
        work.note(outcome)
        self._log(work, outcome)

    def _log(self, work: _JobInProgress, outcome: PushOutcome) -> None:
        where = {"subscription": work.job.subscription.id, "service": work.job.service}
        if outcome.kind == "gone":
            _logger.info("push_subscription_removed", **where, error=outcome.error)
        elif outcome.kind != "sent":
            suppressed = self._lines.take(self._loop.time())
            if suppressed is not None:
                more = {"suppressed": suppressed} if suppressed else {}
                _logger.warning("push_failed", **where, error=outcome.error, failures=work.failures, **more)


class _JobInProgress:
    """The results of one job (the pushes of one device) so far: which pushes were sent, dropped or dismissed."""

    def __init__(self, job: PushJob) -> None:
        self.job = job
        self.failures = job.failures
        self.sent: list[DuePush] = []
        self.dropped: list[DuePush] = []
        self.dismissed: list[DuePush] = []
        self._retry_ms: int | None = None
        self._is_gone = False

    def note(self, outcome: PushOutcome) -> None:
        """Records the outcome of one of the job's push requests: its number of failures in a row, when to retry, and
        whether the subscription has ended.
        """
        match outcome.kind:
            case "failed":
                self.fail(outcome)
            case "gone":
                self._is_gone = True
            case _:
                self.failures = 0

    def fail(self, outcome: PushOutcome) -> None:
        self.failures += 1
        self._retry_ms = retry_ms(self.failures, outcome.retry_after_s)

    def result(self) -> PushResult:
        return PushResult(
            self.job.subscription.id,
            _ids(self.sent),
            _ids(self.dropped),
            _ids(self.dismissed),
            self.failures,
            self._retry_ms,
            self._is_gone,
        )


def retry_ms(failures: int, retry_after_s: float | None) -> int:
    """Returns how many milliseconds to wait before the next push to a device whose last `failures` pushes (1 or more)
    failed: about 5 seconds after the first failure, longer after each further one, up to about 10 hours.

    If the push service asked for a longer delay, `retry_after_s` in seconds, the wait is that delay, at most 10 hours.
    """
    jitter = random.uniform(1 - PUSH_RETRY_JITTER, 1 + PUSH_RETRY_JITTER)  # noqa: S311 (no secret)
    wait_s = PUSH_RETRIES_S[min(failures, len(PUSH_RETRIES_S)) - 1] * jitter
    return round(1000 * max(wait_s, min(retry_after_s or 0.0, PUSH_RETRIES_S[-1])))


def _ids(pushes: Sequence[DuePush]) -> tuple[int, ...]:
    return tuple(push.notification_id for push in pushes)


def _skipped(job: PushJob) -> PushResult:
    """Returns the result of a job for a device that is connected to the server: its pushes are dropped, nothing is
    sent.
    """
    shown = _ids([push for push in job.pushes if not push.dismiss])
    dismissed = _ids([push for push in job.pushes if push.dismiss])
    return PushResult(job.subscription.id, dropped=shown, dismissed=dismissed, failures=job.failures)


def _least(*waits_s: float | None) -> float | None:
    return min((each for each in waits_s if each is not None), default=None)
