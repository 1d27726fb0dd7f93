"""Routes of `/api/v1/webhooks`, which manage webhooks: HTTP endpoints of the application to which the server sends the
log's events."""

from __future__ import annotations

import msgspec
from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK
from msgspec.structs import asdict

from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenWebhooks
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.integration.webhooks import (
    CreatedWebhook,
    CreateWebhook,
    DeleteWebhook,
    GetWebhook,
    GetWebhookSigning,
    ListWebhookAttempts,
    ListWebhooks,
    PutWebhook,
    PutWebhookResult,
    RewindWebhook,
    RotateWebhookSecret,
    UpdateWebhook,
    WebhookView,
)
from talkwire.core.commands.sync import cursor_of
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.integration.webhooks import DisabledReason, WebhookAttempt
from talkwire.core.domain.times import iso
from talkwire.dialects.messenger.log_events import log_types_named

_ONCE = (
    "Only this response has the secret. A retry with the same `Idempotency-Key` is refused as `conflict`, with the "
    "`webhookId` in its details."
)


class CreateWebhookBody(Body, frozen=True):
    """A webhook to create. Without `types` it receives all types of events, without `conversationIds` the events of all
    conversations and users. Without `after` it receives the events from now on; with the cursor `after`, the events
    after it, or with `start` all events that the server still has."""

    url: str
    types: tuple[str, ...] | None = None
    conversation_ids: tuple[str, ...] | None = None
    description: str | None = None
    after: str | None = None


class PutWebhookBody(CreateWebhookBody, frozen=True):
    """A webhook as it is to be. Without `types` or `conversationIds` it receives all. `after` is for a new one.
    A `secret` (`whsec_` and the Base64 of 24 to 64 bytes) signs its requests; without one, a new webhook gets a random
    secret and an existing one keeps its own."""

    secret: str | None = None


class UpdateWebhookBody(Body, frozen=True):
    """Changes to a webhook. An omitted member stays unchanged; null in `types` or `conversationIds` selects all."""

    url: str | msgspec.UnsetType = msgspec.UNSET
    types: tuple[str, ...] | msgspec.UnsetType | None = msgspec.UNSET
    conversation_ids: tuple[str, ...] | msgspec.UnsetType | None = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET


class RewindWebhookBody(Body, frozen=True):
    """The cursor after which a webhook continues to receive events; `start` for the oldest event that the server still
    has."""

    after: str


class WebhookAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A webhook. All events up to `cursor` were delivered or are being retried. `disabledReason` is `request` (disabled
    by an API request), `gone` (the endpoint returned status 410) or `failing` (retries failed for three days)."""

    id: str
    url: str
    types: tuple[str, ...] | None
    conversation_ids: tuple[str, ...] | None
    description: str | None
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


def _webhook_answer(view: WebhookView) -> WebhookAnswer:
    webhook = view.webhook
    return WebhookAnswer(
        id=webhook.id,
        url=webhook.url,
        types=webhook.types,
        conversation_ids=webhook.conversation_ids,
        description=webhook.description,
        enabled=webhook.enabled,
        disabled_at=None if webhook.disabled_ms is None else iso(webhook.disabled_ms),
        disabled_reason=webhook.disabled_reason,
        cursor=cursor_of(view.epoch, webhook.pos),
        failing=view.failing,
        failing_since=None if view.failing_since_ms is None else iso(view.failing_since_ms),
        created_at=iso(webhook.created_ms),
    )


def _created_webhook_answer(created: CreatedWebhook) -> CreatedWebhookAnswer:
    return CreatedWebhookAnswer(**asdict(_webhook_answer(created.view)), secret=created.secret)


def _put_webhook_answer(result: PutWebhookResult) -> PutWebhookAnswer:
    secret = msgspec.UNSET if result.secret is None else result.secret
    return PutWebhookAnswer(**asdict(_webhook_answer(result.view)), secret=secret)


def _delivery_answer(attempt: WebhookAttempt) -> WebhookDeliveryAnswer:
    return WebhookDeliveryAnswer(
        event_id=attempt.event_id,
        attempt=attempt.attempt,
        status=attempt.status,
        duration_ms=attempt.duration_ms,
        at=iso(attempt.at_ms),
        error=attempt.error,
        next=None if attempt.next_ms is None else iso(attempt.next_ms),
        type=attempt.type or None,
        response=attempt.response,
    )


@get("/", summary="List webhooks")
async def list_webhooks(caller: GivenCaller, chat: GivenChat) -> ListAnswer[WebhookAnswer]:
    page = await chat.execute(caller.actor, ListWebhooks())
    return ListAnswer(tuple(map(_webhook_answer, page.items)), page.next)


@post("/", summary="Create a webhook", description=_ONCE, opt=may_refuse(410))
async def create_webhook(
    data: JSONBody[CreateWebhookBody], caller: GivenCaller, chat: GivenChat, webhooks: GivenWebhooks, key: GivenKey
) -> CreatedWebhookAnswer:
    must_be_trusted(caller.actor)
    log_types_named(data.types or ())
    await webhooks.check_url(data.url)
    command = CreateWebhook(data.url, data.types, data.conversation_ids, data.description, data.after)
    return _created_webhook_answer(await chat.execute(caller.actor, command, key))


@get("/{webhook_id:str}", summary="Get a webhook")
async def get_webhook(webhook_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> WebhookAnswer:
    return _webhook_answer(await chat.execute(caller.actor, GetWebhook(webhook_id)))


@put(
    "/{webhook_id:str}",
    summary="Create or update a webhook with an id of your own",
    description="For a program that registers its webhook whenever it starts: the same request again changes nothing. "
    "An existing webhook keeps its cursor, its planned retries and whether it is enabled. A `secret` that differs from "
    "the webhook's replaces it, and requests are signed with both for 24 hours.",
    opt=may_refuse(410),
)
async def put_webhook(
    webhook_id: FromPath[str],
    data: JSONBody[PutWebhookBody],
    caller: GivenCaller,
    chat: GivenChat,
    webhooks: GivenWebhooks,
) -> PutWebhookAnswer:
    must_be_trusted(caller.actor)
    log_types_named(data.types or ())
    await webhooks.check_url(data.url)
    command = PutWebhook(
        webhook_id, data.url, data.types, data.conversation_ids, data.description, data.after, data.secret
    )
    return _put_webhook_answer(await chat.execute(caller.actor, command))


@patch(
    "/{webhook_id:str}",
    summary="Update a webhook",
    description="An enabled webhook continues where it was, and `enabled: true` sends failed events again at once, "
    "also for a webhook that was enabled. A disabled one gets no more requests at once.",
)
async def update_webhook(
    webhook_id: FromPath[str],
    data: JSONBody[UpdateWebhookBody],
    caller: GivenCaller,
    chat: GivenChat,
    webhooks: GivenWebhooks,
) -> WebhookAnswer:
    must_be_trusted(caller.actor)
    if isinstance(data.types, tuple):
        log_types_named(data.types)
    if isinstance(data.url, str):
        await webhooks.check_url(data.url)
    command = UpdateWebhook(
        webhook_id=webhook_id,
        url=data.url,
        types=data.types,
        conversation_ids=data.conversation_ids,
        enabled=data.enabled,
        description=data.description,
    )
    return _webhook_answer(await chat.execute(caller.actor, command))


@delete("/{webhook_id:str}", summary="Delete a webhook")
async def delete_webhook(webhook_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, DeleteWebhook(webhook_id))


@post(
    "/{webhook_id:str}/rewind",
    status_code=HTTP_200_OK,
    summary="Set the event after which a webhook continues",
    description="The webhook continues after the cursor, earlier or later than where it is. Planned retries are "
    "dropped.",
    opt=may_refuse(410),
)
async def rewind_webhook(
    webhook_id: FromPath[str], data: JSONBody[RewindWebhookBody], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> WebhookAnswer:
    return _webhook_answer(await chat.execute(caller.actor, RewindWebhook(webhook_id, data.after), key))


@post(
    "/{webhook_id:str}/rotate-secret",
    status_code=HTTP_200_OK,
    summary="Replace a webhook's signing secret with a new one",
    description=f"Requests are signed with both secrets for 24 hours. {_ONCE}",
)
async def rotate_webhook_secret(
    webhook_id: FromPath[str], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> CreatedWebhookAnswer:
    return _created_webhook_answer(await chat.execute(caller.actor, RotateWebhookSecret(webhook_id), key))


@post(
    "/{webhook_id:str}/test",
    status_code=HTTP_200_OK,
    summary="Send a test event to a webhook",
    description="Sends a signed event of the type `webhook:test` now, also to a disabled webhook, and returns the "
    "outcome. It is not retried.",
)
async def test_webhook(
    webhook_id: FromPath[str], caller: GivenCaller, chat: GivenChat, webhooks: GivenWebhooks
) -> WebhookDeliveryAnswer:
    signing = await chat.execute(caller.actor, GetWebhookSigning(webhook_id))
    return _delivery_answer(await webhooks.test(webhook_id, signing))


@get(
    "/{webhook_id:str}/deliveries",
    summary="List the latest requests to a webhook",
    description="The newest 100 attempts.",
)
async def list_webhook_deliveries(
    webhook_id: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> ListAnswer[WebhookDeliveryAnswer]:
    page = await chat.execute(caller.actor, ListWebhookAttempts(webhook_id))
    return ListAnswer(tuple(map(_delivery_answer, page.items)), page.next)


webhooks_router = Router(
    "/webhooks",
    route_handlers=[
        list_webhooks,
        create_webhook,
        get_webhook,
        put_webhook,
        update_webhook,
        delete_webhook,
        rewind_webhook,
        rotate_webhook_secret,
        test_webhook,
        list_webhook_deliveries,
    ],
    tags=["webhooks"],
)
