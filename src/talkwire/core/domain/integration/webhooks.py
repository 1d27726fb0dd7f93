"""Data types of webhooks: endpoints of the application that receive the chat's events, and the attempts to reach
them."""

from __future__ import annotations

from typing import Literal

import msgspec

WEBHOOKS_MAX = 50
"""Most webhooks of a server."""

SECRET_ROTATION_MS = 24 * 3600 * 1000
"""Milliseconds after a rotation for which requests are also signed with the previous secret."""

ATTEMPTS_KEPT = 100
"""Number of a webhook's newest attempts that are kept."""

DisabledReason = Literal["request", "gone", "failing", "restored"]
"""Reason why a webhook is disabled: on request, after the status 410, because an event was refused for three days, or
because the database was restored from a backup."""


class Webhook(msgspec.Struct, frozen=True):
    """An endpoint of the application that receives events of the log, the ordered list of all committed events.

    `types` and `conversation_ids` select events; None selects all. With `final`, a message that is written while
    others read it is new at its first end. `pos` is the log position up to which each event was
    accepted by the endpoint, not selected, or recorded for a retry. `rewinds` counts how often `RewindWebhook` has set
    `pos`, so that progress from before a rewind is not stored. Attempts from before `enabled_ms` no longer count for
    the retry schedule.
    """

    id: str
    url: str
    pos: int
    created_ms: int
    enabled_ms: int
    types: tuple[str, ...] | None = None
    conversation_ids: tuple[str, ...] | None = None
    description: str | None = None
    enabled: bool = True
    disabled_ms: int | None = None
    disabled_reason: DisabledReason | None = None
    rewinds: int = 0
    final: bool = False


class WebhookSigning(msgspec.Struct, frozen=True):
    """The URL of a webhook and the secrets with which its requests are signed, the newest first."""

    url: str
    secrets: tuple[str, ...]


class WebhookAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request that sent an event to a webhook. `status` is the response's HTTP status, None without a response.
    `error` is None if the event was accepted. `next_ms` is the time of the next attempt, None if no retry is planned.
    `type` is the type of the event, empty in attempts that an older version stored. `response` is the beginning of the
    body of a response that did not accept the event."""

    event_id: str
    attempt: int
    at_ms: int
    duration_ms: int
    status: int | None = None
    error: str | None = None
    next_ms: int | None = None
    type: str = ""
    response: str | None = None


class WebhookRetry(msgspec.Struct, frozen=True):
    """The planned retry of an event that a webhook has not accepted. Later events of the same conversation or user wait
    for it.

    `pos` is the event's log position, `attempt` how often it was sent, `first_ms` the time of the first attempt, and
    `next_ms` that of the next one. `first_ms` is None for an event that was not sent yet because the one before it was
    retried.
    """

    pos: int
    attempt: int
    first_ms: int | None
    next_ms: int
