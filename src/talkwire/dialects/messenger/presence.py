"""Events of the messenger dialect about presence: who is online, away or offline."""

from __future__ import annotations

from talkwire.core.domain.events import Event, PresenceChanged
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.users import presence
from talkwire.payloads.presence import PresencePayload, SetPresencePayload, presence_payload, to_set_presence
from talkwire.payloads.replies import done


def _presence_update(event: PresenceChanged) -> PresencePayload:
    return presence_payload(event.presence)


INBOUND = events_of(
    (presence.SET, presence.OF_USERS, presence.SUBSCRIBE, presence.UNSUBSCRIBE),
    entries={"presence:set": Inbound(SetPresencePayload, to_set_presence, done)},
)

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    PresenceChanged: (
        Outbound("presence:update", _presence_update, summary="The presence of a contact or of this user changed."),
    ),
}
