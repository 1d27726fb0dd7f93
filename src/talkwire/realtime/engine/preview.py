"""Shortens a client's message for the log: enough to identify its protocol, and none of its content."""

from __future__ import annotations

import re

_HEAD = re.compile(r"[ -~]?\d{0,8}-?(?:/[\w.-]{0,32},?)?\d{0,8}[\[{\"]?", re.ASCII)


def preview(message: str | bytes) -> str:
    """Returns the beginning of a client's message for the log, without any content: packet type, namespace and ack id
    of a text packet, such as `451-0[…`, or the first four bytes of a binary message in hexadecimal.
    """
    if isinstance(message, bytes):
        return f"bytes {message[:4].hex()}…"
    found = _HEAD.match(message)
    return f"{'' if found is None else found[0]}…"
