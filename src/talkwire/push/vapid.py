"""The key pair by which push services recognize this server (VAPID, RFC 8292), and the signatures made with it."""

from __future__ import annotations

import asyncio

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey

from talkwire.core.commands.server.recovery import EnsureSecret
from talkwire.core.domain.actors import PUSH_SENDER
from talkwire.core.domain.base64url import from_any_base64, to_base64url
from talkwire.core.ports.chat import CommandExecutor

VAPID_SECRET = "vapid"  # noqa: S105 (the name of a secret)

SIGNATURE_LIFETIME_S = 12 * 3600
"""Seconds for which a signature is valid. Push services accept at most 24 hours."""

SIGNATURE_RENEWED_S = 3600
"""Shortest remaining validity of a signature that is still used, in seconds. One that is valid for less is replaced."""

SIGNATURES_KEPT_MAX = 1000
"""Most push services whose signatures are kept."""


class VapidKey:
    """A VAPID key pair, which signs requests to push services.

    `subject` is the operator's contact (a URL), which some push services require.
    """

    def __init__(self, private_key: ec.EllipticCurvePrivateKey, subject: str | None = None) -> None:
        self._signing_key = ECKey(private_key, private_key)
        self._subject = subject
        self._signed: dict[str, tuple[str, float]] = {}
        raw = private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = to_base64url(raw)

    def authorization(self, service: str, now_s: float) -> str:
        """Returns the value of the `Authorization` header for requests to a push service at the time `now_s`, in
        seconds since 1970. Its signed token is reused until it is about to expire, since signing is expensive.

        `service` is the push service's scheme, host and port.
        """
        token, expires_s = self._signed.get(service, ("", 0.0))
        if expires_s - now_s < SIGNATURE_RENEWED_S:
            expires_s = now_s + SIGNATURE_LIFETIME_S
            claims = {"aud": service, "exp": int(expires_s)} | ({"sub": self._subject} if self._subject else {})
            token = jwt.encode({"alg": "ES256"}, claims, self._signing_key)
            if len(self._signed) >= SIGNATURES_KEPT_MAX:
                self._signed.clear()
            self._signed[service] = token, expires_s
        return f"vapid t={token}, k={self.public_key}"


class VapidKeys:
    """Provides the server's VAPID key pair: the configured `private_key` or, with None, one that the first use creates
    and stores in the database. `subject` is the operator's contact, as in `VapidKey`.
    """

    def __init__(self, secrets: CommandExecutor, private_key: str | None, subject: str | None) -> None:
        self._secrets = secrets
        self._subject = subject
        self._lock = asyncio.Lock()
        self._key = None if private_key is None else VapidKey(parse_private_key(private_key), subject)

    async def get(self) -> VapidKey:
        """Returns the server's VAPID key pair. Raises ChatError `unavailable` while the database does not respond."""
        async with self._lock:
            if self._key is None:
                stored = await self._secrets.execute(PUSH_SENDER, EnsureSecret(VAPID_SECRET, new_private_key()))
                self._key = VapidKey(parse_private_key(stored), self._subject)
            return self._key


def new_private_key() -> str:
    """Returns a new random private key in base64url, which `parse_private_key` reads."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return to_base64url(number.to_bytes(32, "big"))


def parse_private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Returns the VAPID private key in a text: 32 bytes in base64url, or PEM without a password. Raises ValueError for
    a key of another kind or length.
    """
    if "-----BEGIN" in text:
        try:
            key = load_pem_private_key(text.encode(), None)
        except TypeError:
            raise ValueError("must be a key without a password") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("must be a key of the curve P-256")
        return key
    raw = from_any_base64(text)
    if len(raw) != 32:
        raise ValueError("must be a key of the curve P-256: 32 bytes in base64url, or PEM")
    return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())


def check_device_keys(p256dh: str, auth: str) -> str | None:
    """Checks the keys with which pushes to a browser are encrypted. Returns the name of an invalid one, `p256dh` or
    `auth`; None if both are valid.
    """
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_any_base64(p256dh))
    except ValueError:
        return "p256dh"
    try:
        return None if len(from_any_base64(auth)) == 16 else "auth"
    except ValueError:
        return "auth"
