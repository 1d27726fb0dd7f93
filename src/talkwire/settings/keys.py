"""Loads and checks the keys that sign and verify access tokens, from the settings and the data folder."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from talkwire.identity.policy import TokenPolicy
from talkwire.identity.public_keys import cleaned
from talkwire.identity.secret import load_or_create_secret
from talkwire.identity.signatures import public_key, secret_key
from talkwire.settings.model import as_names
from talkwire.settings.rules import Problem, SettingsError
from talkwire.settings.settings import Settings

SECRET_MIN_BYTES = 32
"""RFC 7518, section 3.2: an HS256 key must be at least as long as the hash, 256 bits."""

WEAK_SECRET = (
    f"must have at least {SECRET_MIN_BYTES} bytes: anyone who guesses it can sign in as any user, and as the "
    "application's backend (allow_weak_secret accepts a shorter one)"
)

_KEY_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".key", ".pub", ".txt"})


def signing_secret(settings: Settings) -> str | None:
    """Returns the secret with which this server signs access tokens of accounts.

    With SQLite, the first call creates a secret in the data folder if none is set. With PostgreSQL all nodes must share
    the secret; returns None if none is set, and then no account can sign in.

    Raises SettingsError for a secret that is unusable or too short, OSError if the data folder is not writable.
    """
    try:
        secret = settings.jwt_secret
        if secret is None and not settings.on_postgresql:
            secret = load_or_create_secret(settings.data)
        if secret is not None:
            secret_key(secret)
    except ValueError as error:
        raise SettingsError([Problem("jwt_secret", str(error))]) from None
    if secret is not None and is_weak(secret) and not settings.allow_weak_secret:
        raise SettingsError([Problem("jwt_secret", WEAK_SECRET)])
    return secret


def is_weak(secret: str) -> bool:
    """Returns whether a secret is shorter than 32 bytes, and so not safe from guessing."""
    return len(secret.encode()) < SECRET_MIN_BYTES


def token_policy(settings: Settings) -> TokenPolicy:
    """Returns how access tokens are verified: the keys, the required claims and the roles, as the settings say.

    Raises SettingsError for unusable keys, and on PostgreSQL without any key; OSError if the data folder is not
    writable.
    """
    secret = signing_secret(settings)
    if secret is None and settings.jwt_public_key is None and settings.jwt_jwks_url is None:
        message = "is required on PostgreSQL (or jwt_public_key, or jwt_jwks_url), since all nodes must share it"
        raise SettingsError([Problem("jwt_secret", message)])
    return TokenPolicy(
        secret=secret,
        public_key=_usable(public_key_text(settings)),
        jwks_url=settings.jwt_jwks_url,
        issuers=as_names(settings.jwt_issuer),
        audiences=as_names(settings.jwt_audience),
        require_exp=settings.jwt_require_exp,
        user_id_claim=settings.user_id_claim,
        role_claim=settings.role_claim,
        service_roles=settings.service_roles,
        admin_roles=settings.admin_roles,
        leeway_s=settings.jwt_leeway_s,
        keep_claims=settings.keep_claims,
    )


def public_key_text(settings: Settings) -> str | None:
    """Returns the text of the public key that verifies tokens, from the setting or the file that it names; of a binary
    file (DER) its base64. None if not set.

    Raises SettingsError if the file cannot be read.
    """
    if settings.jwt_public_key is None:
        return None
    text = cleaned(settings.jwt_public_key)
    if not _names_file(text):
        return text
    try:
        content = Path(text).read_bytes()
    except OSError as error:
        raise SettingsError([Problem("jwt_public_key", f"{text}: {error.strerror}")]) from None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return b64encode(content).decode()


def _names_file(text: str) -> bool:
    """Returns whether a text is the path of a file, or must be meant as one. An error may repeat only such a text:
    another one may be a secret in the wrong setting."""
    try:
        return Path(text).is_file() or ("://" not in text and Path(text).suffix.lower() in _KEY_SUFFIXES)
    except (OSError, ValueError):  # too long, or with U+0000
        return False


def _usable(text: str | None) -> str | None:
    try:
        if text is not None:
            public_key(text)
        return text
    except ValueError as error:
        raise SettingsError([Problem("jwt_public_key", str(error))]) from None
