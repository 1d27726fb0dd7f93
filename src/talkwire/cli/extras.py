"""Checks whether the packages of extras are installed."""

from __future__ import annotations

from importlib.util import find_spec

from talkwire.cli.failures import Failure


def require_redis() -> None:
    """Raises Failure if the Redis client is missing. Call it before importing `talkwire.cli.redis`."""
    if find_spec("redis") is None:
        raise Failure("Redis requires its client: pip install 'talkwire[redis]'")


def require_s3() -> None:
    """Raises Failure if the S3 client is missing. Call it before creating a `ByteStore` for a bucket."""
    if find_spec("obstore") is None:
        raise Failure("S3 requires its client: pip install 'talkwire[s3]'")
