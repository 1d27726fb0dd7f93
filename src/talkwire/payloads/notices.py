"""Payloads of notices: entries in a conversation beside its messages, such as a member who joined or a call."""

from __future__ import annotations

from talkwire.core.commands.conversations import ConversationChange, Notice, NoticeKind
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
    return NoticePayload(
        id=str(notice.id),
        conversation_id=notice.conversation_id,
        type=notice.kind,
        created_at=iso(notice.created_ms),
        names=dict(notice.names),
        actor_id=notice.actor_id,
        user_ids=notice.user_ids or None,
        user_count=notice.user_count or None,
        role=notice.role,
        changes=notice.changes or None,
        name=notice.name,
        topic=notice.topic,
        public=notice.public,
        slow_mode_s=notice.slow_mode_s,
        history=notice.history,
        reason=notice.reason,
        duration_s=notice.duration_s,
        offer_id=None if notice.offer_id is None else str(notice.offer_id),
        offer_status=notice.offer_status,
    )
