"""Signs requests as the Standard Webhooks specification describes, so that receivers can verify the sender."""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode, b64encode
from datetime import UTC, datetime

from standardwebhooks import Webhook

SIGNING_SECRET_PREFIX = "whsec_"  # noqa: S105 (the prefix of all secrets)

SECRET_BYTES = 32
"""Number of random bytes of a secret that the server makes."""

SECRET_MIN_BYTES = 24
"""Shortest secret that Standard Webhooks allows ("Signature scheme"), in bytes."""

SECRET_MAX_BYTES = 64
"""Longest secret that Standard Webhooks allows ("Signature scheme"), in bytes."""


class Signer:
    """Signs requests by the Standard Webhooks specification with a secret, or with several at once while receivers
    change to a new secret.

    Raises ValueError for an invalid secret (see `check_signing_secret`).
    """

    def __init__(self, *signing_secrets: str) -> None:
        for secret in signing_secrets:
            check_signing_secret(secret)
        self._signing = tuple(map(Webhook, signing_secrets))

    def headers(self, message_id: str, body: str, at: datetime) -> dict[str, str]:
        """Returns the headers that sign a request with this body and time: `webhook-id`, `webhook-timestamp` and
        `webhook-signature`.

        `message_id` becomes `webhook-id`, by which receivers recognize a repeated request: pass the same one for each
        attempt.
        """
        at = at.astimezone(UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(each.sign(message_id, at, body) for each in self._signing),
        }


def new_signing_secret() -> str:
    """Returns a new random signing secret, such as `whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD…`."""
    return SIGNING_SECRET_PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check_signing_secret(text: str) -> None:
    """Raises ValueError unless the text is a valid signing secret: `whsec_` and 24 to 64 bytes in base64."""
    try:
        size = (
            len(b64decode(text.removeprefix(SIGNING_SECRET_PREFIX), validate=True))
            if text.startswith(SIGNING_SECRET_PREFIX)
            else 0
        )
    except (binascii.Error, ValueError):
        size = 0
    if not SECRET_MIN_BYTES <= size <= SECRET_MAX_BYTES:
        raise ValueError(
            f"must be {SIGNING_SECRET_PREFIX} and {SECRET_MIN_BYTES} to {SECRET_MAX_BYTES} random bytes in base64, as "
            f"from `echo {SIGNING_SECRET_PREFIX}$(openssl rand -base64 32)`"
        )
