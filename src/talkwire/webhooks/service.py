"""Runs the delivery to all webhooks that this node has claimed, on the thread of all outgoing requests.

It starts with the first webhook, so that a server without webhooks does nothing for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from secrets import token_hex
from typing import TypeVar

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from talkwire.core.clock import now_ms
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import News, WebhookChanged, moves_log
from talkwire.core.domain.integration.webhooks import WebhookAttempt, WebhookSigning
from talkwire.core.domain.times import iso
from talkwire.dialects.messenger.log_events import WebhookEventPayload
from talkwire.egress import Egress, EgressThread
from talkwire.storage.followers.webhook_progress import WebhookProgress, WebhookState, WebhookStore
from talkwire.storage.writer_task import WriterClosedError
from talkwire.webhooks.endpoint import EndpointDelivery
from talkwire.webhooks.events import EventSource
from talkwire.webhooks.metrics import WebhookMetrics
from talkwire.webhooks.sender import WebhookSender

PROGRESS_STORE_S = 0.5
"""Seconds between two times that progress is stored. After a crash, events of this time are sent again."""

WEBHOOK_EVENTS_GATHER_S = 0.02
"""Seconds for which events are collected, to be read together."""

WEBHOOK_DATABASE_RETRY_S = 5.0
"""Seconds until the next attempt after the database did not answer."""

WEBHOOKS_CHECK_S = 60.0
"""Seconds between two looks at the stored webhooks if there are no other nodes."""

R = TypeVar("R")
_encode = msgspec.json.Encoder().encode
_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Running:
    """A webhook that this node delivers to: its delivery task, and the HTTP client that the delivery uses."""

    delivery: EndpointDelivery
    sender: WebhookSender

    async def stop(self) -> None:
        await self.delivery.stop()
        await self.sender.close()


class WebhookService:
    """Starts, notifies and stops the webhook deliveries of one node. Call its methods on the chat's event loop.

    `store` has the webhooks and their progress; `close` closes it too. Every `check_s` seconds the service claims the
    webhooks of nodes that have ended, and stops signing with secrets that have expired.
    """

    def __init__(self, store: WebhookStore, egress: Egress, check_s: float = WEBHOOKS_CHECK_S) -> None:
        assert egress.thread is not None
        self.metrics = WebhookMetrics()
        self._store = store
        self._egress = egress
        self._thread: EgressThread = egress.thread
        self._check_s = check_s
        self._deliveries: _Deliveries | None = None
        self._ended: Future[None] | None = None
        self._closing = False

    async def start(self) -> None:
        """Starts the deliveries if any webhook is enabled. Otherwise they start when a webhook changes."""
        self._loop = asyncio.get_running_loop()
        if await asyncio.to_thread(self._store.any_enabled):
            self._start()

    @property
    def stopped(self) -> bool:
        """Whether an error has ended the deliveries. They start again after `WEBHOOK_DATABASE_RETRY_S` seconds."""
        return self._ended is not None and self._ended.done()

    def follow(self, events: Sequence[News]) -> None:
        """Notifies the deliveries of newly committed events. The chat calls it with the events of each transaction."""
        if not moves_log(events[-1]):
            return
        changed = any(type(event) is WebhookChanged for event in events)
        if self._deliveries is not None:
            self._deliveries.notify(changed=changed)
        elif changed:
            self._start()

    async def check_url(self, url: str) -> None:
        """Raises ChatError `invalid_request` if the server may not send webhooks to this URL."""
        await self._egress.check_url(url)

    async def test(self, webhook_id: str, signing: WebhookSigning) -> WebhookAttempt:
        """Sends a test event to a webhook's endpoint now, and returns the attempt with its outcome."""
        return await send_test(self._egress, webhook_id, signing)

    async def close(self) -> None:
        """Stops all deliveries, stores their progress, and releases the webhooks so that other nodes can deliver to
        them.
        """
        self._closing = True
        if self._deliveries is not None and self._ended is not None:
            self._deliveries.close()
            await asyncio.gather(asyncio.wrap_future(self._ended), return_exceptions=True)
        self._store.close()

    def _start(self) -> None:
        if self._closing:
            return
        self._deliveries = _Deliveries(self._store, self._egress, self.metrics, self._check_s)
        self._ended = self._thread.start(self._deliveries.serve())
        self._ended.add_done_callback(self._note_end)

    def _note_end(self, ended: Future[None]) -> None:
        """Starts the deliveries again some time after an error has ended them. Called on any thread."""
        if self._closing:
            return
        try:
            ended.result()
        except (Exception, CancelledError):
            _logger.exception("webhook_deliveries_ended")
        self.metrics.restarts += 1
        with contextlib.suppress(RuntimeError):  # the server ends
            self._loop.call_soon_threadsafe(self._loop.call_later, WEBHOOK_DATABASE_RETRY_S, self._start)


async def send_test(egress: Egress, webhook_id: str, signing: WebhookSigning) -> WebhookAttempt:
    """Sends a signed event `webhook:test` to a webhook's endpoint, and returns the attempt with its outcome."""
    now = iso(now_ms())
    event = WebhookEventPayload(f"test-{token_hex(8)}", "webhook:test", now, {"webhookId": webhook_id}, timestamp=now)
    sender = WebhookSender(egress, signing.url, signing.secrets)
    try:
        outcome = await sender.send(event.id, _encode(event).decode())
    finally:
        await sender.close()
    return WebhookAttempt(
        event.id,
        1,
        outcome.at_ms,
        outcome.duration_ms,
        outcome.status,
        outcome.error,
        type=event.type,
        response=outcome.response,
    )


class _Deliveries:
    """All webhook deliveries of this node. They run in `serve`, on the event loop that calls it."""

    def __init__(self, store: WebhookStore, egress: Egress, metrics: WebhookMetrics, check_s: float) -> None:
        self._store = store
        self._egress = egress
        self._metrics = metrics
        self._check_s = check_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: dict[str, _Running] = {}
        self._news = asyncio.Event()
        self._notified = False
        self._must_check = True
        self._changed = asyncio.Event()
        self._closing = False
        self._blocking = ThreadPoolExecutor(2, "talkwire-webhooks-database")
        metrics.lag_s = self._lag_s
        metrics.blocked_keys = lambda: sum(each.delivery.queue.blocked_keys for each in tuple(self._running.values()))
        metrics.delivering = lambda: len(self._running)

    def notify(self, *, changed: bool = False) -> None:
        """Wakes the deliveries because new events were committed, or with `changed` because webhooks were changed.

        It can be called from any thread.
        """
        if changed:
            self._must_check = True
        if self._loop is not None and (changed or not self._notified):  # which costs much less than to notify again
            self._notified = True
            with contextlib.suppress(RuntimeError):  # the thread has ended
                self._loop.call_soon_threadsafe(self._news.set)

    def close(self) -> None:
        """Lets `serve` stop all deliveries, store their progress and return. Does not wait for that."""
        self._closing = True
        self.notify(changed=True)

    async def serve(self) -> None:
        """Delivers to all webhooks that this node has claimed, until `close` is called or an error occurs. At its end,
        stores the progress and releases the webhooks.
        """
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as tasks:
                storing = tasks.create_task(self._store_progress())
                await self._deliver()
                storing.cancel()
        finally:
            await self._stop(tuple(self._running), released=True)
            await asyncio.to_thread(self._blocking.shutdown)

    async def _deliver(self) -> None:
        while not self._closing:  # Suspends: each round waits for an event that the previous one has cleared.
            await self._check()
            await self._wait_for_news()
            for each in self._running.values():
                each.delivery.wake()

    async def _wait_for_news(self) -> None:
        """Waits for new events, for changed webhooks, or until the next regular check of the stored webhooks is due."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._check_s):
                await self._news.wait()
            if not (self._must_check or self._closing):
                await asyncio.sleep(WEBHOOK_EVENTS_GATHER_S)
            self._news.clear()
            return
        self._must_check = True

    def _listen(self) -> None:
        """Re-enables `notify`, because a delivery is about to read the log and must be woken for later events.

        While no delivery reads, because all endpoints are down, `notify` does nothing about new events and costs the
        chat nothing.
        """
        self._notified = False

    async def _check(self) -> None:
        """Claims webhooks for this node in the database, and starts and stops deliveries accordingly.

        Does nothing unless a check is due. Tries again later if the database does not respond.
        """
        if not self._must_check:
            return
        self._must_check = False
        try:
            states = await self._in_database(self._store.claim)
            await self._apply(states)
        except OSError as error:
            _logger.warning("webhooks_wait_for_database", error=str(error))
            asyncio.get_running_loop().call_later(WEBHOOK_DATABASE_RETRY_S, lambda: self.notify(changed=True))

    async def _apply(self, states: Sequence[WebhookState]) -> None:
        self._metrics.disabled = sum(not state.webhook.enabled for state in states)
        mine = {state.webhook.id: state for state in states if state.mine and state.webhook.enabled}
        await self._stop([id_ for id_, each in self._running.items() if _is_outdated(each, mine.get(id_))])
        for webhook_id, state in mine.items():
            running = self._running.get(webhook_id)
            if running is None:
                await self._start_or_disable(state)
            elif running.sender.secrets != state.secrets:
                running.sender.sign_with(state.secrets)

    async def _start_or_disable(self, state: WebhookState) -> None:
        """Starts the delivery to a webhook, or disables the webhook if an error prevents that."""
        webhook = state.webhook
        try:
            await self._start(webhook.id)
        except OSError:
            raise
        except Exception:
            _logger.exception("webhook_disabled", webhook_id=webhook.id, reason="failing")
            self._metrics.given_up["failing"] += 1
            disabled = WebhookProgress(webhook.id, webhook.rewinds, webhook.pos, {}, disabled_reason="failing")
            await self._in_database(lambda: self._store.store([disabled]))

    async def _start(self, webhook_id: str) -> None:
        """Starts the delivery to a webhook from the position and the retries that the database has for it. Does nothing
        if the webhook is no longer this node's or enabled.
        """
        state, backlog = await self._in_database(lambda: self._store.load(webhook_id))
        if state is None:
            return
        sender = WebhookSender(self._egress, state.webhook.url, state.secrets)
        delivery = EndpointDelivery(
            state.webhook,
            backlog,
            source=EventSource(self._store, state.webhook),
            sender=sender,
            blocking=self._in_database,
            metrics=self._metrics,
            on_change=self._changed.set,
            on_read=self._listen,
        )
        self._running[webhook_id] = _Running(delivery, sender)

    async def _stop(self, webhook_ids: Sequence[str], *, released: bool = False) -> None:
        """Stops deliveries and stores their progress. With `released`, other nodes may claim their webhooks."""
        stopped = [self._running.pop(webhook_id) for webhook_id in webhook_ids]
        for each in stopped:
            await each.stop()
        await self._store_of([each.delivery for each in stopped], released=released)

    async def _store_progress(self) -> None:
        """Stores the progress of all deliveries at intervals, whenever it has changed. Stops deliveries that have
        failed or were disabled.
        """
        while True:
            await self._changed.wait()
            await asyncio.sleep(PROGRESS_STORE_S)
            self._changed.clear()
            ended = [
                webhook_id
                for webhook_id, each in self._running.items()
                if each.delivery.failed or each.delivery.disabled_reason is not None
            ]
            if not await self._store_of([each.delivery for each in self._running.values()]):
                await asyncio.sleep(WEBHOOK_DATABASE_RETRY_S)
                self._changed.set()
                continue  # a delivery that ends before its reason is stored would start again
            for webhook_id in ended:
                if webhook_id in self._running:
                    await self._running.pop(webhook_id).stop()
            if ended:
                self.notify(changed=True)

    async def _store_of(self, deliveries: Sequence[EndpointDelivery], *, released: bool = False) -> bool:
        """Stores the progress of these deliveries, except failed ones; with `released`, other nodes may then claim
        their webhooks. Returns False if the database did not respond; the next call then stores the progress.

        Stops deliveries whose progress was not accepted (see `_drop`).
        """
        taken = {each: each.take_progress(released=released) for each in deliveries if not each.failed}
        progress: list[WebhookProgress] = [each for each in taken.values() if each is not None]
        if not progress:
            return True
        try:
            stored = await self._in_database(lambda: self._store.store(progress))
        except OSError as error:
            _logger.warning("webhooks_wait_for_database", error=str(error))
            for delivery, part in taken.items():
                if part is not None:
                    delivery.not_stored(part)
            return False
        if len(stored) < len(progress):
            await self._drop({each.webhook_id for each in progress} - stored)
        return True

    async def _drop(self, webhook_ids: set[str]) -> None:
        """Stops deliveries whose webhook was set back to an earlier position, deleted, or claimed by another node."""
        for webhook_id in webhook_ids & self._running.keys():
            await self._running.pop(webhook_id).stop()
        self.notify(changed=True)

    async def _in_database(self, function: Callable[[], R]) -> R:
        """Runs a blocking database function on another thread. Raises OSError if the database does not respond."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._blocking, function)
        except (SQLAlchemyError, WriterClosedError, ChatError) as error:
            raise OSError(str(getattr(error, "orig", None) or error)) from error

    def _lag_s(self) -> float:
        times = [each.delivery.queue.oldest_ms for each in tuple(self._running.values())]
        oldest_ms = min((time_ms for time_ms in times if time_ms is not None), default=None)
        return 0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000)


def _is_outdated(running: _Running, state: WebhookState | None) -> bool:
    """Returns whether a delivery must be stopped: its webhook is disabled or no longer this node's (`state` is None),
    or now has another URL, other events or another start position.
    """
    if state is None:
        return True
    old, new = running.delivery.webhook, state.webhook
    return (old.url, old.types, old.conversation_ids, old.final, old.rewinds, old.enabled_ms) != (
        new.url,
        new.types,
        new.conversation_ids,
        new.final,
        new.rewinds,
        new.enabled_ms,
    )
