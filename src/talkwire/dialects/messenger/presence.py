"""Who is there."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.commands.presence import GetPresence, SetPresence
from talkwire.core.events import Event, PresenceChanged
from talkwire.core.model import Presence
from talkwire.dialects.dialect import Inbound, Outbound, UnwatchPresence, WatchPresence
from talkwire.dialects.payloads.payload import Payload
from talkwire.dialects.payloads.presence import PresencePayload, presence_payload
from talkwire.dialects.replies import Reply, done


class SetPresencePayload(Payload, frozen=True):
    status: Literal["online", "away", "dnd", "invisible"]
    text: str | msgspec.UnsetType | None = msgspec.UNSET


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
        lambda p: SetPresence(p.status, p.text),
        done,
        summary="How the user is: `dnd` and `invisible` hold on all devices, `online` and `away` are of this one.",
    ),
    "presence:get": Inbound(
        UserIdsPayload,
        lambda p: GetPresence(p.user_ids),
        _presence_reply,
        summary="The presence of users who share a conversation with the caller; strangers are left out.",
    ),
    "presence:subscribe": Inbound(
        UserIdsPayload,
        lambda p: WatchPresence(p.user_ids),
        _presence_reply,
        summary="The same, and this socket gets their `presence:update` from now on, contacts or not.",
    ),
    "presence:unsubscribe": Inbound(
        UserIdsPayload,
        lambda p: UnwatchPresence(p.user_ids),
        done,
        summary="Ends what `presence:subscribe` began.",
    ),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    PresenceChanged: (
        Outbound("presence:update", _presence_update, summary="A contact's presence, or one's own, is another."),
    ),
}
