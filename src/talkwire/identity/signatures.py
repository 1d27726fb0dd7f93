"""Parses and signs tokens in compact form (RFC 7515), and loads the keys that verify their signatures. This module does
not read claims, the clock or the network.

It parses the compact form by itself, since connecting has to be cheap; joserfc reads the keys and verifies the
asymmetric signatures (decision 152). A key is bound to one algorithm when it is loaded, so a token's `alg` selects a
key but never how that key is used (RFC 8725, section 3.1).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jwk
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import base64_to_int

from talkwire.core.domain.base64url import from_base64url, to_base64url
from talkwire.core.domain.errors import ChatError
from talkwire.identity.malformed import malformation
from talkwire.identity.public_keys import is_public_key, load_public_key

TOKEN_MAX_LENGTH = 15 * 1024
"""Longest accepted token, in characters. It fits, with the other members of an auth payload, into the 16 KiB of a
packet that joins a namespace, and into the 64 KiB of a request's head."""

RSA_MIN_BITS = 2048
"""Shortest RSA key, in bits. RFC 7518, section 3.3, requires "a key of size 2048 bits or larger" for these
algorithms."""

_OF_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_CURVES: Mapping[str, str] = {SECP256R1.name: "ES256", SECP384R1.name: "ES384", SECP521R1.name: "ES512"}
_OF_ED25519 = "EdDSA"
# The algorithms of each type of key: RFC 7518, section 3.1, and RFC 8037, section 3.1.

_KEY_MEMBERS = ("kty", "n", "e", "crv", "x", "y")
"""Members of a JSON Web Key that make up a public key (RFC 7518, section 6, and RFC 8037, section 2)."""

ASYMMETRIC_ALGORITHMS = frozenset((*_OF_RSA, *_OF_CURVES.values(), _OF_ED25519))
ALGORITHMS_TEXT = f"{', '.join((*_OF_RSA, *_OF_CURVES.values()))} or {_OF_ED25519}"
REFUSED_ALGORITHMS = frozenset({"HS256", "HS384", "HS512", "ES256K", "Ed25519"})
"""Names of algorithms that an error may repeat, besides those that a key can have: a token may hold anything else."""


def unauthenticated(message: str) -> ChatError:
    """Returns the error `unauthenticated` for a token that is refused. `message` must not repeat any content of the
    token."""
    return ChatError("unauthenticated", message)


class UnverifiableToken(ChatError):
    """The error `unauthenticated` for a token that no key of this server verifies. The application may still be able to
    identify the user."""

    def __init__(self, message: str) -> None:
        super().__init__("unauthenticated", message)


@dataclass(frozen=True, slots=True)
class Key:
    """A key that verifies signatures, with its only algorithm: a public key is several of them if its type has several
    algorithms. `verify(signed bytes, signature)` returns whether the signature is right, and never raises."""

    algorithm: str
    verify: Callable[[bytes, bytes], bool]


def secret_key(secret: str) -> Key:
    """Returns the key that verifies HS256 signatures with a secret. Raises ValueError for an empty secret, and for a
    key in another form, which was set by mistake: anyone who knows a public key could sign with it."""
    if not secret.strip():
        raise ValueError("The secret is empty.")
    if "-----BEGIN " in secret or secret.lstrip().startswith(("ssh-", "ecdsa-sha2-")):
        raise ValueError(
            "The secret is a key in PEM or SSH form; a public key has a setting of its own, jwt_public_key."
        )
    if is_public_key(secret):
        raise ValueError("The secret is a public key, which anyone may know; its setting is jwt_public_key.")
    return Key("HS256", partial(_verify_hs256, hmac.new(secret.encode(), digestmod="sha256")))


def verifying_keys(text: str) -> tuple[Key, ...]:
    """Returns the keys for a public key or a certificate (`public_keys.load_public_key`), one for each algorithm of its
    type. Raises ValueError for any other text, and for a key of another type."""
    loaded = load_public_key(text)
    keys = _asymmetric_keys(loaded)
    if not keys:
        kind = type(loaded).__name__.removesuffix("PublicKey")
        size = f" of {loaded.key_size} bits" if isinstance(loaded, RSAPublicKey | EllipticCurvePublicKey) else ""
        raise ValueError(
            f"The public key is {kind}{size}; it must be RSA of at least {RSA_MIN_BITS} bits, P-256, P-384, P-521 or "
            "Ed25519."
        )
    return keys


def keys_of_jwk(published: dict[str, object]) -> tuple[Key, ...]:
    """Returns the keys that a JSON Web Key (RFC 7517) describes: one with its `alg`, or one for each algorithm of its
    type if it names none. Returns none if it cannot verify an accepted algorithm.

    A symmetric or private key is ignored: everyone knows it, since the set of keys is published.
    """
    operations = published.get("key_ops")
    if published.get("use") not in (None, "sig") or (isinstance(operations, list) and "verify" not in operations):
        return ()
    if published.get("kty") == "oct" or "d" in published:
        return ()
    try:
        if published["kty"] == "RSA" and base64_to_int(cast("str", published["n"])).bit_length() < RSA_MIN_BITS:
            return ()  # joserfc would warn of it
        # Other members, such as certificates, are not used, so what joserfc would say of them does not matter.
        members = cast("jwk.DictKey", {name: published[name] for name in _KEY_MEMBERS if name in published})
        loaded = jwk.import_key(members).public_key
    except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, AttributeError, KeyError):
        return ()
    return tuple(key for key in _asymmetric_keys(loaded) if published.get("alg") in (None, key.algorithm))


def _asymmetric_keys(loaded: object) -> tuple[Key, ...]:
    match loaded:
        case RSAPublicKey(key_size=bits) if bits >= RSA_MIN_BITS:
            key: jwk.Key = jwk.RSAKey(loaded, loaded)
            return tuple(_key(name, key) for name in _OF_RSA)
        case EllipticCurvePublicKey(curve=curve) if curve.name in _OF_CURVES:
            return (_key(_OF_CURVES[curve.name], jwk.ECKey(loaded, loaded)),)
        case Ed25519PublicKey():
            return (_key(_OF_ED25519, jwk.OKPKey(loaded, loaded)),)
        case _:
            return ()


def _key(algorithm: str, key: jwk.Key) -> Key:
    verify = JWSRegistry.algorithms[algorithm].verify
    return Key(algorithm, lambda signed, signature: verify(signed, signature, key))


def _verify_hs256(keyed: hmac.HMAC, signed: bytes, signature: bytes) -> bool:
    # Copying takes half as long as looking up the hash function and hashing the key again.
    computed = keyed.copy()
    computed.update(signed)
    return hmac.compare_digest(computed.digest(), signature)


class Header(msgspec.Struct, frozen=True):
    """The fields of a token's header that Talkwire uses: algorithm and key id. `parse_compact` refuses a token with
    `crit`.
    """

    alg: str
    kid: str | None = None
    crit: msgspec.UnsetType | msgspec.Raw = msgspec.UNSET


class SignedToken(msgspec.Struct, frozen=True, gc=False):
    """A token that was parsed but not verified yet: `signature` is the signature of the bytes `signed`; `payload` is
    JSON with the claims."""

    header: Header
    payload: bytes
    signed: bytes
    signature: bytes


_header_decoder = msgspec.json.Decoder(Header)


def parse_compact(token: str, max_length: int = TOKEN_MAX_LENGTH) -> SignedToken:
    """Parses a token in compact form (RFC 7515, section 3.1) and returns its header, payload and signature, which are
    not verified. Raises UnverifiableToken for a malformed token, and `unauthenticated` for a text that is too long for
    a token."""
    if len(token) > max_length:
        raise unauthenticated(
            f"The token is too long: it has {len(token)} characters, and at most {max_length} are accepted."
        )
    try:
        signed, _, signature = token.encode("ascii").rpartition(b".")
        header_part, payload_part = signed.split(b".")
        header = _header_decoder.decode(from_base64url(header_part))
        payload = from_base64url(payload_part)
        parsed = SignedToken(header, payload, signed, from_base64url(signature))
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise UnverifiableToken(malformation(token)) from None
    if header.crit is not msgspec.UNSET:
        # RFC 7515, 4.1.11: if an extension listed in `crit` is not understood, "then the JWS is invalid".
        raise UnverifiableToken("The token requires an extension that is not supported.")
    return parsed


def sign_compact(claims: dict[str, object], secret: str) -> str:
    """Returns a token with these claims in compact form, signed with HS256 and the secret."""
    signed = f"{_HS256_HEADER}.{to_base64url(msgspec.json.encode(claims))}"
    signature = hmac.digest(secret.encode(), signed.encode(), "sha256")
    return f"{signed}.{to_base64url(signature)}"


_HS256_HEADER = to_base64url(b'{"alg":"HS256","typ":"JWT"}')
