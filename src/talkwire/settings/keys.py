"""Loads and checks the keys that sign and verify access tokens, and the secret of callbacks, from the settings and the
data folder. Each error is a SettingsError that begins with the setting's name."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from talkwire.egress import check_signing_secret, new_signing_secret
from talkwire.identity.policy import TokenPolicy
from talkwire.identity.public_keys import cleaned
from talkwire.identity.secret import load_or_create_secret, secret_in
from talkwire.identity.signatures import secret_key, verifying_keys
from talkwire.settings.callbacks import CALLBACK_SECRET_FILE
from talkwire.settings.model import as_names
from talkwire.settings.rules import Problem, SettingsError
from talkwire.settings.settings import Settings

JWT_SECRET_MIN_BYTES = 32
"""Shortest secret for HS256, in bytes. RFC 7518, section 3.2: the key must be at least as long as the hash, 256
bits."""

WEAK_SECRET = (
    f"must have at least {JWT_SECRET_MIN_BYTES} bytes: anyone who guesses it can sign in as any user, and as the "
    "application's backend (allow_weak_secret accepts a shorter one)"
)

_KEY_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".key", ".pub", ".txt"})


def signing_secret(settings: Settings, load: Callable[[Path], str | None] = load_or_create_secret) -> str | None:
    """Returns the secret with which this server signs access tokens of accounts.

    With SQLite, the first call creates a secret in the data folder if none is set. With PostgreSQL all nodes must share
    the secret; returns None if none is set, and then no account can sign in. With `load=secret_in` nothing is created:
    returns None where a secret would be.

    Raises SettingsError for a secret that is unusable or too short, OSError if the data folder is not writable.
    """
    try:
        secret = settings.jwt_secret
        if secret is None and not settings.on_postgresql:
            secret = load(settings.data)
        if secret is not None:
            secret_key(secret)
    except ValueError as error:
        raise SettingsError([Problem("jwt_secret", str(error))]) from None
    if secret is not None and is_weak(secret) and not settings.allow_weak_secret:
        raise SettingsError([Problem("jwt_secret", WEAK_SECRET)])
    return secret


def require_key(settings: Settings) -> None:
    """Raises SettingsError if the settings have no key for tokens on PostgreSQL, where none is created."""
    if settings.on_postgresql and not settings.has_token_keys:
        message = "is required on PostgreSQL (or jwt_public_key, or jwt_jwks_url), since all nodes must share it"
        raise SettingsError([Problem("jwt_secret", message)])


def callback_secret(settings: Settings) -> str:
    """Returns the secret that signs callbacks. If it is not set, the first call creates one in the data folder.

    Raises SettingsError if the secret's file contains none, OSError if the data folder is not writable.
    """
    if settings.callback_secret is not None:
        return settings.callback_secret
    check_callback_secret_file(settings)
    return load_or_create_secret(settings.data, CALLBACK_SECRET_FILE, new_signing_secret)


def check_callback_secret_file(settings: Settings) -> None:
    """Raises SettingsError if the file of the data folder with the secret of callbacks contains none. It may be
    missing."""
    try:
        secret = secret_in(settings.data, CALLBACK_SECRET_FILE)
        if secret is not None:
            check_signing_secret(secret)
    except ValueError as error:
        path = settings.data / CALLBACK_SECRET_FILE
        text = str(error) if str(error).startswith(str(path)) else f"{path}: {error}"
        raise SettingsError([Problem("callback_secret", text)]) from None


def is_weak(secret: str) -> bool:
    """Returns whether a secret is shorter than 32 bytes, and so not safe from guessing."""
    return len(secret.encode()) < JWT_SECRET_MIN_BYTES


def token_policy(settings: Settings) -> TokenPolicy:
    """Returns how access tokens are verified: the keys, the required claims and the roles, as the settings say.

    Raises SettingsError for unusable keys, and on PostgreSQL without any key; OSError if the data folder is not
    writable.
    """
    require_key(settings)
    secret = signing_secret(settings)
    return TokenPolicy(
        secret=secret,
        public_key=usable_public_key(settings),
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


def usable_public_key(settings: Settings) -> str | None:
    """Returns the text of the public key that verifies tokens, from the setting or the file that it names; of a binary
    file (DER) its base64. None if not set. Raises SettingsError for a key that cannot be read or used."""
    try:
        text = _public_key_text(settings)
        if text is not None:
            verifying_keys(text)
    except ValueError as error:
        raise SettingsError([Problem("jwt_public_key", str(error))]) from None
    return text


def _public_key_text(settings: Settings) -> str | None:
    if settings.jwt_public_key is None:
        return None
    text = cleaned(settings.jwt_public_key)
    if not _names_file(text):
        return text
    try:
        content = Path(text).read_bytes()
    except OSError as error:
        raise ValueError(f"{text}: {error.strerror}") from None
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
