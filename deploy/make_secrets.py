"""Makes the secrets of a deployment once, at its first start: `python make_secrets.py FOLDER`.

FOLDER gets the password of PostgreSQL and a talkwire.toml with the secret of the tokens and the database's address.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path


def make_secrets(folder: Path) -> None:
    """Writes what is missing. A secret that exists stays: the tokens and the database depend on it."""
    password_file = folder / "postgres_password"
    if not password_file.exists():
        # The container of PostgreSQL reads it as another user. Only the containers see this volume.
        _write(password_file, secrets.token_urlsafe(32), 0o644)
    settings = folder / "talkwire.toml"
    if not settings.exists():
        password = password_file.read_text(encoding="utf-8")
        lines = (
            f'jwt_secret = "{secrets.token_urlsafe(48)}"',
            f'database = "postgresql://talkwire:{password}@postgres/talkwire"',
        )
        _write(settings, "\n".join((*lines, "")), 0o600)


def _write(path: Path, text: str, mode: int) -> None:
    """Writes a whole file or, when it is interrupted, none."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.chmod(mode)
    unfinished.replace(path)


if __name__ == "__main__":
    make_secrets(Path(sys.argv[1]))
