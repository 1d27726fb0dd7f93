"""The answers of the routes of webhooks. No dialect has them."""

from __future__ import annotations

import msgspec
from msgspec.structs import asdict

from talkwire.core.commands.integration.webhooks import CreatedWebhook, PutWebhookResult, WebhookView
from talkwire.core.domain.integration.webhooks import DisabledReason, WebhookAttempt
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.core.domain.times import iso, iso_or_none


class WebhookAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A webhook. All events up to `cursor` were delivered or are being retried. `disabledReason` is `request` (disabled
    by an API request), `gone` (the endpoint returned status 410) or `failing` (retries failed for three days)."""

    id: str
    url: str
    types: tuple[str, ...] | None
    conversation_ids: tuple[str, ...] | None
    description: str | None
    final: bool
    enabled: bool
    disabled_at: str | None
    disabled_reason: DisabledReason | None
    cursor: str
    failing: int
    failing_since: str | None
    created_at: str


class CreatedWebhookAnswer(WebhookAnswer, frozen=True, rename="camel", kw_only=True):
    """A webhook with its newest secret, for verifying the signatures of requests. No later response contains the
    secret."""

    secret: str


class PutWebhookAnswer(WebhookAnswer, frozen=True, rename="camel", kw_only=True):
    """A webhook; with its `secret` if the server has generated it for this request. No later response contains it."""

    secret: str | msgspec.UnsetType = msgspec.UNSET


class WebhookDeliveryAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One attempt to send an event to a webhook. `status` is the endpoint's HTTP status, null if there was no response.
    `next` is the time of the next attempt, missing if there is none. `response` has the first 1,024 bytes of the body
    of a response that did not accept the event, as one line, without control characters and characters that change
    the writing direction. `type` is missing in attempts that an older version stored."""

    event_id: str
    attempt: int
    status: int | None
    duration_ms: int
    at: str
    error: str | None = None
    next: str | None = None
    type: str | None = None
    response: str | None = None


def webhook_answer(view: WebhookView) -> WebhookAnswer:
    webhook = view.webhook
    return WebhookAnswer(
        id=webhook.id,
        url=webhook.url,
        types=webhook.types,
        conversation_ids=webhook.conversation_ids,
        description=webhook.description,
        final=webhook.final,
        enabled=webhook.enabled,
        disabled_at=iso_or_none(webhook.disabled_ms),
        disabled_reason=webhook.disabled_reason,
        cursor=cursor_of(view.epoch, webhook.pos),
        failing=view.failing,
        failing_since=iso_or_none(view.failing_since_ms),
        created_at=iso(webhook.created_ms),
    )


def created_webhook_answer(created: CreatedWebhook) -> CreatedWebhookAnswer:
    return CreatedWebhookAnswer(**asdict(webhook_answer(created.view)), secret=created.secret)


def put_webhook_answer(result: PutWebhookResult) -> PutWebhookAnswer:
    secret = msgspec.UNSET if result.secret is None else result.secret
    return PutWebhookAnswer(**asdict(webhook_answer(result.view)), secret=secret)


def delivery_answer(attempt: WebhookAttempt) -> WebhookDeliveryAnswer:
    return WebhookDeliveryAnswer(
        event_id=attempt.event_id,
        attempt=attempt.attempt,
        status=attempt.status,
        duration_ms=attempt.duration_ms,
        at=iso(attempt.at_ms),
        error=attempt.error,
        next=iso_or_none(attempt.next_ms),
        type=attempt.type or None,
        response=attempt.response,
    )
