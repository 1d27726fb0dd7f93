"""What a log may show of what a client has sent: enough to see which protocol it speaks, and nothing of its content."""

from __future__ import annotations

import re

_HEAD = re.compile(r"[ -~]?\d{0,8}-?(?:/[\w.-]{0,32},?)?\d{0,8}[\[{\"]?", re.ASCII)


def preview(message: str | bytes) -> str:
    """Returns types and namespace at the front of a packet, such as `451-0[…`; of a binary one four bytes."""
    if isinstance(message, bytes):
        return f"bytes {message[:4].hex()}…"
    found = _HEAD.match(message)
    return f"{'' if found is None else found[0]}…"
