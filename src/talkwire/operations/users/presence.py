"""The operations of presence: who is online, away or offline, and the caller's own presence."""

from __future__ import annotations

from talkwire.core.commands.presence import GetPresence, GetPresenceOf, ListOnline, SetPresence
from talkwire.operations.operation import Listed, One, Operation, Paged
from talkwire.operations.shapes import InputMember, Shape
from talkwire.operations.socket_commands import SubscribePresence, UnsubscribePresence
from talkwire.payloads.presence import presence_payload

_TAG = "users"
_WATCH = "It changes which events this socket receives. `GET /api/v1/presence` returns the presence once."
_PRESENCE = Listed(presence_payload, "presence")
_USERS = Shape("UserIdsPayload")

ONLINE = Operation(
    ListOnline,
    route="GET /users/online",
    tag=_TAG,
    operation_id="listOnlineUsers",
    summary="List users who are online (role service or admin)",
    answer=Paged(presence_payload),
    members={"limit": InputMember(meaning="The number of items in a page", least=1, most=1000)},
)

OWN_PRESENCE = Operation(
    GetPresenceOf,
    route="GET /users/me/presence",
    tag=_TAG,
    summary="Get the caller's presence (online, away or offline)",
    answer=One(presence_payload),
)

SET = Operation(
    SetPresence,
    event="presence:set",
    route="PUT /users/me/presence",
    tag=_TAG,
    summary="Set the caller's presence, such as away or do not disturb",
    event_summary="Set the user's presence: `dnd` and `invisible` on all devices, `online` and `away` on this one.",
    answer=One(presence_payload),
)

OF_USER = Operation(
    GetPresenceOf,
    route="GET /users/{user_id}/presence",
    tag=_TAG,
    operation_id="getPresence",
    summary="Get the presence of a user (online, away or offline)",
    answer=One(presence_payload),
)

OF_USERS = Operation(
    GetPresence,
    event="presence:get",
    route="GET /presence",
    tag=_TAG,
    operation_id="listPresence",
    summary="Get the presence of several users (online, away or offline)",
    event_summary="Get the presence (online, away or offline) of users who share a conversation with the caller.",
    answer=_PRESENCE,
    payload=_USERS,
    members={
        "user_ids": InputMember(
            meaning="A user id; repeat for each user. Users without a shared conversation are omitted"
        )
    },
)

SUBSCRIBE = Operation(
    SubscribePresence,
    event="presence:subscribe",
    summary="Get the presence of any users, and start receiving `presence:update` when it changes",
    socket_only=_WATCH,
    answer=_PRESENCE,
    payload=_USERS,
)

UNSUBSCRIBE = Operation(
    UnsubscribePresence,
    event="presence:unsubscribe",
    summary="Stop receiving the `presence:update` events of these users",
    socket_only=_WATCH,
    payload=_USERS,
)

OPERATIONS = (ONLINE, OWN_PRESENCE, SET, OF_USER, OF_USERS, SUBSCRIBE, UNSUBSCRIBE)
