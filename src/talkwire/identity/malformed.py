"""Says what a text is that is no signed token, for the developer of the client that has sent it."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode

import msgspec

_WORDS = frozenset(
    {"undefined", "null", "NULL", "None", "nil", "NaN", "true", "false", "[object Object]", "[object Promise]"}
)
"""Texts that programs write for a value that is missing or no text."""

_JWS_PARTS, _JWE_PARTS = 3, 5
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def malformation(token: str) -> str:
    """Returns a sentence about a text that is no token in compact form. It repeats no part of the text, except a word
    that stands for a missing value."""
    if token in _WORDS:
        return f"The token is the word `{token}`: the client has no token, or has made a text of another value."
    words = token.split(None, 1)
    if not words:
        return "The token is empty."
    if token[0] in "\"'":
        return "The token is in quotation marks: send it without them."
    if words[0].lower() == "bearer":
        return "The token begins with `Bearer` more than once."
    if token[0] in "{[":
        return "The token is JSON: send only the token in it."
    if len(token.split()) > 1 or token != words[0]:
        return "The token contains white space or a line break, or something beside it."
    return _fault_of_parts(token.split("."))


def _fault_of_parts(parts: list[str]) -> str:
    """Returns a sentence about a text without white space, by what stands between its dots."""
    if len(parts) == 1:
        return "The token is opaque, not a JWT: only the application can verify it (callback `connect`)."
    header = _header_of(parts[0])
    if len(parts) == _JWE_PARTS and header is not None and "enc" in header:
        return (
            "The token is encrypted (JWE), so only its issuer can read it: send a signed one (JWS), "
            "or let the application verify it (callback `connect`)."
        )
    if len(parts) != _JWS_PARTS:
        return f"The token is not a JWT, or is cut off: it has {len(parts)} parts between dots, and a JWT has three."
    if not all(_BASE64URL.fullmatch(part) for part in parts):
        return "The token is malformed: each of its three parts must be base64url without padding."
    if header is None or "alg" not in header:
        return "The token is malformed: its first part is not a JSON object with the algorithm (`alg`)."
    return "The token is malformed: a part is not canonical base64url without padding, or its header has wrong types."


def _header_of(part: str) -> dict[str, msgspec.Raw] | None:
    """Returns the JSON object in a token's first part; None if there is none."""
    try:
        return _decode_object(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
