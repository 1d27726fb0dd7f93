from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from talkwire.settings import Settings, SettingsError
from talkwire.settings.keys import signing_secret, token_policy

_POSTGRESQL = "postgresql://h/d"


@pytest.fixture
def pem() -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_secret_that_is_set_is_used_and_none_is_made(tmp_path: Path) -> None:
    assert signing_secret(Settings(data=tmp_path, jwt_secret="s" * 32)) == "s" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_secret_shorter_than_its_hash_is_refused_unless_that_is_allowed(tmp_path: Path) -> None:
    for short in ("s" * 31, "é" * 15):
        with pytest.raises(SettingsError, match=r"jwt_secret: must have at least 32 bytes.*allow_weak_secret"):
            token_policy(Settings(data=tmp_path, jwt_secret=short))
        assert signing_secret(Settings(data=tmp_path, jwt_secret=short, allow_weak_secret=True)) == short
    assert signing_secret(Settings(data=tmp_path, jwt_secret="é" * 16)) == "é" * 16


def test_without_one_the_data_folder_keeps_a_random_one(tmp_path: Path) -> None:
    first = signing_secret(Settings(data=tmp_path))
    assert first is not None
    assert len(first) >= 32
    assert signing_secret(Settings(data=tmp_path)) == first


def test_on_postgresql_no_secret_is_made_since_nodes_have_to_share_it(tmp_path: Path, pem: str) -> None:
    assert signing_secret(Settings(data=tmp_path, database=_POSTGRESQL, jwt_public_key=pem)) is None
    assert list(tmp_path.iterdir()) == []


def test_postgresql_without_any_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="jwt_secret: is required on PostgreSQL"):
        token_policy(Settings(database=_POSTGRESQL))


def test_a_public_key_may_be_text_or_a_file(tmp_path: Path, pem: str) -> None:
    (tmp_path / "key.pem").write_text(pem)
    for value in (pem, pem.replace("\n", "\\n"), str(tmp_path / "key.pem")):
        policy = token_policy(Settings(data=tmp_path, jwt_public_key=value))
        assert policy.public_key is not None
        assert policy.public_key.strip() == pem.strip()


@pytest.mark.parametrize(
    ("public_key", "secret", "expected"),
    [
        ("missing.pem", None, r"jwt_public_key: missing\.pem: No such file"),
        ("-----BEGIN PUBLIC KEY-----\nnonsense", None, "jwt_public_key: The public key is cut off"),
        (None, "-----BEGIN PUBLIC KEY-----", "jwt_secret: The secret is a key in PEM"),
    ],
)
def test_invalid_keys_are_refused_by_name(
    tmp_path: Path, public_key: str | None, secret: str | None, expected: str
) -> None:
    with pytest.raises(SettingsError, match=expected):
        token_policy(Settings(data=tmp_path, jwt_public_key=public_key, jwt_secret=secret))


def test_a_policy_has_what_the_settings_demand(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path,
        jwt_issuer="i",
        jwt_audience=("a", "b"),
        jwt_require_exp=False,
        service_roles=frozenset({"backend"}),
    )
    policy = token_policy(settings)
    assert (policy.issuers, policy.audiences, policy.require_exp) == (("i",), ("a", "b"), False)
    assert policy.service_roles == frozenset({"backend"})
