"""Events of the messenger dialect about presence: who is online, away or offline."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.commands.presence import GetPresence, SetPresence
from talkwire.core.domain.events import Event, PresenceChanged
from talkwire.core.domain.model import Presence
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.operations.socket_commands import SubscribePresence, UnsubscribePresence
from talkwire.payloads.payload import Payload
from talkwire.payloads.presence import PresencePayload, presence_payload, to_ends
from talkwire.payloads.replies import Reply, done


class SetPresencePayload(Payload, frozen=True):
    status: Literal["online", "away", "dnd", "invisible"]
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    status_until: str | None = None
    text_until: str | None = None


class UserIdsPayload(Payload, frozen=True):
    user_ids: tuple[str, ...]


class PresenceReply(Reply, frozen=True, kw_only=True, rename="camel"):
    presence: tuple[PresencePayload, ...]


def _presence_reply(found: tuple[Presence, ...]) -> PresenceReply:
    return PresenceReply(presence=tuple(map(presence_payload, found)))


def _presence_update(event: PresenceChanged) -> PresencePayload:
    return presence_payload(event.presence)


INBOUND = {
    "presence:set": Inbound(
        SetPresencePayload,
        lambda p: SetPresence(p.status, p.text, to_ends(p.status_until, p.text_until)),
        done,
        summary="Set the user's presence: `dnd` and `invisible` on all devices, `online` and `away` on this one.",
    ),
    "presence:get": Inbound(
        UserIdsPayload,
        lambda p: GetPresence(p.user_ids),
        _presence_reply,
        summary="Get the presence (online, away or offline) of users who share a conversation with the caller.",
    ),
    "presence:subscribe": Inbound(
        UserIdsPayload,
        lambda p: SubscribePresence(p.user_ids),
        _presence_reply,
        summary="Get the presence of any users, and start receiving `presence:update` when it changes.",
    ),
    "presence:unsubscribe": Inbound(
        UserIdsPayload,
        lambda p: UnsubscribePresence(p.user_ids),
        done,
        summary="Stop receiving the `presence:update` events of these users.",
    ),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    PresenceChanged: (
        Outbound("presence:update", _presence_update, summary="The presence of a contact or of this user changed."),
    ),
}
