"""Commands about webhooks: endpoints of the application that receive the chat's committed events."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.integration.webhooks import Webhook, WebhookAttempt, WebhookSigning


class WebhookView(msgspec.Struct, frozen=True):
    """A webhook, the epoch (version of the log of events) to which its position belongs, and the number of
    conversations and users whose events wait for a retry. `failing_since_ms` is when the first of these events was
    attempted first."""

    webhook: Webhook
    epoch: str
    failing: int = 0
    failing_since_ms: int | None = None


class CreatedWebhook(msgspec.Struct, frozen=True):
    """A webhook with its newest signing secret, which only the commands that create a webhook or its secret return."""

    view: WebhookView
    secret: str


class CreateWebhook(Change[CreatedWebhook], frozen=True, tag="CreateWebhook"):
    """Creates a webhook, an endpoint that receives events. `types` and `conversation_ids` select events, None selects
    all. `after` is the cursor from which it receives them: None for new events only, `start` for all events that are
    still stored."""

    url: str
    types: tuple[str, ...] | None = None
    conversation_ids: tuple[str, ...] | None = None
    description: str | None = None
    after: str | None = None


class UpdateWebhook(Change[WebhookView], frozen=True, tag="UpdateWebhook", kw_only=True):
    """Changes a webhook. Fields that are not set stay the same."""

    webhook_id: str
    url: str | UnsetType = UNSET
    types: tuple[str, ...] | UnsetType | None = UNSET
    conversation_ids: tuple[str, ...] | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


class DeleteWebhook(Change[None], frozen=True, tag="DeleteWebhook"):
    """Deletes a webhook with its secret and its attempts."""

    webhook_id: str


class RewindWebhook(Change[WebhookView], frozen=True, tag="RewindWebhook"):
    """Makes a webhook continue with the events after a cursor, which may be earlier or later than its position. Planned
    retries are dropped."""

    webhook_id: str
    after: str


class RotateWebhookSecret(Change[CreatedWebhook], frozen=True, tag="RotateWebhookSecret"):
    """Gives a webhook a new signing secret and returns it. For a day, requests are signed with the old and the new
    secret."""

    webhook_id: str


class GetWebhook(Query[WebhookView], frozen=True, tag="GetWebhook"):
    webhook_id: str


class ListWebhooks(Query[Page[WebhookView]], frozen=True, tag="ListWebhooks"):
    """Lists all webhooks, oldest first, on one page."""


class ListWebhookAttempts(Query[Page[WebhookAttempt]], frozen=True, tag="ListWebhookAttempts"):
    """Lists the newest attempts to deliver events to a webhook, newest first, on one page."""

    webhook_id: str


class GetWebhookSigning(Query[WebhookSigning], frozen=True, tag="GetWebhookSigning"):
    """Returns the URL and the secrets with which to sign a request to a webhook. No route returns them to a client."""

    webhook_id: str
