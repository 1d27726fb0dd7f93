"""Builds what sends requests to the application's back end: callbacks before commands, and webhooks after events."""

from __future__ import annotations

import contextlib

from talkwire.callbacks.application_callbacks import ApplicationCallbacks
from talkwire.callbacks.client import RESPONSE_MIN_MAX, CallbackOptions
from talkwire.composition.foundation import Foundation
from talkwire.core.clock import now_ms
from talkwire.core.cluster.lease import LEASE_RENEWALS
from talkwire.core.engine.hooks import Hooks
from talkwire.egress import Egress, EgressThread
from talkwire.settings import Settings
from talkwire.settings.callbacks import address_rules, callback_urls
from talkwire.settings.keys import callback_secret
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.webhook_progress import WebhookStore
from talkwire.webhooks.service import WEBHOOKS_CHECK_S, WebhookService


def callbacks_of(
    settings: Settings, thread: EgressThread, hooks: Hooks, closing: contextlib.AsyncExitStack
) -> ApplicationCallbacks | None:
    """Returns the HTTP callbacks to the application's back end that the settings name, and registers them in `hooks`.
    Closing `closing` ends them. Returns None if the settings name no callback.

    The callbacks send their requests on `thread`.
    """
    if not settings.callbacks:
        return None
    options = CallbackOptions(
        urls=callback_urls(settings),
        secret=callback_secret(settings),
        timeout_s=settings.callback_timeout_s,
        on_failure=settings.callback_on_failure,
        response_max=max(RESPONSE_MIN_MAX, settings.max_payload),
    )
    egress = Egress(address_rules(settings), thread)
    closing.callback(egress.close)
    callbacks = ApplicationCallbacks(egress, options, hooks)
    closing.push_async_callback(callbacks.aclose)
    return callbacks


async def start_webhooks(foundation: Foundation, thread: EgressThread) -> WebhookService:
    """Starts the service that delivers events to webhooks (HTTP endpoints of the application), and returns it."""
    chat, settings = foundation.chat, foundation.settings
    store = WebhookStore(reading_engine(foundation.database.url, 2), foundation.writer.transact, chat.node_id, now_ms)
    check_s = WEBHOOKS_CHECK_S if foundation.alone else settings.lease_s / LEASE_RENEWALS
    egress = Egress(address_rules(settings), thread)
    foundation.closing.callback(egress.close)
    webhooks = WebhookService(store, egress, check_s)
    foundation.closing.push_async_callback(webhooks.close)
    chat.subscribe(webhooks.follow)
    await webhooks.start()
    return webhooks
