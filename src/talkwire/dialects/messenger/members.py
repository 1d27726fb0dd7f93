"""Events of the messenger dialect that add, update and remove members of conversations."""

from __future__ import annotations

from typing import Any

import msgspec

from talkwire.core.domain.events import Event, MemberAdded, MemberRemoved, MemberUpdated
from talkwire.core.domain.model import Member, MemberRole
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.conversations import members
from talkwire.payloads.payload import Payload, iso


class AddedMemberPayload(Payload, frozen=True):
    """A new member of a conversation. The member has no unread messages: `readSeq` and `deliveredSeq` are the number of
    the newest message at the time of joining."""

    user_id: str
    role: MemberRole
    joined_at: str
    read_seq: int
    delivered_seq: int


class MembersAddedPayload(Payload, frozen=True):
    conversation_id: str
    members: tuple[AddedMemberPayload, ...]


class MemberRemovedPayload(Payload, frozen=True):
    """A member who left a conversation or was removed. `by` is the user who removed the member; it is missing if the
    member left."""

    conversation_id: str
    user_id: str
    by: str | None = None


def added_member_payload(member: Member) -> AddedMemberPayload:
    return AddedMemberPayload(member.user_id, member.role, iso(member.joined_ms), member.read_seq, member.delivered_seq)


def _members_added(event: MemberAdded) -> MembersAddedPayload:
    return MembersAddedPayload(event.conversation_id, tuple(map(added_member_payload, event.members)))


def _member_removed(event: MemberRemoved) -> MemberRemovedPayload:
    by = None if event.by in {"", event.user_id} else event.by
    return MemberRemovedPayload(event.conversation_id, event.user_id, by)


INBOUND = events_of(members.OPERATIONS)

_MemberWithRolePayload: Any = INBOUND["member:update"].payload


def _member_updated(event: MemberUpdated) -> msgspec.Struct:
    member = event.member
    payload: msgspec.Struct = _MemberWithRolePayload(
        conversation_id=member.conversation_id, user_id=member.user_id, role=member.role
    )
    return payload


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    MemberAdded: (
        Outbound(
            "member:added", _members_added, summary="Members were added to a conversation. They receive this event too."
        ),
    ),
    MemberRemoved: (
        Outbound(
            "member:removed",
            _member_removed,
            summary="A member left or was removed. That user receives this event too.",
        ),
    ),
    MemberUpdated: (
        Outbound(
            "member:updated",
            _member_updated,
            _MemberWithRolePayload,
            summary="A member's role in a conversation changed.",
        ),
    ),
}
