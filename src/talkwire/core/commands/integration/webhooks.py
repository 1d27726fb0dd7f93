"""Commands about webhooks: endpoints of the application that receive the events of the log."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.integration.webhooks import Webhook, WebhookAttempt, WebhookSigning


class WebhookView(msgspec.Struct, frozen=True):
    """A webhook, the epoch of its position, and how many conversations and users wait for a retry."""

    webhook: Webhook
    epoch: str
    failing: int = 0


class CreatedWebhook(msgspec.Struct, frozen=True):
    """A webhook with its newest secret, which no other command returns."""

    view: WebhookView
    secret: str


class CreateWebhook(Change[CreatedWebhook], frozen=True, tag="CreateWebhook"):
    """Creates a webhook. `types` and `conversation_ids` None: all. `after` None: from now on; `start`: from the oldest
    event that is kept."""

    url: str
    types: tuple[str, ...] | None = None
    conversation_ids: tuple[str, ...] | None = None
    description: str | None = None
    after: str | None = None


class UpdateWebhook(Change[WebhookView], frozen=True, tag="UpdateWebhook", kw_only=True):
    """Changes a webhook. Members that are not set stay as they are."""

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
    """Lets a webhook continue after a cursor, earlier or later than where it is. Planned retries are dropped."""

    webhook_id: str
    after: str


class RotateWebhookSecret(Change[CreatedWebhook], frozen=True, tag="RotateWebhookSecret"):
    """Gives a webhook a new secret. Requests are signed with both secrets for a day."""

    webhook_id: str


class GetWebhook(Query[WebhookView], frozen=True, tag="GetWebhook"):
    webhook_id: str


class ListWebhooks(Query[Page[WebhookView]], frozen=True, tag="ListWebhooks"):
    """Lists all webhooks, oldest first, on one page."""


class ListWebhookAttempts(Query[Page[WebhookAttempt]], frozen=True, tag="ListWebhookAttempts"):
    """Lists the newest attempts to deliver events to a webhook, newest first, on one page."""

    webhook_id: str


class GetWebhookSigning(Query[WebhookSigning], frozen=True, tag="GetWebhookSigning"):
    """Returns how to sign a request to a webhook. No route returns this to a client."""

    webhook_id: str
