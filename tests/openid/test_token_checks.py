"""The claims with which tokens of a provider are accepted or refused."""

from __future__ import annotations

import pytest
from joserfc.errors import JoseError

from talkwire.openid.token_checks import IdTokenChecks, TokenChecks, token_hash

NOW_S = 1_800_000_000
CLAIMS: dict[str, object] = {"iss": "https://login.example.com", "aud": "talkwire", "sub": "ann"}
TIMES: dict[str, object] = {"iat": NOW_S - 5, "exp": NOW_S + 60}
CHECKS = TokenChecks(issuer="https://login.example.com", client_id="talkwire", leeway_s=10)
ID_CHECKS = IdTokenChecks(
    issuer="https://login.example.com", client_id="talkwire", leeway_s=10, nonce="n-1", access_token="opaque"
)
ID_CLAIMS = {**CLAIMS, **TIMES, "nonce": "n-1"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["talkwire"]},
        {"aud": ["talkwire", "another"], "azp": "talkwire"},
        {"azp": "talkwire"},
        {"azp": None},
        {"at_hash": None},
        {"at_hash": token_hash("opaque", "ES256")},
        {"exp": NOW_S - 9},
        {"iat": NOW_S + 9},
        {"nbf": NOW_S + 9},
        {"amr": "pwd", "auth_time": "yesterday", "acr": 1},
    ],
)
def test_an_id_token_is_accepted(changes: dict[str, object]) -> None:
    ID_CHECKS.check({**ID_CLAIMS, **changes}, "ES256", NOW_S)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.example.org"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": []},
        {"aud": ["talkwire", "another"]},
        {"aud": ["talkwire", 1]},
        {"azp": "another"},
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"nonce": None},
        {"nonce": "n-2"},
        {"nonce": 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": NOW_S - 11},
        {"exp": float("nan")},
        {"iat": None},
        {"iat": NOW_S + 11},
        {"nbf": NOW_S + 11},
        {"at_hash": "another"},
        {"at_hash": 1},
        {"at_hash": token_hash("opaque", "ES512")},
    ],
)
def test_an_id_token_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(JoseError):
        ID_CHECKS.check({**ID_CLAIMS, **changes}, "ES256", NOW_S)


def test_a_token_with_claims_alone_needs_neither_times_nor_a_nonce() -> None:
    CHECKS.check(CLAIMS, "RS256", NOW_S)
    for changes in ({"exp": NOW_S - 11}, {"aud": "another"}, {"iss": None}, {"sub": None}):
        with pytest.raises(JoseError):
            CHECKS.check({**CLAIMS, **changes}, "RS256", NOW_S)


@pytest.mark.parametrize(
    ("algorithm", "length"), [("RS256", 22), ("PS384", 32), ("ES512", 43), ("EdDSA", None), ("", None)]
)
def test_the_hash_of_an_access_token_has_the_algorithm_of_the_signature(algorithm: str, length: int | None) -> None:
    found = token_hash("opaque", algorithm)
    assert found is None if length is None else found is not None and len(found) == length


def test_without_a_hash_or_an_access_token_at_hash_does_not_matter() -> None:
    ID_CHECKS.check({**ID_CLAIMS, "at_hash": "another"}, "EdDSA", NOW_S)
    without = IdTokenChecks(
        issuer="https://login.example.com", client_id="talkwire", leeway_s=10, nonce="n-1", access_token=None
    )
    without.check({**ID_CLAIMS, "at_hash": "another"}, "ES256", NOW_S)
