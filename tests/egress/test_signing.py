"""Signatures, which the library of Standard Webhooks verifies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from talkwire.egress import Signer, check_signing_secret, new_signing_secret


def test_a_signature_is_verified_by_the_library() -> None:
    secret, other = new_signing_secret(), new_signing_secret()
    headers = Signer(secret).headers("msg_1", '{"a":"é"}', datetime.now(UTC))
    assert Webhook(secret).verify('{"a":"é"}', headers) == {"a": "é"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify('{"a":"e"}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify('{"a":"é"}', headers)


def test_two_secrets_sign_while_receivers_change_to_the_new_one() -> None:
    secrets = new_signing_secret(), new_signing_secret()
    headers = Signer(*secrets).headers("msg_1", "{}", datetime.now(timezone(timedelta(hours=2))))
    for secret in secrets:
        Webhook(secret).verify("{}", headers)


@pytest.mark.parametrize(
    "text", ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]
)
def test_other_secrets_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be whsec_ and 24 to 64 random bytes"):
        check_signing_secret(text)
    with pytest.raises(ValueError, match="must be whsec_"):
        Signer(text)
