"""Entries of the audit log, which records what admins, the application's backend and moderators of conversations did to
others."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

AuditAction = Literal[
    "account-create",
    "ban",
    "card-decide",
    "connection-end",
    "conversation-ban",
    "conversation-claim",
    "conversation-close",
    "conversation-delete",
    "conversation-handoff",
    "conversation-release",
    "conversation-unban",
    "erase",
    "export",
    "hold",
    "hold-end",
    "invitation-create",
    "invitation-delete",
    "member-remove",
    "message-delete",
    "message-edit",
    "message-on-behalf",
    "mute",
    "offer-delete",
    "password-set",
    "preferences-set",
    "previews-remove",
    "report-context",
    "report-dismiss",
    "report-resolve",
    "retention",
    "role-admin",
    "role-member",
    "role-owner",
    "session-end",
    "team-delete",
    "team-put",
    "teams-change",
    "unban",
    "unmute",
    "webhook-create",
    "webhook-delete",
    "webhook-rewind",
    "webhook-rotate",
    "webhook-update",
]
"""Kind of an act in the audit log."""


class Act(NamedTuple):
    """What a command did to the user, message, conversation, invitation, webhook or report `target_id`. It becomes an
    entry of the audit log. `digest` is that of the card that was decided."""

    action: AuditAction
    target_id: str
    conversation_id: str | None = None
    reason: str | None = None
    digest: str | None = None


class AuditEntry(msgspec.Struct, frozen=True):
    """An entry of the audit log: an action with the ids of those concerned, and no content.

    `actor_id` is the caller, also where the application's backend acted for a user. `address` is the caller's IP
    address, None for the command line and for the program that embeds the server. The entries' ids are numbered without
    gaps. `digest` is that of the card that was decided.
    """

    id: int
    action: AuditAction
    actor_id: str
    target_id: str
    at_ms: int
    address: str | None = None
    conversation_id: str | None = None
    reason: str | None = None
    digest: str | None = None
