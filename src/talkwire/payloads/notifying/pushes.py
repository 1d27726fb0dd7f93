"""Payloads of pushes (notifications that reach a device without a connection), and of the devices that are subscribed
to pushes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from talkwire.core.domain.model import ID_MAX_LENGTH, PushKind, PushSubscription
from talkwire.payloads.notifying.notifications import NotificationPayload
from talkwire.payloads.payload import Payload, iso

SUBSCRIPTION_KEY_MAX_LENGTH = 200
"""Longest key of a browser's subscription, and longest id of an app, in characters."""

PUSH_KEY_MAX_LENGTH = 4096
"""Longest push key that an app's push service gives a device, in characters."""

PUSH_URL_MAX_LENGTH = 2048
"""Longest URL to which pushes are sent, in characters."""


class PushPayload(NotificationPayload, frozen=True, kw_only=True):
    """The content of a push: the notification to show, and in `badge` the number of unread messages for the app's icon.
    Long texts are cut, and the setting `push_content` may leave texts out."""

    badge: int


class DismissPushPayload(Payload, frozen=True, omit_defaults=False):
    """A push that removes notifications from a device's screen, because the user has read them elsewhere or their
    message was deleted."""

    ids: tuple[str, ...]
    badge: int
    type: Literal["dismiss"] = "dismiss"


class DeviceKeysPayload(Payload, frozen=True):
    """The keys of a browser's `PushSubscription`, in base64url."""

    p256dh: Annotated[str, msgspec.Meta(max_length=SUBSCRIPTION_KEY_MAX_LENGTH)]
    auth: Annotated[str, msgspec.Meta(max_length=SUBSCRIPTION_KEY_MAX_LENGTH)]


class PushKeyPayload(Payload, frozen=True):
    """The server's public key, in base64url: the `applicationServerKey` of `pushManager.subscribe`."""

    public_key: str


class SubscribePayload(Payload, frozen=True):
    """A device that is to receive pushes. A browser gives `endpoint` and `keys`, a native app with `kind: "gateway"`
    gives `url`, `appId` and `pushKey`. `deviceId` is the id that the device sends as `auth.deviceId` when it connects;
    it is not needed with a token from a sign-in on this server. With `renew`, the answer is `conflict` if the user has
    removed the device's subscription."""

    kind: PushKind = "web"
    endpoint: Annotated[str, msgspec.Meta(max_length=PUSH_URL_MAX_LENGTH)] | None = None
    keys: DeviceKeysPayload | None = None
    url: Annotated[str, msgspec.Meta(max_length=PUSH_URL_MAX_LENGTH)] | None = None
    app_id: Annotated[str, msgspec.Meta(min_length=1, max_length=SUBSCRIPTION_KEY_MAX_LENGTH)] | None = None
    push_key: Annotated[str, msgspec.Meta(min_length=1, max_length=PUSH_KEY_MAX_LENGTH)] | None = None
    device_id: Annotated[str, msgspec.Meta(min_length=1, max_length=ID_MAX_LENGTH)] | None = None
    user_agent: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    renew: bool = False


class PushSubscriptionPayload(Payload, frozen=True):
    """A device that receives pushes. `current` says whether it is the device of the caller's sign-in. `renewedAt` is
    when the device last sent its subscription."""

    id: str
    kind: PushKind
    created_at: str
    renewed_at: str
    current: bool
    endpoint: str | None = None
    url: str | None = None
    app_id: str | None = None
    device_id: str | None = None
    session_id: str | None = None
    user_agent: str | None = None


def push_subscription_payload(subscription: PushSubscription, session_id: str | None) -> PushSubscriptionPayload:
    """Returns the payload of a device that receives pushes. `session_id` is the caller's own sign-in, whose device is
    marked as `current`; None if the caller has no sign-in on this server."""
    target = subscription.target
    is_web = target.kind == "web"
    return PushSubscriptionPayload(
        id=subscription.id,
        kind=target.kind,
        created_at=iso(subscription.created_ms),
        renewed_at=iso(subscription.renewed_ms),
        current=session_id is not None and subscription.session_id == session_id,
        endpoint=target.url if is_web else None,
        url=None if is_web else target.url,
        app_id=target.app_id,
        device_id=subscription.device_id,
        session_id=subscription.session_id,
        user_agent=subscription.user_agent or None,
    )
