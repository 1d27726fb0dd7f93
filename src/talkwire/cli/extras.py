"""Checks whether the optional packages (pip extras) that a setting needs are installed."""

from __future__ import annotations

from importlib.util import find_spec

from talkwire.cli.failures import Failure


def require_redis() -> None:
    """Raises Failure if the Redis client package is not installed. Call this before importing `talkwire.cli.redis`."""
    if find_spec("redis") is None:
        raise Failure("Redis requires its client: pip install 'talkwire[redis]'")


def require_otlp() -> None:
    """Raises Failure if the package that exports OpenTelemetry traces is not installed."""
    if find_spec("opentelemetry") is None:
        raise Failure("Traces require their exporter: pip install 'talkwire[otlp]'")


def require_s3() -> None:
    """Raises Failure if the S3 client package is not installed. Call this before creating a `ByteStore` for a
    bucket.
    """
    if find_spec("obstore") is None:
        raise Failure("S3 requires its client: pip install 'talkwire[s3]'")
