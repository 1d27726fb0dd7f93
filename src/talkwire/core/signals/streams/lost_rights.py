"""Says after which events a user may not write somewhere any more."""

from __future__ import annotations

from talkwire.core.domain.events import (
    Durable,
    MemberRemoved,
    MemberRestricted,
    MemberUpdated,
    UserBanned,
    UserBlocked,
    UserErased,
)


def may_have_lost(event: Durable) -> tuple[str, ...]:
    """Returns the ids of the users who may have lost the right to write in a conversation by this event."""
    match event:
        case MemberRemoved(user_id=user_id) | UserBanned(user_id=user_id):
            return (user_id,)
        case MemberRestricted(restriction=restriction):
            return (restriction.user_id,)
        case MemberUpdated(member=member):
            return (member.user_id,)
        case UserBlocked(user_id=user_id, blocked_id=blocked_id):
            return (user_id, blocked_id)
        case UserErased(user=user):
            return (user.id,)
        case _:
            return ()
