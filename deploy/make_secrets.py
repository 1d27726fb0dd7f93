"""Creates the secrets of a deployment at its first start: `python make_secrets.py FOLDER`.

Writes PostgreSQL's password into FOLDER, and a talkwire.toml with the tokens' secret and the database's URL.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path


def make_secrets(folder: Path) -> None:
    """Writes the missing secrets. Keeps existing ones: issued tokens and the database depend on them."""
    password_file = folder / "postgres_password"
    if not password_file.exists():
        # PostgreSQL's container reads it as another user. Only the containers see this volume.
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
    """Writes a file atomically."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.chmod(mode)
    unfinished.replace(path)


if __name__ == "__main__":
    make_secrets(Path(sys.argv[1]))
