"""Delivers events to one webhook endpoint: reads the log, sends up to 16 events at a time, and plans retries.

The log is the ordered list of committed events.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import msgspec
import structlog

from talkwire.core.clock import now_ms
from talkwire.core.domain.integration.webhooks import (
    ATTEMPTS_KEPT,
    DisabledReason,
    Webhook,
    WebhookAttempt,
    WebhookRetry,
)
from talkwire.dialects.messenger.log_events import webhook_event_payload
from talkwire.storage.followers.webhook_progress import WebhookBacklog, WebhookProgress
from talkwire.webhooks.events import EventPage
from talkwire.webhooks.metrics import WebhookMetrics
from talkwire.webhooks.queue import EventQueue, QueuedEvent
from talkwire.webhooks.schedule import GIVE_UP_MS, retry_delay_ms
from talkwire.webhooks.sender import ENDPOINT_CONNECTIONS, SendOutcome

LOG_RETRY_MS = 5000
"""Milliseconds until the next attempt after the log could not be read."""

R = TypeVar("R")
_encode = msgspec.json.Encoder().encode
_logger = structlog.get_logger(__name__)


class SelectedEvents(Protocol):
    """Reads those events of the log (the ordered list of committed events) that a webhook subscribes to. Its methods
    block.
    """

    def after(self, pos: int) -> EventPage: ...
    def of_key(self, key: str, after: int, until: int) -> EventPage: ...


class Sender(Protocol):
    """Sends one event at a time to the webhook's endpoint over HTTP and returns the outcome."""

    async def send(self, event_id: str, body: str) -> SendOutcome: ...


class Blocking(Protocol):
    """A function that runs a blocking database call on another thread, and raises OSError if the database does not
    respond.
    """

    def __call__(self, function: Callable[[], R]) -> Awaitable[R]: ...


class EndpointDelivery:
    """The delivery of events to one webhook endpoint, in its own asyncio task from creation to `stop`.

    `backlog` has the stored retries and attempts. `on_change` is called when there is progress to store. `on_read` is
    called before the log is read; call `wake` for events that are committed after that. `now_ms` returns milliseconds
    since 1970.
    """

    def __init__(  # noqa: PLR0913 (what it joins)
        self,
        webhook: Webhook,
        backlog: WebhookBacklog,
        *,
        source: SelectedEvents,
        sender: Sender,
        blocking: Blocking,
        metrics: WebhookMetrics,
        on_change: Callable[[], None],
        on_read: Callable[[], None],
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        self.webhook = webhook
        self.sender = sender
        self.disabled_reason: DisabledReason | None = None
        self.failed = False
        """Whether a bug has ended the delivery."""
        self._source = source
        self._blocking = blocking
        self._metrics = metrics
        self._on_change = on_change
        self._on_read = on_read
        self._now_ms = now_ms
        self.queue = EventQueue(webhook.pos, _current(backlog, webhook, now_ms()))
        self._attempts: deque[WebhookAttempt] = deque(backlog.attempts, ATTEMPTS_KEPT)
        self._has_new_attempts = False
        self._stored_pos = webhook.pos
        self._woken = asyncio.Event()
        self._may_have_more = True
        """Whether the log may have events that were not read."""
        self._workers: set[asyncio.Task[None]] = set()
        self._read_again_ms = 0
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._end)

    def wake(self) -> None:
        """Notifies the delivery that new events were committed, so that it reads the log."""
        self._may_have_more = True
        self._woken.set()

    async def stop(self) -> None:
        """Ends the delivery at once. Cancels the requests in flight; their events will be sent again later."""
        tasks = [self._task, *self._workers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, task: asyncio.Task[None]) -> None:
        """Handles the end of a task. If an exception ended it, logs it and marks the delivery as failed, to be started
        again.
        """
        self._workers.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _logger.error("webhook_delivery_failed", webhook_id=self.webhook.id, exc_info=task.exception())
            self.failed = True
            self._on_change()

    # --- progress -----------------------------------------------------------------------------------------------------

    def take_progress(self, *, released: bool = False) -> WebhookProgress | None:
        """Returns the delivery's progress since the last call (position, retries, attempts), to be stored; None if
        there is none.

        With `released`, always returns it, with the mark that other nodes may claim the webhook.
        """
        retries, pos = self.queue.take_changes(), self.queue.cursor
        attempts = tuple(self._attempts) if self._has_new_attempts else None
        if not (retries or attempts or pos != self._stored_pos or self.disabled_reason or released):
            return None
        self._has_new_attempts, self._stored_pos = False, pos
        return WebhookProgress(
            self.webhook.id, self.webhook.rewinds, pos, retries, attempts, self.disabled_reason, released
        )

    def not_stored(self, progress: WebhookProgress) -> None:
        """Restores progress that could not be stored, so that the next call of `take_progress` returns it again."""
        self.queue.not_stored(progress.retries)
        self._has_new_attempts |= progress.attempts is not None
        self._stored_pos = -1

    # --- reading and sending ------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while self.disabled_reason is None:  # Suspends: each round reads the log or waits for a cleared event.
            self._woken.clear()
            await self._read_log()
            for key, after, until in self.queue.due(self._now_ms()):
                await self._read_key(key, after, until)
            self._start_workers()
            if self._should_read:
                continue
            due_ms = self.queue.next_due_ms
            wait_s = None if due_ms is None else max(0, due_ms - self._now_ms()) / 1000
            try:
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    @property
    def _should_read(self) -> bool:
        return self._may_have_more and self.queue.wants_events

    async def _read_log(self) -> None:
        """Reads the next events of the log (the ordered list of committed events) into the queue if the queue has room
        for them.
        """
        if not self._should_read:
            return
        self._may_have_more = False
        self._on_read()
        page = await self._read(lambda: self._source.after(self.queue.read_pos))
        if page is None:
            self._may_have_more = True
            await asyncio.sleep(LOG_RETRY_MS / 1000)
            return
        self._may_have_more |= page.more
        self.queue.add(page.events, page.reached)
        self._on_change()

    async def _read_key(self, key: str, after: int, until: int) -> None:
        """Reads the events after `after` and up to `until` of a blocked key (a conversation or user whose events wait
        for a retry) into the queue, because the retry is due. If the database does not respond, postpones the retry.
        """
        page = await self._read(lambda: self._source.of_key(key, after, until))
        if page is None:
            self.queue.postpone(key, self._now_ms() + LOG_RETRY_MS)
            return
        self.queue.resume(key, page.events, page.reached)
        self._on_change()

    async def _read(self, function: Callable[[], EventPage]) -> EventPage | None:
        """Returns the page of events that `function` reads from the log; None if the database does not respond.

        If events of the page were removed from the log as too old, logs and counts the loss.
        """
        try:
            page = await self._blocking(function)
        except OSError as error:
            _logger.warning("webhook_waits_for_database", webhook_id=self.webhook.id, error=str(error))
            return None
        if page.lost:
            self._metrics.missed += 1
            _logger.warning("webhook_events_missed", webhook_id=self.webhook.id, positions=page.lost)
        return page

    def _start_workers(self) -> None:
        for _ in range(min(self.queue.ready, ENDPOINT_CONNECTIONS - len(self._workers))):
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._end)

    async def _work(self) -> None:
        """Sends queued events to the endpoint, one after the other, until the queue has none that is due or the webhook
        is disabled."""
        while self.disabled_reason is None and (event := self.queue.take()) is not None:
            body = _encode(webhook_event_payload(event.payload)).decode()
            outcome = await self.sender.send(event.payload.id, body)
            await asyncio.sleep(0)  # a refused address ends a request without suspending
            self._settle(event, outcome)
            if self._should_read or self.queue.is_blocked(event.key):
                self._woken.set()

    def _settle(self, event: QueuedEvent, outcome: SendOutcome) -> None:
        """Records the outcome of sending an event: marks it as accepted, or plans a retry. Disables the webhook if
        there is to be no retry.
        """
        self._metrics.attempts[outcome.kind] += 1
        attempt = self.queue.attempt_of(event)
        next_ms = None
        if outcome.accepted:
            self.queue.accept(event)
        else:
            first_ms = self.queue.first_ms_of(event) or outcome.at_ms
            next_ms = self._next_ms(attempt, first_ms, outcome)
            self.queue.fail(event, outcome.at_ms, next_ms or self._now_ms())
            if next_ms is None:
                self._disable("gone" if outcome.gone else "failing")
                self._woken.set()
        self._attempts.appendleft(
            WebhookAttempt(
                event.payload.id,
                attempt,
                outcome.at_ms,
                outcome.duration_ms,
                outcome.status,
                outcome.error,
                next_ms,
                event.payload.type,
                outcome.response,
            )
        )
        self._has_new_attempts = True
        self._on_change()

    def _next_ms(self, attempt: int, first_ms: int, outcome: SendOutcome) -> int | None:
        """Returns when to retry an event whose attempt number `attempt` failed, in milliseconds since 1970. `first_ms`
        is the time of its first attempt.

        Returns None if the webhook is to be disabled: the endpoint is gone, or the event has failed for `GIVE_UP_MS`.
        """
        now_ms, end_ms = self._now_ms(), first_ms + GIVE_UP_MS
        if outcome.gone or now_ms >= end_ms:
            return None
        return min(now_ms + retry_delay_ms(attempt, outcome.retry_after_s), end_ms)

    def _disable(self, reason: DisabledReason) -> None:
        if self.disabled_reason is None:
            self.disabled_reason = reason
            self._metrics.given_up[reason] += 1
            _logger.error("webhook_disabled", webhook_id=self.webhook.id, reason=reason)


def _current(backlog: WebhookBacklog, webhook: Webhook, now_ms: int) -> dict[str, WebhookRetry]:
    """Returns the stored retries of a webhook by key (conversation or user). Retries of events that were first sent
    before the webhook was enabled again are due now, at `now_ms` (milliseconds since 1970), and start with the first
    attempt.
    """
    return {
        key: WebhookRetry(retry.pos, 0, None, now_ms)
        if retry.first_ms is not None and retry.first_ms < webhook.enabled_ms
        else retry
        for key, retry in backlog.retries.items()
    }
