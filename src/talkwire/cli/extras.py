"""Packages that come with an extra, and what is said where they are needed and missing."""

from __future__ import annotations

from importlib.util import find_spec

from talkwire.cli.failures import Failure


def require_redis() -> None:
    """Raises Failure where there is no client of Redis; `talkwire.cli.redis` may be imported otherwise."""
    if find_spec("redis") is None:
        raise Failure("Redis needs its client: pip install 'talkwire[redis]'")


def require_s3() -> None:
    """Raises Failure where there is no client of S3; a `ByteStore` may be made for a bucket otherwise."""
    if find_spec("obstore") is None:
        raise Failure("S3 needs its client: pip install 'talkwire[s3]'")
