"""Limits how expensive the JSON body of a request may be to decode, since even a small body can block the event loop
for long."""

from __future__ import annotations

import re

from talkwire.core.domain.errors import invalid

CONTAINERS_MAX = 10_000
"""Most arrays and objects of a body: the decoder allocates each, and the garbage collector visits each."""

EXPONENTS_MAX = 2_000
"""Most numbers of a body such as 1e308, which take about 10 µs each to decode."""

# Possessive quantifiers keep the match linear. Socket packets may be four times as large, so wire/socket_packet.py
# skips strings with a faster method that gives up after 25,000 strings.
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_EXPONENT = re.compile(rb"[0-9][eE][+-]?[0-9]+[\s,\]}]")


def check_budget(body: bytes) -> None:
    """Raises `invalid_request` if the JSON in `body` has more than `CONTAINERS_MAX` arrays and objects, or more than
    `EXPONENTS_MAX` numbers with an exponent, which are expensive to decode. It does not decode the body."""
    if _is_costly(body) and _is_costly(_TEXT.sub(b"", body)):
        limits = f"{CONTAINERS_MAX} arrays and objects and {EXPONENTS_MAX} numbers with an exponent"
        raise invalid("body", f"must have at most {limits}")


def _is_costly(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") > CONTAINERS_MAX:
        return True
    return len(body) > EXPONENTS_MAX and len(_EXPONENT.findall(body)) > EXPONENTS_MAX
