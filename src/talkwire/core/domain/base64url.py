"""Base64 in the alphabet of addresses ("base64url", RFC 4648, section 5), without padding."""

from __future__ import annotations

from base64 import b64decode
from binascii import a2b_base64, b2a_base64

# Characters that are valid in base64 only become invalid.
_TO_BASE64 = bytes.maketrans(b"-_+/=", b"+/!!!")
_TO_URL = bytes.maketrans(b"+/", b"-_")
# The last characters of a canonical text, by its length modulo 4: their unused bits are zero (RFC 4648, section 3.5).
_LAST_LETTERS = {2: b"AQgw", 3: b"AEIMQUYcgkosw048"}


def to_base64url(data: bytes) -> str:
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def from_base64url(text: bytes) -> bytes:
    """Returns the decoded bytes of a text in canonical base64url without padding, as `to_base64url` writes it. Raises
    ValueError for any other text."""
    remainder = len(text) % 4
    if remainder and text[-1] not in _LAST_LETTERS.get(remainder, b""):
        raise ValueError("not canonical base64url")
    return a2b_base64(text.translate(_TO_BASE64) + b"=" * (-len(text) % 4), strict_mode=True)


def from_any_base64(text: str) -> bytes:
    """Returns the decoded bytes of a text in base64 or base64url, with or without padding and white space around it, as
    people and browsers write keys. Raises ValueError for any other text."""
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
