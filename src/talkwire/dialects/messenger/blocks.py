"""Events of the messenger dialect about blocked users, which only the sockets of the user who blocks receive."""

from __future__ import annotations

from talkwire.core.domain.events import Event, UserBlocked, UserUnblocked
from talkwire.dialects.dialect import Outbound
from talkwire.payloads.payload import Payload


class UserIdPayload(Payload, frozen=True):
    user_id: str


def _user_id(event: UserBlocked | UserUnblocked) -> UserIdPayload:
    return UserIdPayload(event.blocked_id)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    UserBlocked: (Outbound("user:blocked", _user_id, summary="This user blocked another user, on any device."),),
    UserUnblocked: (Outbound("user:unblocked", _user_id, summary="This user unblocked another user, on any device."),),
}
