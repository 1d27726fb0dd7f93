"""Stores the bytes of finished files on S3 or a compatible service."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import RetryConfig

RANGE_BYTES = 1024 * 1024
"""Size of the range that one read request asks for, in bytes. The library ends a request after 30 seconds, even if a
slow client has not taken the body. Each download holds one range in memory."""

PART_MIN_BYTES = 5 * 1024 * 1024
"""Least size of the parts in which S3 takes larger files, in bytes."""

UPLOAD_PARTS_MAX = 9_000
"""Most parts in which a file is uploaded; S3 takes at most 10,000."""

UPLOAD_PARTS_AT_ONCE = 2
"""Most parts of one file that are uploaded at once; all of them are in memory."""

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")

_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


class BucketBytes:
    """The S3 backend of the file store: writes, reads and removes the bytes of finished files as objects of a bucket.

    Implements `byte_store.Bytes`. `place` is `s3://bucket/prefix`; credentials, region and endpoint are in the
    environment variables `AWS_…`.
    """

    def __init__(self, place: str) -> None:
        """Creates the client; sends no request. Raises OSError if the endpoint in the environment is invalid."""
        _check_endpoint()
        parts = urlsplit(place)
        # Google Cloud Storage and other services have no DeleteObjects. A file has at most three objects.
        self._store = S3Store(
            parts.netloc, prefix=parts.path.strip("/") or None, retry_config=_RETRIES, disable_bulk_delete=True
        )

    async def put(self, key: str, source: Path) -> None:
        size = (await asyncio.to_thread(source.stat)).st_size
        part = max(PART_MIN_BYTES, size // UPLOAD_PARTS_MAX + 1)
        await obstore.put_async(self._store, key, source, chunk_size=part, max_concurrency=UPLOAD_PARTS_AT_ONCE)

    async def total(self, key: str) -> int:
        return (await obstore.head_async(self._store, key))["size"]

    async def read(self, key: str, start: int, end: int, chunk_bytes: int) -> BucketReading:
        reading = BucketReading(self._store, key, start, end, chunk_bytes)
        await reading.fetch()  # raises now if the object is missing
        return reading

    async def has(self, prefix: str) -> bool:
        return bool(await obstore.list(self._store, prefix).collect_async())

    async def remove(self, prefix: str) -> None:
        for each in await obstore.list(self._store, prefix).collect_async():
            with suppress(FileNotFoundError):  # another node may have removed it
                await obstore.delete_async(self._store, each["path"])


class BucketReading:
    """A download of the bytes of one S3 object from offset `start` up to, but not including, `end`, in chunks of
    `chunk_bytes`. Implements `holders.Reading`.

    It reads RANGE_BYTES (1 MiB) at a time into memory, so that no request is open while the caller handles a chunk.
    """

    def __init__(self, store: S3Store, key: str, start: int, end: int, chunk_bytes: int) -> None:
        self._store = store
        self._key = key
        self._offset = start
        self._end = end
        self._chunk_bytes = chunk_bytes
        self._fetched = memoryview(b"")

    def __aiter__(self) -> BucketReading:
        return self

    async def __anext__(self) -> bytes:
        """Returns the next chunk. Raises OSError if the object is shorter than the requested part, and obstore's
        errors."""
        if not self._fetched:
            await self.fetch()
        if not self._fetched:
            raise StopAsyncIteration
        chunk = bytes(self._fetched[: self._chunk_bytes])
        self._fetched = self._fetched[self._chunk_bytes :]
        return chunk

    async def fetch(self) -> None:
        """Requests the next range of the object from S3 into memory. Does nothing if the requested part has been read.
        Called once before the first chunk, it raises FileNotFoundError for a missing object."""
        until = min(self._offset + RANGE_BYTES, self._end)
        if self._offset >= until:
            return
        found = memoryview(await obstore.get_range_async(self._store, self._key, start=self._offset, end=until))
        self._offset += len(found)
        if self._offset < until:
            raise OSError(f"the object ends at {self._offset}, before {self._end}")
        self._fetched = found

    async def aclose(self) -> None:
        """Frees the fetched range. The iteration then ends."""
        self._fetched = memoryview(b"")
        self._offset = self._end


def _check_endpoint() -> None:
    """Raises OSError if an endpoint in the environment is not one that the client can use: it would end the process
    at the first request, or fail without a reason."""
    http_allowed = os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true", "on", "yes", "y"}
    for name in ENDPOINTS:
        value = os.environ.get(name)
        if value is None:
            continue
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or any(map(str.isspace, value)):
            raise OSError(f"{name}: must be an address such as https://s3.example.com")
        if "@" in parts.netloc:
            raise OSError(f"{name}: must not contain a user or a password; set AWS_ACCESS_KEY_ID")
        if parts.scheme == "http" and not http_allowed:
            raise OSError(f"{name}: begins with http://, which is not encrypted; AWS_ALLOW_HTTP=true allows it")
