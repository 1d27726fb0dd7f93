"""Checks whether the optional packages (pip extras) that a setting needs are installed."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec

from talkwire.cli.failures import Failure


def how_to_install(extra: str) -> str:
    """Returns the command that adds the packages of an extra to this program's own environment. There `talkwire` is
    installed, so pip takes only these packages, and nothing called `talkwire`, from a package index."""
    return f"{shlex.quote(sys.executable)} -m pip install 'talkwire[{extra}]'"


def require_redis() -> None:
    """Raises Failure if the Redis client package is not installed. Call this before importing `talkwire.cli.redis`."""
    if find_spec("redis") is None:
        raise Failure(f"Redis requires its client: {how_to_install('redis')}")


def require_otlp() -> None:
    """Raises Failure if the package that exports OpenTelemetry traces is not installed."""
    if find_spec("opentelemetry") is None:
        raise Failure(f"Traces require their exporter: {how_to_install('otlp')}")


def require_s3() -> None:
    """Raises Failure if the S3 client package is not installed. Call this before creating a `ByteStore` for a
    bucket.
    """
    if find_spec("obstore") is None:
        raise Failure(f"S3 requires its client: {how_to_install('s3')}")
