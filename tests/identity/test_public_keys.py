from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from talkwire.identity.public_keys import is_public_key
from talkwire.identity.signatures import parse_compact, secret_key, verifying_keys
from talkwire.settings import Settings, SettingsError
from talkwire.settings.keys import token_policy
from tests.identity.conftest import KeyPair, of_algorithm

SECRET = "mDf1pXk0bU3Zs8q2Gv6yTn9wLr4eJc7hRa5iKo0uBxMdQtEzSgFlVpWyNj1CkHs="
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "login.example.com")])


def certificate(pair: KeyPair) -> bytes:
    """A certificate of the pair's public key, by an authority of its own, which has expired."""
    ends = datetime(2020, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(NAME, NAME, pair.private.public_key(), 1, ends - timedelta(days=9), ends)
    return built.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(Encoding.PEM)


def body(pem: str) -> str:
    return "".join(pem.strip().splitlines()[1:-1])


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda pem: pem,
    "without its last line end": str.strip,
    "CRLF": lambda pem: "\ufeff" + pem.replace("\n", "\r\n"),
    "line ends spelled out": lambda pem: pem.replace("\n", "\\n"),
    "CRLF spelled out": lambda pem: pem.replace("\n", "\\r\\n"),
    "spaces instead of line ends": lambda pem: pem.replace("\n", " "),
    "no line ends": lambda pem: pem.replace("\n", ""),
    "double quotation marks": lambda pem: '"' + pem.replace("\n", "\\n") + '"',
    "single quotation marks": lambda pem: f" '{pem}' ",
    "text before it": lambda pem: f"subject=CN = login.example.com\n{pem}",
    "base64 alone": body,
    "base64 alone, in quotation marks": lambda pem: f'"{body(pem)}"',
    "base64 alone, without padding": lambda pem: body(pem).rstrip("="),
    "base64 alone, in lines": lambda pem: "\n".join(pem.strip().splitlines()[1:-1]),
    "base64 of the PEM": lambda pem: b64encode(pem.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_key_and_a_certificate_are_taken_in_every_form(pair: KeyPair, form: Callable[[str], str]) -> None:
    parsed = parse_compact(jwt.encode({}, pair.private, algorithm=pair.algorithm))
    for pem in (pair.pem, certificate(pair).decode()):
        key = of_algorithm(verifying_keys(form(pem)), pair.algorithm)
        assert key.verify(parsed.signed, parsed.signature)


def test_of_several_certificates_the_first_counts(rs256: KeyPair) -> None:
    other = KeyPair("EdDSA", ed25519.Ed25519PrivateKey.generate())
    assert verifying_keys((certificate(rs256) + certificate(other)).decode())[0].algorithm == "RS256"


def test_an_rsa_key_of_openssl_is_taken(rs256: KeyPair) -> None:
    pkcs1 = rs256.private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    for text in (pkcs1, body(pkcs1)):
        assert verifying_keys(text)[0].algorithm == "RS256"


def test_a_file_may_have_every_form(rs256: KeyPair, tmp_path: Path) -> None:
    der = rs256.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = rs256.pem.encode()
    for content in (pem, b"\xef\xbb\xbf" + pem, certificate(rs256), der, body(rs256.pem).encode()):
        (tmp_path / "key").write_bytes(content)
        for value in (str(tmp_path / "key"), f'"{tmp_path / "key"}"\n'):
            text = token_policy(Settings(data=tmp_path, jwt_public_key=value)).public_key
            assert text is not None
            assert verifying_keys(text)[0].algorithm == "RS256"


def private(key_format: PrivateFormat, encoding: Encoding = Encoding.PEM, password: bytes | None = None) -> str:
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    data = ec.generate_private_key(ec.SECP256R1()).private_bytes(encoding, key_format, encryption)
    return data.decode() if encoding is Encoding.PEM else b64encode(data).decode()


def of_another_kind(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def request_for_a_certificate() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    built = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(key, None)
    return built.public_bytes(Encoding.PEM).decode()


OTHERS: dict[str, tuple[Callable[[], str], str]] = {
    "a private key": (lambda: private(PrivateFormat.PKCS8), "is a private key, .* `openssl pkey"),
    "an older private key": (lambda: private(PrivateFormat.TraditionalOpenSSL), "is a private key"),
    "a private key with a password": (lambda: private(PrivateFormat.PKCS8, password=b"pw"), "is a private key"),
    "a private key of SSH": (lambda: private(PrivateFormat.OpenSSH), "is a private key"),
    "a private key in base64": (lambda: private(PrivateFormat.PKCS8, Encoding.DER), "is a private key"),
    "a locked one in base64": (lambda: private(PrivateFormat.PKCS8, Encoding.DER, b"pw"), "is a private key"),
    "base64 of a private key": (lambda: b64encode(private(PrivateFormat.PKCS8).encode()).decode(), "is a private key"),
    "a short RSA key": (lambda: of_another_kind(rsa.generate_private_key(65537, 1024)), "is RSA of 1024 bits; it must"),
    "P-192": (lambda: of_another_kind(ec.generate_private_key(ec.SECP192R1())), "is EC of 192 bits; it must be RSA"),
    "secp256k1": (lambda: of_another_kind(ec.generate_private_key(ec.SECP256K1())), "is EC of 256 bits; it must be"),
    "Ed448": (lambda: of_another_kind(ed448.Ed448PrivateKey.generate()), "is Ed448; it must be RSA"),
    "a request for a certificate": (request_for_a_certificate, "no key in its block CERTIFICATE REQUEST"),
    "a first line": (lambda: "-----BEGIN PUBLIC KEY-----", "is cut off: .* environment files"),
    "no base64": (lambda: "-----BEGIN PUBLIC KEY-----\né\n-----END PUBLIC KEY-----", "or it is damaged"),
    "two labels": (lambda: "-----BEGIN PUBLIC KEY-----\nA\n-----END CERTIFICATE-----", "is damaged"),
    "SSH": (lambda: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@laptop", "is an SSH key. `ssh-keygen"),
    "a JWK": (lambda: '{"kty":"RSA","n":"AQAB"}', "is JSON. Set jwt_jwks_url"),
    "an address": (lambda: "https://login.example.com/keys.pem", "is an address. .* jwt_jwks_url"),
    "a secret": (lambda: SECRET, "is neither a key nor .* jwt_secret"),
    "a short secret": (lambda: "secret", "is neither a key nor .* jwt_secret"),
    "U+0000": (lambda: "a\x00b", "is neither a key nor"),
    "a very long text": (lambda: "word " * 9999, "is neither a key nor"),
}


@pytest.mark.parametrize(("given", "expected"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_key_is_named_and_not_repeated(
    given: Callable[[], str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = given()
    with pytest.raises(SettingsError, match=f"jwt_public_key: The public key .*{expected}") as caught:
        token_policy(Settings(data=tmp_path, jwt_public_key=text))
    assert not any(part in str(caught.value) for part in text.split() if len(part) > 40)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_public_key_in_any_form_is_no_secret(rs256: KeyPair, form: Callable[[str], str]) -> None:
    for pem in (rs256.pem, certificate(rs256).decode()):
        with pytest.raises(ValueError, match="jwt_public_key"):
            secret_key(form(pem))


def test_a_random_secret_is_no_public_key() -> None:
    assert secret_key(SECRET).algorithm == "HS256"
    assert not is_public_key(SECRET)
