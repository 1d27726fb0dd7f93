"""Payloads of notices: entries in a conversation beside its messages, such as a member who joined or a call."""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.conversations import (
    CallNotice,
    ConversationChange,
    ConversationNotice,
    MembersNotice,
    Notice,
    NoticeKind,
    OfferNotice,
    RoleNotice,
)
from talkwire.core.domain.model import CallEndReason, History, MemberRole, OfferStatus
from talkwire.payloads.payload import Payload, iso


class NoticePayload(Payload, frozen=True):
    """A notice: an event in a conversation that is shown between its messages, such as a member who joined. `id` can be
    compared with the ids of messages and offers: later ones are greater. `actorId` is missing if the application's
    backend or the server caused the event, and where a role changed. `userIds` are the first of `userCount` users who
    joined, were added or removed, or left, or the one whose `role` changed. `names` has the current names of users by
    their id. Clients ignore an unknown `type`."""

    id: str
    conversation_id: str
    type: NoticeKind
    created_at: str
    names: dict[str, str]
    actor_id: str | None = None
    user_ids: tuple[str, ...] | None = None
    user_count: int | None = None
    role: MemberRole | None = None
    changes: tuple[ConversationChange, ...] | None = None
    name: str | None = None
    topic: str | None = None
    public: bool | None = None
    slow_mode_s: int | None = None
    history: History | None = None
    reason: CallEndReason | None = None
    duration_s: int | None = None
    offer_id: str | None = None
    offer_status: OfferStatus | None = None


def notice_payload(notice: Notice) -> NoticePayload:
    match notice:
        case MembersNotice(kind=kind):
            return _payload(notice, kind, user_ids=notice.user_ids, user_count=notice.user_count)
        case RoleNotice():
            return _payload(notice, "role", user_ids=(notice.user_id,), user_count=1, role=notice.role)
        case ConversationNotice():
            return _payload(
                notice,
                "changed",
                changes=notice.changes,
                name=notice.name,
                topic=notice.topic,
                public=notice.public,
                slow_mode_s=notice.slow_mode_s,
                history=notice.history,
            )
        case CallNotice():
            return _payload(notice, "call", reason=notice.reason, duration_s=notice.duration_s)
        case OfferNotice():
            return _payload(notice, "offer", offer_id=str(notice.offer_id), offer_status=notice.offer_status)


def _payload(notice: Notice, kind: NoticeKind, **details: Any) -> NoticePayload:  # noqa: ANN401 (fields of the payload)
    return NoticePayload(
        id=str(notice.id),
        conversation_id=notice.conversation_id,
        type=kind,
        created_at=iso(notice.created_ms),
        names=dict(notice.names),
        actor_id=notice.actor_id,
        **details,
    )
