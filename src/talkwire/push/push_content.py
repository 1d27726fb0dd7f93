"""Builds the content of pushes: the parts of a notification that the setting `push_content` allows, cut to the size
that push services accept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from talkwire.core.domain.model import Notification
from talkwire.payloads.notifying.notifications import notification_payload
from talkwire.payloads.notifying.pushes import DismissPushPayload, PushPayload

ContentLevel = Literal["full", "sender", "none"]
"""Content of pushes: everything, the sender's name without the text, or no text at all."""

_JOINER = "\u200d"
_encode = msgspec.json.Encoder().encode


def shown(notification: Notification, badge: int, level: ContentLevel) -> PushPayload:
    """Returns the payload of the push that shows a notification, and `badge`, the user's number of unread messages, on
    the app's icon. `level` says what the push may contain: `full`, everything; `sender`, the title but no text; `none`,
    neither.
    """
    payload = notification_payload(notification)
    title = "" if level == "none" else payload.title
    body = payload.body if level == "full" else ""
    outcome = None if level == "none" else payload.outcome
    whole = msgspec.structs.asdict(payload) | {"title": title, "body": body, "outcome": outcome}
    return PushPayload(**whole, badge=badge)


def encode_shown(payload: PushPayload, size_max: int) -> bytes:
    """Returns the payload as JSON of at most `size_max` bytes. Cuts the body if it is too long, then the title."""
    encoded = _encode(payload)
    for name in ("body", "title"):
        while len(encoded) > size_max and (text := getattr(payload, name)):
            # JSON writes some characters as several, so a text is longer there.
            in_json, size = len(_encode(text)), len(text.encode("utf-8", "replace"))
            room = max(0, in_json - (len(encoded) - size_max))
            payload = replace(payload, **{name: cut_text(text, min(size - 1, size * room // in_json))})
            encoded = _encode(payload)
    return encoded


def encode_dismissal(ids: Sequence[int], badge: int) -> bytes:
    """Returns the JSON payload of the push that makes a device remove the notifications with these ids, and show
    `badge`, the user's number of unread messages, on the app's icon.
    """
    return _encode(DismissPushPayload(tuple(map(str, ids)), badge))


def cut_text(text: str, size_max: int) -> str:
    """Returns the beginning of a text and "…", together at most `size_max` bytes, without splitting a character; empty
    if nothing fits.
    """
    room = size_max - len("…".encode())
    if room <= 0:
        return ""
    beginning = text.encode("utf-8", "replace")[:room].decode(errors="ignore").rstrip().rstrip(_JOINER)
    return f"{beginning}…" if beginning else ""
