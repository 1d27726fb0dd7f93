"""Builds Web Push requests, each of which delivers one message to a browser's push service (RFC 8030).

The push service sees the size and the time of a message, but not its content, which is encrypted (RFC 8291). It
recognizes this server by its key pair (RFC 8292).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from talkwire.core.domain.base64url import from_any_base64, to_base64url
from talkwire.core.domain.model import NotificationType, PushTarget
from talkwire.core.features.notifying.pushes import service_of
from talkwire.push.vapid import VapidKey

ENCRYPTED_MAX_BYTES = 4096
"""Largest encrypted message that every push service accepts, in bytes."""

ENCRYPTION_BYTES = 86 + 1 + 16
"""Number of bytes that encryption adds: the header with the server's key, the delimiter and the tag."""

CONTENT_MAX_BYTES = ENCRYPTED_MAX_BYTES - ENCRYPTION_BYTES
"""Largest content of a push before its encryption, in bytes."""

URGENT: frozenset[NotificationType] = frozenset({"decision", "direct", "mention", "missed-call"})
"""Types of the notifications for which a push service wakes a device that saves energy."""


class WebPushMessage(NamedTuple):
    """A message to a browser. The push service keeps it for `ttl_s` seconds while the browser is offline. `urgent` asks
    for delivery also to a device that saves power.

    A later message with the same `topic` replaces one that the push service has not delivered yet; None for no topic.
    """

    content: bytes
    topic: str | None
    ttl_s: int
    urgent: bool = False


class PushRequest(NamedTuple):
    url: str
    headers: Mapping[str, str]
    content: bytes


def web_push_request(target: PushTarget, message: WebPushMessage, key: VapidKey, now_s: float) -> PushRequest:
    """Returns the request that delivers a message to a browser, encrypted for it and signed with `key`.

    `now_s` is in seconds since 1970. Raises ValueError if the browser's keys are invalid.
    """
    assert target.p256dh is not None, "a browser has keys"
    assert target.auth is not None, "a browser has keys"
    headers = {
        "authorization": key.authorization(service_of(target.url), now_s),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(message.ttl_s),
        "urgency": "high" if message.urgent else "normal",
    }
    if message.topic is not None:
        headers["topic"] = message.topic
    return PushRequest(target.url, headers, encrypt(message.content, target.p256dh, target.auth))


def encrypt(content: bytes, p256dh: str, auth: str) -> bytes:
    """Returns the content encrypted (aes128gcm) for the browser with the public key `p256dh` and the secret `auth`."""
    encrypted: bytes = http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=from_any_base64(p256dh),
        auth_secret=from_any_base64(auth),
        version="aes128gcm",
    )
    return encrypted


def topic_of(target: PushTarget, notification_id: int) -> str:
    """Returns the Web Push topic of a notification: a hash of 32 characters, from which the push service cannot
    find out the notification or the user."""
    named = f"{target.auth} {notification_id}".encode()
    return to_base64url(sha256(named).digest()[:24])
