"""Stores the bytes of finished files, in a folder or on S3: the content and, for pictures, thumbnails.

The key of stored bytes contains the file's id and the content's digest. So two uploads with the same key, by a retry or
by two nodes at once, store the same bytes; and a file's row in the database always describes the bytes that are stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from tempfile import NamedTemporaryFile
from typing import Literal, Protocol, get_args

import structlog

from talkwire.core.domain.errors import ChatError, forbidden
from talkwire.core.domain.model import File
from talkwire.files.folder import FolderBytes
from talkwire.files.holders import Holders, Reading, folder_id
from talkwire.files.reasons import reason_of

SCHEME = "s3://"

Part = Literal["content", "thumbnail", "large-thumbnail"]

PARTS: tuple[Part, ...] = get_args(Part)
"""Parts of a stored file. A picture of an earlier version, or one that is small, has no large thumbnail."""

FILE_CHUNK_BYTES = 256 * 1024
"""Number of bytes of a file in memory, for each download."""

_STORE_ERRORS: tuple[type[Exception], ...] = (OSError,)
if find_spec("obstore") is not None:  # the package of the extra `s3`
    from obstore.exceptions import BaseError

    _STORE_ERRORS = (OSError, BaseError)

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FileKey:
    """The name of stored bytes: a file's content or one of its thumbnails (`part`). `digest` is the content's SHA-256,
    also in the key of a thumbnail.

    `folder_id` is the id of the folder that has the bytes; None if it is unknown or they are on S3.
    """

    file_id: str
    digest: str
    part: Part
    folder_id: str | None = None

    @classmethod
    def of(cls, file: File, part: Part) -> FileKey:
        """Returns the key under which the content or a thumbnail of a file is stored."""
        return cls(file.id, file.digest, part, file.folder_id)

    @property
    def key(self) -> str:
        return f"{_folder_of(self.file_id)}/{self.digest}/{self.part}"


class Bytes(Protocol):
    """The interface of a storage backend, a folder or S3: writes, reads and removes bytes by key. `has` and `remove`
    concern all keys below the folder `prefix`; `read` reads from offset `start` up to, but not including, `end`.

    Its methods raise FileNotFoundError for a missing key, and other OSErrors or BaseError if the storage fails.
    """

    async def put(self, key: str, source: Path) -> None: ...
    async def total(self, key: str) -> int: ...
    async def read(self, key: str, start: int, end: int, chunk_bytes: int) -> Reading: ...
    async def has(self, prefix: str) -> bool: ...
    async def remove(self, prefix: str) -> None: ...


class ByteStore:
    """Stores finished files. Each method raises ChatError `unavailable` while the storage fails.

    `place` is a folder, or `s3://bucket/prefix` (with the environment variables `AWS_…`). Bytes that are not in this
    node's folder are read through `holders`, the other nodes with folders of their own (None if there are none).
    """

    def __init__(self, place: str | Path) -> None:
        """Creates the storage folder, or the S3 client. Raises OSError if that fails or the AWS_… variables are
        invalid.
        """
        self.holders: Holders | None = None
        self.folder_id: str | None = None
        self._bytes: Bytes
        try:
            on_s3 = isinstance(place, str) and place.startswith(SCHEME)
            self._bytes = _bucket(str(place)) if on_s3 else FolderBytes(Path(place))
        except _STORE_ERRORS as error:
            reason = reason_of(error)
            raise OSError(reason if reason.startswith(str(place)) else f"{place}: {reason}") from error

    def identify(self) -> str | None:
        """Returns the id of the storage folder, and creates it if the folder has none; None for S3. Call it before
        reading: the store uses the id to know which files are in its own folder.

        Raises OSError.
        """
        if isinstance(self._bytes, FolderBytes):
            self.folder_id = folder_id(self._bytes.folder)
        return self.folder_id

    async def put(self, place: FileKey, source: Path) -> None:
        """Stores a copy of the file `source` under a key. When this returns, the copy is on disk or on S3."""
        with _failing_as_unavailable():
            await self._bytes.put(place.key, source)

    async def total(self, place: FileKey) -> int:
        """Returns the length in bytes of a stored content or thumbnail. Raises ChatError `forbidden` if the bytes are
        missing.
        """
        with _failing_as_unavailable(), _missing_as_forbidden():
            try:
                return await self._bytes.total(place.key)
            except FileNotFoundError:
                return await self._holders_of(place).total(place.folder_id, place.key)

    async def read(self, place: FileKey, start: int, end: int) -> Reading:
        """Opens stored bytes from offset `start` up to, but not including, `end`, which must be greater.

        Raises ChatError `forbidden` if they are missing. The caller closes the returned reading.
        """
        with _failing_as_unavailable(), _missing_as_forbidden():
            try:
                return _Checked(await self._bytes.read(place.key, start, end, FILE_CHUNK_BYTES))
            except FileNotFoundError:
                return await self._holders_of(place).read(place.folder_id, place.key, start, end)

    def local(self) -> ByteStore:
        """Returns a copy of this store that never reads from other nodes. It serves the requests that other nodes make
        for bytes in this node's folder."""
        here = copy(self)
        here.holders = None
        return here

    async def find(self, file_ids: Collection[str]) -> list[str]:
        """Returns those of the file ids that have bytes in this node's folder, or in the bucket."""
        with _failing_as_unavailable():
            return [file_id for file_id in file_ids if await self._bytes.has(_folder_of(file_id))]

    async def remove(self, file_id: str) -> None:
        """Removes the content and the thumbnails of a file. Does nothing if they are not stored."""
        with _failing_as_unavailable(), suppress(FileNotFoundError):  # another node may remove them at the same time
            await self._bytes.remove(_folder_of(file_id))

    def _holders_of(self, place: FileKey) -> Holders:
        """Returns the client that reads from other nodes' folders. Raises FileNotFoundError if there are no other
        nodes, or the bytes should be in this node's folder.
        """
        if self.holders is None or place.folder_id == self.folder_id:
            raise FileNotFoundError
        return self.holders

    async def check(self) -> None:
        """Stores, reads and removes a small object as uploads do. Raises OSError with the storage's reason if it
        fails."""
        name = f"talkwire-check-{token_hex(8)}"
        with NamedTemporaryFile(prefix=f"{name}-") as source:
            source.write(name.encode())
            source.flush()
            try:
                await self._bytes.put(f"{name}/object", Path(source.name))
                reading = await self._bytes.read(f"{name}/object", 0, len(name), FILE_CHUNK_BYTES)
                await reading.aclose()
                await self._bytes.remove(name)
            except _STORE_ERRORS as error:
                with suppress(*_STORE_ERRORS):
                    await self._bytes.remove(name)
                raise OSError(reason_of(error)) from error


class _Checked:
    """An open download that raises ChatError `unavailable` if the storage fails. Implements `holders.Reading`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __aiter__(self) -> _Checked:
        return self

    async def __anext__(self) -> bytes:
        with _failing_as_unavailable():
            return await anext(self._reading)

    async def aclose(self) -> None:
        await self._reading.aclose()


def _bucket(place: str) -> Bytes:
    from talkwire.files.bucket import BucketBytes  # noqa: PLC0415 (needs the package of an extra)

    return BucketBytes(place)


def _folder_of(file_id: str) -> str:
    # Two letters first: a folder with a hundred thousand entries is slow to list.
    return f"{file_id[:2]}/{file_id}"


@contextmanager
def _missing_as_forbidden() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise forbidden("not_found") from None


@contextmanager
def _failing_as_unavailable() -> Iterator[None]:
    try:
        yield
    except _STORE_ERRORS as error:
        _logger.error("file_storage_failed", reason=reason_of(error))  # noqa: TRY400 (one line is enough)
        raise ChatError("unavailable", "The file storage does not respond. Try again.") from error
