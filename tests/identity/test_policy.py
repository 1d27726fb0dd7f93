from __future__ import annotations

import pytest

from talkwire.identity.policy import TokenPolicy


def test_a_policy_needs_some_key() -> None:
    with pytest.raises(ValueError, match="without a secret"):
        TokenPolicy()


def test_a_policy_takes_a_public_key_or_a_jwks_address_but_not_both() -> None:
    with pytest.raises(ValueError, match="set one of them"):
        TokenPolicy(public_key="-----BEGIN PUBLIC KEY-----", jwks_url="https://id.example/jwks")
