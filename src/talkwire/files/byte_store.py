"""The bytes of finished files, in a folder or on S3: `content` and, for pictures, `thumbnail`.

A file's bytes lie under its id and their own digest. So whatever is kept twice, by a retry or by two nodes at once, is
the same; and what a file is believed to be is always said of the bytes that are there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from talkwire.core.errors import ChatError, forbidden

if TYPE_CHECKING:
    from obstore.store import RetryConfig

Part = Literal["content", "thumbnail"]

CHUNK_BYTES = 256 * 1024
"""How much of a file is in memory for each download."""

PART_MIN_BYTES = 5 * 1024 * 1024
PARTS_MAX = 9_000
"""S3 takes larger files in parts: of this size or more, and 10,000 at most."""

PARTS_AT_ONCE = 2
"""For each file; all of them are in memory."""

_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where bytes lie. `digest` is that of the file's content, for its thumbnail too."""

    file_id: str
    digest: str
    part: Part

    @property
    def key(self) -> str:
        return f"{_folder_of(self.file_id)}/{self.digest}/{self.part}"


class ByteStore:
    """`place` is `s3://bucket/prefix` (with the AWS_… variables) or a folder. Raises ChatError `unavailable` from each
    call while the store does not answer."""

    def __init__(self, place: str | Path) -> None:
        """Makes the folder. Raises OSError when that fails, or the variables make no sense."""
        self._folder: Path | None = None
        self._store: LocalStore | S3Store
        try:
            if isinstance(place, str) and place.startswith("s3://"):
                parts = urlsplit(place)
                prefix = parts.path.strip("/") or None
                self._store = S3Store(parts.netloc, prefix=prefix, retry_config=_RETRIES)
            else:
                self._folder = Path(place).absolute()
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store = LocalStore(self._folder, automatic_cleanup=True)
        except BaseError as error:
            raise OSError(f"{place}: {_first_line(error)}") from error

    async def put(self, place: Place, source: Path) -> None:
        """Keeps a copy of `source`; when this returns it is safe."""
        try:
            size = (await asyncio.to_thread(source.stat)).st_size
            part = max(PART_MIN_BYTES, size // PARTS_MAX + 1)
            await obstore.put_async(self._store, place.key, source, chunk_size=part, max_concurrency=PARTS_AT_ONCE)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error
        if self._folder is not None:
            await asyncio.to_thread(_sync, self._folder, place.key)

    async def total(self, place: Place) -> int:
        """How many bytes are there. Raises `forbidden` when there is nothing."""
        try:
            return (await obstore.head_async(self._store, place.key))["size"]
        except FileNotFoundError:
            raise forbidden() from None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error

    async def read(self, place: Place, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end`, which is not included and lies behind `start`."""
        try:
            found = await obstore.get_async(self._store, place.key, options={"range": (start, end)})
        except FileNotFoundError:
            raise forbidden() from None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error
        return _chunks(found.stream(CHUNK_BYTES))

    async def remove(self, file_id: str) -> None:
        """Removes all bytes of a file; that there are none is no error."""
        try:
            found = await obstore.list(self._store, _folder_of(file_id)).collect_async()
            for each in found:
                await obstore.delete_async(self._store, each["path"])
        except FileNotFoundError:
            return  # somebody else removes them too
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error

    async def check(self) -> None:
        """Raises `unavailable` while the store does not answer."""
        try:
            await obstore.head_async(self._store, Place("0" * 32, "0", "content").key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error


async def _chunks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in stream:
        yield bytes(chunk)


def _folder_of(file_id: str) -> str:
    # Two letters first: a folder with a hundred thousand entries is slow to list.
    return f"{file_id[:2]}/{file_id}"


def _sync(folder: Path, key: str) -> None:
    """Has the disk keep a file and its name: the answer to an upload promises it."""
    for each in (folder / key, *(folder / parent for parent in Path(key).parents)):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unavailable(error: Exception) -> ChatError:
    _logger.error("the files' store failed", reason=_first_line(error))
    return ChatError("unavailable", "The files' store does not answer. Try again.")


def _first_line(error: Exception) -> str:
    """The library's texts go on with what its debugger would show."""
    return str(error).strip().partition("\n")[0]
