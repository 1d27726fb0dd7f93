"""Events of the messenger dialect that add, update and remove members of conversations."""

from __future__ import annotations

from talkwire.core.commands.members import AddedMembers, RemovedMember
from talkwire.core.domain.events import (
    Event,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
    MembersListed,
    MemberUpdated,
)
from talkwire.core.domain.model import Member, MemberRole
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.conversations import members
from talkwire.payloads.payload import Payload, iso
from talkwire.payloads.replies import SettlingReply


class AddedMemberPayload(Payload, frozen=True):
    """A new member of a conversation, through the teams `via` or in their own right. The member has no unread messages:
    `readSeq` and `deliveredSeq` are the number of the newest message at the time of joining."""

    user_id: str
    role: MemberRole
    joined_at: str
    read_seq: int
    delivered_seq: int
    via: tuple[str, ...] | None = None


class MembersAddedPayload(Payload, frozen=True):
    conversation_id: str
    members: tuple[AddedMemberPayload, ...]


class MemberRemovedPayload(Payload, frozen=True):
    """A member who left a conversation or was removed. `by` is the user who removed the member; it is missing if the
    member left. `via` names the teams through which the user was a member."""

    conversation_id: str
    user_id: str
    by: str | None = None
    via: tuple[str, ...] | None = None


class UpdatedMemberPayload(Payload, frozen=True):
    """A member whose role changed or, seen by members of teams, who is a member on other grounds: through the teams
    `via`, and not in their own right if `own` is false."""

    conversation_id: str
    user_id: str
    role: MemberRole
    via: tuple[str, ...] | None = None
    own: bool | None = None


class MembersListedPayload(Payload, frozen=True):
    """Whether the members `userIds` of a conversation, who are there through a team, have it in their list (`listed`),
    and count and notify its messages."""

    conversation_id: str
    listed: bool
    user_ids: tuple[str, ...]


def added_member_payload(member: Member) -> AddedMemberPayload:
    positions = member.read_seq, member.delivered_seq
    return AddedMemberPayload(member.user_id, member.role, iso(member.joined_ms), *positions, member.via or None)


def _members_added(event: MemberAdded) -> MembersAddedPayload:
    return MembersAddedPayload(event.conversation_id, tuple(map(added_member_payload, event.members)))


def _member_removed(event: MemberRemoved) -> MemberRemovedPayload:
    by = None if event.by in {"", event.user_id} else event.by
    return MemberRemovedPayload(event.conversation_id, event.user_id, by, event.via or None)


def _settling(result: AddedMembers | RemovedMember) -> SettlingReply:
    return SettlingReply() if result.pending_pos is None else SettlingReply(pending=True)


INBOUND = events_of(members.OPERATIONS, replies={"member:add": _settling, "member:remove": _settling})


def _member_updated(event: MemberUpdated) -> UpdatedMemberPayload:
    member = event.member
    return UpdatedMemberPayload(member.conversation_id, member.user_id, member.role)


def _grounds_changed(event: MembershipGroundsChanged) -> UpdatedMemberPayload:
    member = event.member
    own = None if member.own else False
    return UpdatedMemberPayload(member.conversation_id, member.user_id, member.role, member.via, own)


def _members_listed(event: MembersListed) -> MembersListedPayload:
    return MembersListedPayload(event.conversation_id, event.listed, event.user_ids)


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
            summary="A member's role in a conversation changed.",
        ),
    ),
    MembershipGroundsChanged: (
        Outbound(
            "member:updated",
            _grounds_changed,
            summary="A member has become one through a team, or in their own right, or is so no longer. Only members "
            "of teams receive this event.",
        ),
    ),
    MembersListed: (
        Outbound(
            "conversation:listed",
            _members_listed,
            summary="A conversation of which the user is a member through a team is in the user's list from now on, or "
            "no longer. Only the members concerned receive this event.",
        ),
    ),
}
