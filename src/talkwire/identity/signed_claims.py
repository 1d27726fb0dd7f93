"""Signs small contents (claims) for clients to keep and send back, so that the server does not have to store them."""

from __future__ import annotations

import hmac
from typing import Generic, TypeVar

import msgspec

from talkwire.core.domain.base64url import from_base64url, to_base64url

SIGNED_TEXT_MAX_LENGTH = 2048
"""Longest signed text, in characters. Ids have at most 128 characters, so no text of this server is longer."""

C = TypeVar("C", bound=msgspec.Struct)


class ClaimsSigner(Generic[C]):
    """Signs and verifies claims of the type `kind` with a key that all nodes share."""

    def __init__(self, key: bytes, kind: type[C]) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")
        self._decoder = msgspec.json.Decoder(kind)

    def sign(self, claims: C) -> str:
        """Returns the claims and their signature, each in base64url without padding, joined by a dot."""
        body = to_base64url(msgspec.json.encode(claims))
        return f"{body}.{to_base64url(self._signature(body))}"

    def read(self, signed: object) -> C | None:
        """Verifies a text from a client and returns its claims; None for anything that no node has signed with this
        key."""
        if not isinstance(signed, str) or len(signed) > SIGNED_TEXT_MAX_LENGTH or not signed.isascii():
            return None
        body, _, signature = signed.partition(".")
        if not hmac.compare_digest(signature, to_base64url(self._signature(body))):
            return None
        return self._decoder.decode(from_base64url(body.encode()))

    def _signature(self, body: str) -> bytes:
        # Copying takes half as long as looking up the hash function and hashing the key again.
        signature = self._keyed.copy()
        signature.update(body.encode())
        return signature.digest()
