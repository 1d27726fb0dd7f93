"""Parses the headers of the tus resumable upload protocol 1.0.0 (https://tus.io/protocols/resumable-upload).

Supported extensions: creation, creation-with-upload, termination, checksum, expiration. This module performs no I/O.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from talkwire.core.domain.errors import ChatError, ErrorCode, invalid

TUS_VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
CHECKSUMS = ("sha1", "sha256", "sha512", "md5")
BODY_TYPE = "application/offset+octet-stream"

METADATA_MAX_LENGTH = 16 * 1024
"""Longest header `Upload-Metadata`, in characters."""

_NUMBER = re.compile(r"[0-9]{1,18}")


class TusRefusal(ChatError):
    """A refused upload request. `status` is the HTTP status that the tus protocol defines for the reason."""

    def __init__(self, status: int, code: ErrorCode, message: str) -> None:
        super().__init__(code, message)
        self.status = status


def check_version(headers: Mapping[str, str]) -> None:
    """Raises TusRefusal 412 unless the header `Tus-Resumable` is 1.0.0. Every tus request must have it."""
    if headers.get("tus-resumable") != TUS_VERSION:
        raise TusRefusal(412, "invalid_request", f"Tus-Resumable: must be {TUS_VERSION}")


def check_body_type(headers: Mapping[str, str]) -> None:
    """Raises TusRefusal 415 unless the header `Content-Type` is `application/offset+octet-stream`, the type of upload
    bytes.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != BODY_TYPE:
        raise TusRefusal(415, "invalid_request", f"Content-Type: must be {BODY_TYPE}")


def upload_length(headers: Mapping[str, str], limit: int) -> int:
    """Returns the length of a new upload in bytes, from the header `Upload-Length`. Raises `invalid_request` if it is
    missing or invalid, and `payload_too_large` above `limit` bytes. Names in `headers` are in lower case.
    """
    length = _number(headers, "Upload-Length")
    if length > limit:
        raise ChatError("payload_too_large", f"Upload-Length: at most {limit} bytes")
    return length


def upload_offset(headers: Mapping[str, str]) -> int:
    """Returns the number of bytes that the client believes the server has, from the header `Upload-Offset`. Raises
    `invalid_request` if it is missing or invalid.
    """
    return _number(headers, "Upload-Offset")


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name.lower(), "")
    if _NUMBER.fullmatch(text) is None:
        raise invalid(name, "must be a number of bytes")
    return int(text)


def upload_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns the texts in the header `Upload-Metadata` by key, decoded from base64; empty without the header. Raises
    `invalid_request` for a header that is invalid or too long."""
    text = headers.get("upload-metadata", "")
    if len(text) > METADATA_MAX_LENGTH:
        raise invalid("Upload-Metadata", f"must have at most {METADATA_MAX_LENGTH} characters")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = pair.partition(" ")
        if key in found or not key.isascii():
            raise invalid("Upload-Metadata", "keys must be ASCII and unique")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise invalid("Upload-Metadata", f"{key[:40]}: must be UTF-8 in base64") from None
    return found


@dataclass(frozen=True, slots=True)
class UploadChecksum:
    """The digest that one upload request's body must have, and its algorithm, from the header `Upload-Checksum`."""

    algorithm: str
    digest: bytes

    def check(self, path: Path) -> None:
        """Raises TusRefusal 460 if the file at `path`, which has the request's body, has another digest. Blocks while
        it reads the file."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, self.algorithm).digest()
        if not hmac.compare_digest(digest, self.digest):
            raise TusRefusal(460, "invalid_request", "Upload-Checksum: the body has another digest")


def upload_checksum(headers: Mapping[str, str]) -> UploadChecksum | None:
    """Returns the checksum in the header `Upload-Checksum`; None without the header.

    Raises TusRefusal 400 for an invalid checksum or an algorithm that is not supported.
    """
    text = headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, value = text.strip().partition(" ")
    if algorithm not in CHECKSUMS:
        _bad_checksum(f"algorithm must be one of {', '.join(CHECKSUMS)}")
    try:
        return UploadChecksum(algorithm, base64.b64decode(value.strip(), validate=True))
    except binascii.Error:
        _bad_checksum("must be an algorithm and a digest in base64")


def _bad_checksum(message: str) -> NoReturn:
    raise TusRefusal(400, "invalid_request", f"Upload-Checksum: {message}")
