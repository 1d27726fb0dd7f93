"""Requests to webhooks outside the delivery of the log. The webhooks package implements them."""

from __future__ import annotations

from typing import Protocol

from talkwire.core.domain.integration.webhooks import WebhookAttempt, WebhookSigning


class WebhookProbe(Protocol):
    """Checks and tests the endpoints of webhooks."""

    async def check_url(self, url: str) -> None:
        """Raises `invalid_request` unless a webhook may have this URL."""
        ...

    async def test(self, webhook_id: str, signing: WebhookSigning) -> WebhookAttempt:
        """Sends a test event to an endpoint now, and returns the outcome."""
        ...
