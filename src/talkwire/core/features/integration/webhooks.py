"""Creates, changes and lists webhooks (URLs to which the server sends events), and sets from which log position they
receive events. `talkwire.webhooks` delivers the events.

The webhooks' secrets are in a table, because each request is signed with them, but not in the log.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from secrets import token_bytes
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import UnsetType
from msgspec.structs import replace

from talkwire.core.commands.command import Page
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
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import WebhookAction, WebhookChanged
from talkwire.core.domain.integration.webhooks import (
    SECRET_ROTATION_MS,
    WEBHOOKS_MAX,
    Webhook,
    WebhookAttempt,
    WebhookSigning,
)
from talkwire.core.domain.log.positions import is_own_id, own_id_at
from talkwire.core.domain.model import Actor
from talkwire.core.domain.texts import check_id, check_text
from talkwire.core.features.catching_up.log_events import start_position
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Lookups, Snapshot, Transaction

WEBHOOK_URL_MAX_LENGTH = 2048
"""Longest URL of a webhook, in characters."""

DESCRIPTION_MAX_LENGTH = 500
"""Longest description of a webhook, in characters."""

TYPES_MAX = 100
"""Most types of events that a webhook names."""

TYPE_MAX_LENGTH = 64
"""Longest type of an event that a webhook names, in characters."""

WEBHOOK_CONVERSATIONS_MAX = 100
"""Most conversations that a webhook names."""

T = TypeVar("T")

WEBHOOK_SECRET_BYTES = 32
"""Number of random bytes of a secret that the server makes for a webhook."""

GIVEN_SECRET_BYTES = range(24, 65)
"""Numbers of bytes that a secret may have that a caller chooses, according to Standard Webhooks."""

SECRET_PREFIX = "whsec_"  # noqa: S105 (the prefix of all secrets)


# --- checks -----------------------------------------------------------------------------------------------------------


def check_create(command: CreateWebhook) -> None:
    """Raises `invalid_request` for a webhook with invalid fields."""
    _check_fields(command.url, command.types, command.conversation_ids, command.description)


def check_put(command: PutWebhook) -> None:
    check_id("webhookId", command.webhook_id)
    _check_fields(command.url, command.types, command.conversation_ids, command.description)
    if command.secret is not None:
        _check_secret(command.secret)


def check_update(command: UpdateWebhook) -> None:
    check_id("webhookId", command.webhook_id)
    _check_fields(command.url, command.types, command.conversation_ids, command.description)


def _check_fields(
    url: str | UnsetType,
    types: tuple[str, ...] | UnsetType | None,
    conversation_ids: tuple[str, ...] | UnsetType | None,
    description: str | UnsetType | None,
) -> None:
    if isinstance(url, str):
        _check_url(url)
    if isinstance(types, tuple):
        _check_count("types", types, TYPES_MAX)
        for index, type_ in enumerate(types):
            check_text(f"types[{index}]", type_)
            if not 0 < len(type_) <= TYPE_MAX_LENGTH:
                raise invalid(f"types[{index}]", "must be the type of an event, such as message:new")
    if isinstance(conversation_ids, tuple):
        _check_count("conversationIds", conversation_ids, WEBHOOK_CONVERSATIONS_MAX)
        for index, conversation_id in enumerate(conversation_ids):
            check_id(f"conversationIds[{index}]", conversation_id)
    if isinstance(description, str):
        check_text("description", description)
        if len(description) > DESCRIPTION_MAX_LENGTH:
            raise invalid("description", f"must have at most {DESCRIPTION_MAX_LENGTH} characters")


def _check_url(url: str) -> None:
    """Raises `invalid_request` unless the text is an http(s) URL with at most `WEBHOOK_URL_MAX_LENGTH` characters.
    Whether the server may connect to its address is checked by `WebhookProbe.check_url`."""
    check_text("url", url)
    try:
        parts = urlsplit(url[: WEBHOOK_URL_MAX_LENGTH + 1])  # it sorts combining marks, which takes quadratic time
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or len(url) > WEBHOOK_URL_MAX_LENGTH or any(char.isspace() for char in url):
        raise invalid("url", f"must be an absolute URL with at most {WEBHOOK_URL_MAX_LENGTH} characters")


def _check_secret(secret: str) -> None:
    try:
        size = len(b64decode(secret.removeprefix(SECRET_PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith(SECRET_PREFIX) or size not in GIVEN_SECRET_BYTES:
        raise invalid("secret", f"must be {SECRET_PREFIX} and the Base64 of 24 to 64 bytes")


def _check_count(path: str, items: tuple[str, ...], maximum: int) -> None:
    if not 1 <= len(items) <= maximum:
        raise invalid(path, f"must have 1 to {maximum} items; null stands for all")


def check_rewind(command: RewindWebhook) -> None:
    check_id("webhookId", command.webhook_id)
    check_text("after", command.after)


# --- changes ----------------------------------------------------------------------------------------------------------


def create_webhook(tx: Transaction, actor: Actor, command: CreateWebhook) -> CreatedWebhook:
    """Creates a webhook and returns it with its secret. Raises `forbidden` unless the actor is the backend or an admin,
    and `conflict` if there are `WEBHOOKS_MAX` webhooks already."""
    must_be_trusted(actor)
    secret = _new_secret()
    return CreatedWebhook(_add(tx, actor, own_id_at(tx.next_pos()), command, secret), secret)


def put_webhook(tx: Transaction, actor: Actor, command: PutWebhook) -> PutWebhookResult:
    """Creates the webhook with this id, or gives the existing one these fields. Records nothing if it has them."""
    must_be_trusted(actor)
    before = tx.webhooks.find(command.webhook_id)
    if before is None:
        if is_own_id(command.webhook_id):
            raise invalid("webhookId", "must not be in the range of ids that the server generates")
        secret = _new_secret() if command.secret is None else command.secret
        view = _add(tx, actor, command.webhook_id, command, secret)
        return PutWebhookResult(view, secret if command.secret is None else None)
    webhook = replace(
        before,
        url=command.url,
        types=_distinct(command.types),
        conversation_ids=_distinct(command.conversation_ids),
        description=command.description,
        final=command.final,
    )
    if webhook != before:
        tx.webhooks.put(webhook)
        _record(tx, actor, webhook.id, "updated")
    if command.secret is not None:
        _replace_secret(tx, actor, webhook.id, command.secret)
    return PutWebhookResult(_view(tx, webhook))


def _replace_secret(tx: Transaction, actor: Actor, webhook_id: str, secret: str) -> None:
    signing = tx.webhooks.signing(webhook_id, tx.now_ms)
    if signing is not None and signing.secrets[0] != secret:
        tx.webhooks.rotate(webhook_id, secret, tx.now_ms + SECRET_ROTATION_MS)
        _record(tx, actor, webhook_id, "secret_rotated")


def _add(
    tx: Transaction, actor: Actor, webhook_id: str, command: CreateWebhook | PutWebhook, secret: str
) -> WebhookView:
    """Stores a new webhook. Raises `conflict` if there are `WEBHOOKS_MAX` webhooks already."""
    if len(tx.webhooks.list_all()) >= WEBHOOKS_MAX:
        raise ChatError("conflict", f"There are {WEBHOOKS_MAX} webhooks, which is the maximum.", cause="too_many")
    pos = tx.next_pos()
    webhook = Webhook(
        id=webhook_id,
        url=command.url,
        # The webhook's own event is not sent to it.
        pos=pos if command.after is None else _position(tx, command.after),
        created_ms=tx.now_ms,
        enabled_ms=tx.now_ms,
        types=_distinct(command.types),
        conversation_ids=_distinct(command.conversation_ids),
        description=command.description,
        final=command.final,
    )
    tx.webhooks.add(webhook, secret)
    _record(tx, actor, webhook.id, "created")
    return _view(tx, webhook)


def update_webhook(tx: Transaction, actor: Actor, command: UpdateWebhook) -> WebhookView:
    """Changes the fields of a webhook that the command sets, and returns the webhook. `enabled` true, even for an
    enabled webhook, makes the webhook's planned retries due at once, and the webhook continues after the last event
    that it received."""
    webhook = _find(tx, actor, command.webhook_id)
    webhook = replace(
        webhook,
        url=_given(command.url, webhook.url),
        types=_distinct(_given(command.types, webhook.types)),
        conversation_ids=_distinct(_given(command.conversation_ids, webhook.conversation_ids)),
        description=_given(command.description, webhook.description),
        final=_given(command.final, webhook.final),
    )
    if command.enabled is True:
        webhook = replace(webhook, enabled=True, enabled_ms=tx.now_ms, disabled_ms=None, disabled_reason=None)
    elif command.enabled is False and webhook.enabled:
        webhook = replace(webhook, enabled=False, disabled_ms=tx.now_ms, disabled_reason="request")
    tx.webhooks.put(webhook)
    _record(tx, actor, webhook.id, "updated")
    return _view(tx, webhook)


def delete_webhook(tx: Transaction, actor: Actor, command: DeleteWebhook) -> None:
    webhook = _find(tx, actor, command.webhook_id)
    tx.webhooks.remove(webhook.id)
    _record(tx, actor, webhook.id, "deleted")


def rewind_webhook(tx: Transaction, actor: Actor, command: RewindWebhook) -> WebhookView:
    """Makes a webhook receive the events after the cursor `command.after` next, deletes the webhook's planned retries,
    and returns the webhook. Raises `cursor_expired` or `cursor_epoch` if events after the cursor are not stored."""
    webhook = _find(tx, actor, command.webhook_id)
    webhook = replace(webhook, pos=_position(tx, command.after))
    tx.webhooks.rewind(webhook.id, webhook.pos)
    _record(tx, actor, webhook.id, "rewound")
    return _view(tx, webhook)


def rotate_secret(tx: Transaction, actor: Actor, command: RotateWebhookSecret) -> CreatedWebhook:
    """Gives a webhook a new secret, and returns the webhook with it. For a day, requests are also signed with the
    secret that it replaces."""
    webhook = _find(tx, actor, command.webhook_id)
    secret = _new_secret()
    tx.webhooks.rotate(webhook.id, secret, tx.now_ms + SECRET_ROTATION_MS)
    _record(tx, actor, webhook.id, "secret_rotated")
    return CreatedWebhook(_view(tx, webhook), secret)


def _find(facts: Lookups, actor: Actor, webhook_id: str) -> Webhook:
    must_be_trusted(actor)
    webhook = facts.webhooks.find(webhook_id)
    if webhook is None:
        raise _unknown()
    return webhook


def _unknown() -> ChatError:
    return ChatError("not_found", "There is no such webhook.")


def _given(value: T | UnsetType, before: T) -> T:
    return before if isinstance(value, UnsetType) else value


def _distinct(items: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if items is None else tuple(dict.fromkeys(items))


def _new_secret() -> str:
    return SECRET_PREFIX + b64encode(token_bytes(WEBHOOK_SECRET_BYTES)).decode()


def _position(tx: Transaction, after: str) -> int:
    """Returns the position in the log (the ordered record of events) of a cursor; for the text `start`, the position
    before the oldest stored event.

    Raises `invalid_request` for text that is no cursor or for a position in the future, `cursor_epoch` for a cursor of
    a replaced log, and `cursor_expired` if the events after it were deleted.
    """
    epoch, floor, _ = tx.webhooks.log_bounds()
    pos = start_position(after, epoch, floor)
    if pos >= tx.next_pos():
        raise invalid("after", "must not be in the future")
    return pos


def _record(tx: Transaction, actor: Actor, webhook_id: str, action: WebhookAction) -> None:
    by = "" if actor.is_service else actor.user_id
    tx.record(WebhookChanged(tx.next_pos(), tx.now_ms, webhook_id, action, by))


def _view(facts: Lookups, webhook: Webhook) -> WebhookView:
    return WebhookView(webhook, facts.webhooks.log_bounds().epoch, *facts.webhooks.failing(webhook.id))


# --- queries ----------------------------------------------------------------------------------------------------------


def get_webhook(snapshot: Snapshot, actor: Actor, query: GetWebhook) -> WebhookView:
    return _view(snapshot, _find(snapshot, actor, query.webhook_id))


def list_webhooks(snapshot: Snapshot, actor: Actor, query: ListWebhooks) -> Page[WebhookView]:
    must_be_trusted(actor)
    return Page(tuple(_view(snapshot, webhook) for webhook in snapshot.webhooks.list_all()), None)


def list_attempts(snapshot: Snapshot, actor: Actor, query: ListWebhookAttempts) -> Page[WebhookAttempt]:
    webhook = _find(snapshot, actor, query.webhook_id)
    return Page(tuple(snapshot.webhooks.attempts(webhook.id)), None)


def get_signing(snapshot: Snapshot, actor: Actor, query: GetWebhookSigning) -> WebhookSigning:
    must_be_trusted(actor)
    signing = snapshot.webhooks.signing(query.webhook_id, snapshot.now_ms)
    if signing is None:
        raise _unknown()
    return signing


CHANGES: Changes = MappingProxyType(
    {
        CreateWebhook: ChangeHandler(create_webhook, check_create),
        PutWebhook: ChangeHandler(put_webhook, check_put),
        UpdateWebhook: ChangeHandler(update_webhook, check_update),
        DeleteWebhook: ChangeHandler(delete_webhook, lambda command: check_id("webhookId", command.webhook_id)),
        RewindWebhook: ChangeHandler(rewind_webhook, check_rewind),
        RotateWebhookSecret: ChangeHandler(rotate_secret, lambda command: check_id("webhookId", command.webhook_id)),
    }
)

QUERIES: Queries = MappingProxyType(
    {
        GetWebhook: get_webhook,
        ListWebhooks: list_webhooks,
        ListWebhookAttempts: list_attempts,
        GetWebhookSigning: get_signing,
    }
)
