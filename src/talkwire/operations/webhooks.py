"""The operations of webhooks: endpoints of the application to which the server sends the log's events."""

from __future__ import annotations

from talkwire.core.commands.integration.webhooks import (
    CreateWebhook,
    DeleteWebhook,
    GetWebhook,
    GetWebhookSigning,
    ListWebhookAttempts,
    ListWebhooks,
    PutWebhook,
    RewindWebhook,
    RotateWebhookSecret,
    UpdateWebhook,
)
from talkwire.operations.operation import One, Operation, Paged
from talkwire.operations.shapes import Shape
from talkwire.payloads.integration.webhooks import (
    created_webhook_answer,
    delivery_answer,
    put_webhook_answer,
    webhook_answer,
)

_TAG = "webhooks"
_WEBHOOK = One(webhook_answer)

_ONCE = (
    "Only this response has the secret. A retry with the same `Idempotency-Key` is refused as `conflict`, with the "
    "`webhookId` in its details."
)

OPERATIONS = (
    Operation(
        ListWebhooks,
        route="GET /webhooks",
        tag=_TAG,
        summary="List webhooks",
        answer=Paged(webhook_answer),
    ),
    Operation(
        CreateWebhook,
        route="POST /webhooks",
        tag=_TAG,
        summary="Create a webhook",
        description=_ONCE,
        refuses=(410,),
        answer=One(created_webhook_answer),
        body=Shape(
            "CreateWebhookBody",
            "A webhook to create. Without `types` it receives all types of events, without `conversationIds` the "
            "events of all conversations and users; with `final`, streams from their first end. Without `after` it "
            "receives the events from now on; with the cursor `after`, the events after it, or with `start` all events "
            "that the server still has.",
        ),
    ),
    Operation(
        GetWebhook,
        route="GET /webhooks/{webhook_id}",
        tag=_TAG,
        summary="Get a webhook",
        answer=_WEBHOOK,
    ),
    Operation(
        PutWebhook,
        route="PUT /webhooks/{webhook_id}",
        tag=_TAG,
        summary="Create or update a webhook with an id of your own",
        description="For a program that registers its webhook whenever it starts: the same request again changes "
        "nothing. An existing webhook keeps its cursor, its planned retries and whether it is enabled. A `secret` that "
        "differs from the webhook's replaces it, and requests are signed with both for 24 hours.",
        refuses=(410,),
        answer=One(put_webhook_answer),
        body=Shape(
            "PutWebhookBody",
            "A webhook as it is to be. Without `types` or `conversationIds` it receives all, and with `final` streams "
            "from their first end. `after` is for a new one. "
            "A `secret` (`whsec_` and the Base64 of 24 to 64 bytes) signs its requests; without one, a new webhook "
            "gets a random secret and an existing one keeps its own.",
        ),
    ),
    Operation(
        UpdateWebhook,
        route="PATCH /webhooks/{webhook_id}",
        tag=_TAG,
        summary="Update a webhook",
        description="An enabled webhook continues where it was, and `enabled: true` sends failed events again at once, "
        "also for a webhook that was enabled. A disabled one gets no more requests at once.",
        answer=_WEBHOOK,
        body=Shape(
            "UpdateWebhookBody",
            "Changes to a webhook. An omitted member stays unchanged; null in `types` or `conversationIds` selects "
            "all.",
        ),
    ),
    Operation(
        DeleteWebhook,
        route="DELETE /webhooks/{webhook_id}",
        tag=_TAG,
        summary="Delete a webhook",
    ),
    Operation(
        RewindWebhook,
        route="POST /webhooks/{webhook_id}/rewind",
        tag=_TAG,
        summary="Set the event after which a webhook continues",
        description="The webhook continues after the cursor, earlier or later than where it is. Planned retries are "
        "dropped.",
        status=200,
        refuses=(410,),
        answer=_WEBHOOK,
        body=Shape(
            "RewindWebhookBody",
            "The cursor after which a webhook continues to receive events; `start` for the oldest event that the "
            "server still has.",
        ),
    ),
    Operation(
        RotateWebhookSecret,
        route="POST /webhooks/{webhook_id}/rotate-secret",
        tag=_TAG,
        summary="Replace a webhook's signing secret with a new one",
        description=f"Requests are signed with both secrets for 24 hours. {_ONCE}",
        status=200,
        answer=One(created_webhook_answer),
    ),
    Operation(
        GetWebhookSigning,
        route="POST /webhooks/{webhook_id}/test",
        tag=_TAG,
        operation_id="testWebhook",
        summary="Send a test event to a webhook",
        description="Sends a signed event of the type `webhook:test` now, also to a disabled webhook, and returns the "
        "outcome. It is not retried.",
        status=200,
    ),
    Operation(
        ListWebhookAttempts,
        route="GET /webhooks/{webhook_id}/deliveries",
        tag=_TAG,
        operation_id="listWebhookDeliveries",
        summary="List the latest requests to a webhook",
        description="The newest 100 attempts.",
        answer=Paged(delivery_answer),
    ),
)
