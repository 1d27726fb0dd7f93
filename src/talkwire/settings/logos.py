"""Checks and reads the image file that the operator has set as the web client's logo."""

from __future__ import annotations

from pathlib import Path

LOGO_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
"""Media types of logos, by the end of their file's name."""

MAX_LOGO_BYTES = 1_000_000
"""Largest file of a logo, in bytes."""


def logo_type(path: str) -> str | None:
    """Returns the media type of a logo by its file name's extension; None if the type is not supported."""
    return LOGO_TYPES.get(Path(path).suffix.lower())


def read_logo(path: str) -> bytes:
    """Returns the bytes of a logo's file. Raises `ValueError` if it cannot be read, is empty or larger than 1 MB."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    if not 0 < len(content) <= MAX_LOGO_BYTES:
        raise ValueError(f"{path}: must have from 1 to {MAX_LOGO_BYTES} bytes")
    return content
