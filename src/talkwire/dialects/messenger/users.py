"""Events of the messenger dialect about users who changed their name, picture or text."""

from __future__ import annotations

from talkwire.core.domain.events import Event, UserErased, UserUpdated
from talkwire.dialects.dialect import Outbound
from talkwire.payloads.users import UserPayload, other_user_payload


def _updated(event: UserUpdated | UserErased) -> UserPayload:
    return other_user_payload(event.user)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    UserUpdated: (
        Outbound("user:updated", _updated, summary="A contact or this user changed their name, picture or text."),
    ),
    UserErased: (Outbound("user:updated", _updated, summary="A contact's account and data were erased."),),
}
