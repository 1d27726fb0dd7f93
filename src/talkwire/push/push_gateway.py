"""Builds requests to Matrix push gateways, which deliver to native apps: `POST /_matrix/push/v1/notify`.

A gateway such as Sygnal forwards pushes to the services of Apple and Google; a UnifiedPush gateway forwards them to the
app itself. A gateway can read the pushes, so the setting `push_content` decides what they contain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from talkwire.core.commands.server.pushes import PushContent
from talkwire.core.domain.model import NotificationType, PushSubscription
from talkwire.payloads.notifying.pushes import PushPayload
from talkwire.push.push_content import ContentLevel
from talkwire.push.web_push import URGENT

NOTIFY_PATH = "/_matrix/push/v1/notify"

_MESSAGE = "m.room.message"

_EVENT_TYPES: Mapping[NotificationType, str] = MappingProxyType(
    {"invitation": "m.room.member", "missed-call": "m.call.invite"}
)
"""Matrix' names of events that notifications are about, by the type of the notification; all others are messages."""

_encode = msgspec.json.Encoder().encode


class GatewayAnswer(msgspec.Struct, frozen=True):
    """A gateway's response: `rejected` has the push keys (ids of app installations) to which it will deliver nothing
    more.
    """

    rejected: tuple[str, ...] = ()


answer_decoder = msgspec.json.Decoder(GatewayAnswer)


def gateway_notification(
    subscription: PushSubscription, content: PushContent, payload: PushPayload, level: ContentLevel
) -> bytes:
    """Returns the body of the gateway request that shows a notification. With the level `none` it has ids and counts
    only.
    """
    notification: dict[str, Any] = {
        "event_id": payload.id,
        "room_id": payload.conversation_id,
        "prio": "high" if payload.type in URGENT else "low",
        "counts": {"unread": payload.badge},
        "devices": [_device(subscription, payload.sound)],
    }
    if level != "none":
        notification |= {
            "type": _EVENT_TYPES.get(payload.type, _MESSAGE),
            "sender": payload.actor_id,
            "sender_display_name": payload.title,
        }
        if content.conversation_name:
            notification["room_name"] = content.conversation_name
        if payload.type == "invitation":
            notification |= {"membership": "invite", "user_is_target": True}
    if level == "full":
        notification["content"] = {"msgtype": "m.text", "body": payload.body, "talkwire": payload}
    return _encode({"notification": notification})


def gateway_dismissal(subscription: PushSubscription, ids: Sequence[int], badge: int) -> bytes:
    """Returns the body of the gateway request that is sent after a user has read notifications elsewhere.
    `badge` is the user's number of unread messages.

    It names no event, so a gateway updates the badge only. An app that receives the whole request finds the ids of the
    notifications to remove in `content`.
    """
    notification = {
        "prio": "low",
        "counts": {"unread": badge},
        "content": {"talkwire": {"type": "dismiss", "ids": list(map(str, ids)), "badge": badge}},
        "devices": [_device(subscription, None)],
    }
    return _encode({"notification": notification})


def _device(subscription: PushSubscription, sound: str | None) -> dict[str, Any]:
    target = subscription.target
    device: dict[str, Any] = {
        "app_id": target.app_id,
        "pushkey": target.push_key,
        "pushkey_ts": subscription.renewed_ms // 1000,
        "data": {},
    }
    return device | ({"tweaks": {"sound": sound}} if sound is not None else {})
