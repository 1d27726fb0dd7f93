"""Routes of `/api/v1/webhooks`, which manage webhooks: HTTP endpoints of the application to which the server sends the
log's events."""

from __future__ import annotations

from talkwire.api.http.dependencies import GivenWebhooks
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.integration.webhooks import CreateWebhook, GetWebhookSigning, PutWebhook, UpdateWebhook
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.integration.webhooks import WebhookSigning
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.dialects.messenger.log_events import log_types_named
from talkwire.identity.callers import Caller
from talkwire.operations.webhooks import OPERATIONS
from talkwire.payloads.integration.webhooks import WebhookDeliveryAnswer, delivery_answer


async def _check(
    command: CreateWebhook | PutWebhook | UpdateWebhook,
    caller: Caller,
    _: LimitedChat,
    webhooks: GivenWebhooks,
) -> None:
    must_be_trusted(caller.actor)
    if isinstance(command.types, tuple):
        log_types_named(command.types)
    if isinstance(command.url, str):
        await webhooks.check_url(command.url)


async def _test(
    signing: WebhookSigning, command: GetWebhookSigning, _: Caller, __: LimitedChat, webhooks: GivenWebhooks
) -> WebhookDeliveryAnswer:
    return delivery_answer(await webhooks.test(command.webhook_id, signing))


webhook_routes = routes_of(
    OPERATIONS,
    checks={
        "POST /webhooks": _check,
        "PUT /webhooks/{webhook_id}": _check,
        "PATCH /webhooks/{webhook_id}": _check,
    },
    answers={"POST /webhooks/{webhook_id}/test": _test},
)
