"""Creates secrets in files of the data folder, where the operator has not configured one: the secret that signs tokens,
and the secret that signs callbacks."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from talkwire.filesystem import create_once, naming, sync_folder

FILE_NAME = "jwt-secret"
_SECRET_BYTES = 32
_OWNER_ONLY = 0o600


def load_or_create_secret(
    data_dir: Path, name: str = FILE_NAME, new: Callable[[], str] = lambda: secrets.token_urlsafe(_SECRET_BYTES)
) -> str:
    """Returns the secret in a file of the data folder. If the file does not exist, creates it with the text that `new`
    returns, by default 256 random bits in base64url. Only the file's owner can read it.

    Processes that start at the same time get the same secret. Raises OSError if the folder is not writable, ValueError
    if the file's content is too short for a secret.
    """
    path = data_dir / name
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        _create(path, new())
    _tighten(path)
    return _read(path)


def secret_in(data_dir: Path, name: str = FILE_NAME) -> str | None:
    """Returns the secret in a file of the data folder; None if there is no such file. Raises the errors of
    `load_or_create_secret`."""
    path = data_dir / name
    return _read(path) if path.exists() else None


def _read(path: Path) -> str:
    with contextlib.suppress(UnicodeDecodeError):  # whose text has a byte of the secret
        secret = path.read_text(encoding="utf-8").strip()
        if len(secret) >= _SECRET_BYTES:
            return secret
    raise ValueError(f"{path} holds no secret of at least {_SECRET_BYTES} characters; remove it to get a new one.")


def _create(path: Path, secret: str) -> None:
    """Creates the secret's file atomically and durably. If another process has created the file first, keeps that one's
    secret.
    """
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secret}\n")
            file.flush()
            with naming(draft):
                os.fsync(file.fileno())
        create_once(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _tighten(path: Path) -> None:
    """Makes the secret's file readable by its owner only. Does nothing if the process may not change the file's mode,
    such as for a mounted secret."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        with contextlib.suppress(OSError):
            path.chmod(mode & 0o700)
