"""The interface for requests to webhooks that are not deliveries of events: checking a URL and sending a test event.
The webhooks package implements it."""

from __future__ import annotations

from typing import Protocol

from talkwire.core.domain.integration.webhooks import WebhookAttempt, WebhookSigning


class WebhookProbe(Protocol):
    """Checks the URL of a webhook, and sends test events to webhooks."""

    async def check_url(self, url: str) -> None:
        """Raises `invalid_request` for a URL that a webhook may not have, such as one with an address that the server
        may not connect to."""
        ...

    async def test(self, webhook_id: str, signing: WebhookSigning) -> WebhookAttempt:
        """Sends a test event to a webhook's endpoint now, signed as `signing` says, and returns the outcome of the
        attempt. A request that fails or is refused raises nothing: its `error` says why."""
        ...
