"""The bytes of finished files on S3, or a service that speaks its protocol."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore import BytesStream
    from obstore.store import RetryConfig

SCHEME = "s3://"

PART_MIN_BYTES = 5 * 1024 * 1024
PARTS_MAX = 9_000
"""S3 takes larger files in parts: of this size or more, and 10,000 at most."""

PARTS_AT_ONCE = 2
"""For each file; all of them are in memory."""

_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


class BucketBytes:
    """Implements `byte_store.Bytes`. `place` is `s3://bucket/prefix`; the AWS_… variables say the rest."""

    def __init__(self, place: str) -> None:
        parts = urlsplit(place)
        self._store = S3Store(parts.netloc, prefix=parts.path.strip("/") or None, retry_config=_RETRIES)

    async def put(self, key: str, source: Path) -> None:
        size = (await asyncio.to_thread(source.stat)).st_size
        part = max(PART_MIN_BYTES, size // PARTS_MAX + 1)
        await obstore.put_async(self._store, key, source, chunk_size=part, max_concurrency=PARTS_AT_ONCE)

    async def total(self, key: str) -> int:
        return (await obstore.head_async(self._store, key))["size"]

    async def read(self, key: str, start: int, end: int, chunk_bytes: int) -> BucketReading:
        found = await obstore.get_async(self._store, key, options={"range": (start, end)})
        return BucketReading(found.stream(chunk_bytes))

    async def remove(self, prefix: str) -> None:
        for each in await obstore.list(self._store, prefix).collect_async():
            await obstore.delete_async(self._store, each["path"])


class BucketReading:
    """Implements `byte_store.Reading`. The request to S3 ends when its stream is dropped."""

    def __init__(self, stream: BytesStream) -> None:
        self._stream: BytesStream | None = stream

    def __aiter__(self) -> BucketReading:
        return self

    async def __anext__(self) -> bytes:
        if self._stream is None:
            raise StopAsyncIteration
        return bytes(await anext(self._stream))

    async def aclose(self) -> None:
        """Drops the stream, and with it the connection to S3 and what has come of the file."""
        self._stream = None
