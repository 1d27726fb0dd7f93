"""Events about changed names, pictures and texts of users."""

from __future__ import annotations

from talkwire.core.domain.events import Event, UserUpdated
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.payloads.users import UserPayload, user_payload


def _updated(event: UserUpdated) -> UserPayload:
    return user_payload(event.user, own=False)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    UserUpdated: (
        Outbound("user:updated", _updated, summary="A contact or this user changed their name, picture or text."),
    ),
}
