"""Commands about webhooks: endpoints of the application that receive the chat's committed events."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.integration.webhooks import Webhook, WebhookAttempt, WebhookSigning


class WebhookView(msgspec.Struct, frozen=True):
    """A webhook and the state of its delivery.

    `epoch` names the history of the log to which the webhook's position belongs. `failing` is how many conversations
    and users have events that wait for a retry, `failing_since_ms` when the first of these events was first sent, in
    milliseconds since 1970; None without any.
    """

    webhook: Webhook
    epoch: str
    failing: int = 0
    failing_since_ms: int | None = None


class CreatedWebhook(msgspec.Struct, frozen=True):
    """A webhook with its newest signing secret. Only the results of `CreateWebhook` and `RotateWebhookSecret` show the
    secret to a client."""

    view: WebhookView
    secret: str


class PutWebhookResult(msgspec.Struct, frozen=True):
    """A webhook, and its secret if the server has generated it just now."""

    view: WebhookView
    secret: str | None = None


class CreateWebhook(Change[CreatedWebhook], frozen=True, tag="CreateWebhook"):
    """Creates a webhook, an endpoint that receives events. Only for the backend and admins, like all commands about
    webhooks. `types` (names of events such as `message:new`) and `conversation_ids` select events; None selects all.
    With `final`, a message that is written while others read it is new at its first end. `after` is the cursor from
    which the webhook receives them: None for new events only, `start` for all events that are still stored."""

    url: str
    types: tuple[str, ...] | None = None
    conversation_ids: tuple[str, ...] | None = None
    description: str | None = None
    after: str | None = None
    final: bool = False


class PutWebhook(Change[PutWebhookResult], frozen=True, tag="PutWebhook"):
    """Creates the webhook with this id, or gives it these fields. An existing one keeps its position in the log, its
    planned retries and whether it is enabled. A `secret` that differs from the webhook's replaces it as
    `RotateWebhookSecret` does; without one, a new webhook gets a random secret. `after` counts for a new webhook only.
    Only for the backend and admins."""

    webhook_id: str
    url: str
    types: tuple[str, ...] | None = None
    conversation_ids: tuple[str, ...] | None = None
    description: str | None = None
    after: str | None = None
    secret: str | None = None
    final: bool = False


class UpdateWebhook(Change[WebhookView], frozen=True, tag="UpdateWebhook", kw_only=True):
    """Changes a webhook and returns it. Fields that are not set stay the same. `enabled` true also makes all planned
    retries due at once. Only for the backend and admins. Raises `not_found` for an unknown webhook."""

    webhook_id: str
    url: str | UnsetType = UNSET
    types: tuple[str, ...] | UnsetType | None = UNSET
    conversation_ids: tuple[str, ...] | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    final: bool | UnsetType = UNSET


class DeleteWebhook(Change[None], frozen=True, tag="DeleteWebhook"):
    """Deletes a webhook with its secret and the records of its delivery attempts. Only for the backend and admins.
    Raises `not_found` for an unknown webhook."""

    webhook_id: str


class RewindWebhook(Change[WebhookView], frozen=True, tag="RewindWebhook"):
    """Makes a webhook receive the events after the cursor `after`, which may be earlier or later than its position, and
    deletes its planned retries. Raises `cursor_expired` or `cursor_epoch` if events after the cursor are not stored."""

    webhook_id: str
    after: str


class RotateWebhookSecret(Change[CreatedWebhook], frozen=True, tag="RotateWebhookSecret"):
    """Gives a webhook a new signing secret, and returns the webhook with this secret. For a day, requests are signed
    with both the old and the new secret."""

    webhook_id: str


class GetWebhook(Query[WebhookView], frozen=True, tag="GetWebhook"):
    webhook_id: str


class ListWebhooks(Query[Page[WebhookView]], frozen=True, tag="ListWebhooks"):
    """Lists all webhooks, oldest first, on one page. Only for the backend and admins."""


class ListWebhookAttempts(Query[Page[WebhookAttempt]], frozen=True, tag="ListWebhookAttempts"):
    """Lists the last attempts to deliver events to a webhook, at most `ATTEMPTS_KEPT`, newest first, on one page. Only
    for the backend and admins."""

    webhook_id: str


class GetWebhookSigning(Query[WebhookSigning], frozen=True, tag="GetWebhookSigning"):
    """Returns the URL and the secrets with which to sign a request to a webhook. No route returns them to a client."""

    webhook_id: str
