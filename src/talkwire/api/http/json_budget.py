"""How much work a JSON text may be. It has few bytes, and yet some JSON takes long to decode, and holds the loop."""

from __future__ import annotations

import re

from talkwire.core.domain.errors import invalid

CONTAINERS_MAX = 10_000
"""Arrays and objects, which are made one by one and looked at by the garbage collector."""

EXPONENTS_MAX = 2_000
"""Numbers such as 1e308, of which each takes some 10 µs."""

# Matches wherever it begins, so that no text is gone through twice. A socket's packet may be four times as long, so its
# texts are left out in a quicker way, which gives up at 25,000 texts (wire/socket_packet.py).
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_EXPONENT = re.compile(rb"[0-9][eE][+-]?[0-9]+[\s,\]}]")


def check_budget(body: bytes) -> None:
    """Raises `invalid_request` for JSON that would take long to decode."""
    if _is_costly(body) and _is_costly(_TEXT.sub(b"", body)):
        limits = f"{CONTAINERS_MAX} arrays and objects and {EXPONENTS_MAX} numbers with an exponent"
        raise invalid("body", f"must have at most {limits}")


def _is_costly(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") > CONTAINERS_MAX:
        return True
    return len(body) > EXPONENTS_MAX and len(_EXPONENT.findall(body)) > EXPONENTS_MAX
