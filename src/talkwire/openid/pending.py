"""Encrypts and signs the state of a sign-in for a cookie, which the browser keeps while its user is at the OpenID
provider.

The cookie binds the provider's response to the browser that started the sign-in: a response that somebody else has
received is useless without the cookie (RFC 6749, section 10.12).
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LIFETIME_S = 600
"""Seconds that a user may take to sign in at the provider."""

SEALED_MAX_LENGTH = 4096
"""Longest cookie that browsers accept, in characters."""

_PURPOSE = b"talkwire openid sign-in 1\n"


class Destination(msgspec.Struct, frozen=True):
    """The place in the web client to show after a sign-in: a conversation, a message in it, or an invitation that the
    user is asked to accept."""

    conversation: str | None = None
    message: str | None = None
    invitation: str | None = None


class PendingSignIn(msgspec.Struct, frozen=True):
    """The state of a sign-in whose user is at the provider: the random values that the provider's response must match,
    and `redirect_uri`, the address at this server to which the provider redirects the browser."""

    state: str
    nonce: str
    code_verifier: str
    redirect_uri: str
    destination: Destination


class SignInSeal:
    """Encrypts and signs the state of pending sign-ins for a cookie, with a key that all nodes derive from `secret`."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret.encode())
        self._fernet = Fernet(urlsafe_b64encode(key))
        self._clock = clock

    def close(self, pending: PendingSignIn) -> str:
        """Returns the encrypted and signed state of a sign-in, as the value of the cookie."""
        return self._fernet.encrypt_at_time(msgspec.json.encode(pending), int(self._clock())).decode()

    def open(self, sealed: str) -> PendingSignIn | None:
        """Returns the state of a sign-in from `sealed`, the value of the cookie. Returns None unless `close` returned
        this value, on any node with the same secret, at most `LIFETIME_S` seconds ago."""
        if len(sealed) > SEALED_MAX_LENGTH:
            return None
        try:
            data = self._fernet.decrypt_at_time(sealed.encode(), LIFETIME_S, int(self._clock()))
            return msgspec.json.decode(data, type=PendingSignIn)
        except (InvalidToken, msgspec.DecodeError, UnicodeEncodeError):
            return None
