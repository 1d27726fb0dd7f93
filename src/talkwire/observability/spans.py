"""Interfaces for tracing requests, commands and transactions, for code that must not depend on a tracing library."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

Attributes = Mapping[str, str | int]


class RequestSpan(Protocol):
    """The span (trace record) of a REST request that is in progress."""

    def describe(self, method: str, route: str | None, status: int, request_id: str) -> None:
        """Adds the request's method, route, status and id to the span. Call it when the response is known."""
        ...


class Tracer(Protocol):
    """Records spans of requests, commands and transactions. Code that records spans has None instead while tracing is
    off.
    """

    def record(self, name: str, start_ns: int, end_ns: int, error: str | None, attributes: Attributes) -> None:
        """Records a span that has ended. Times are in nanoseconds since 1970; `error` is None for a success.

        The span's parent is the request in progress, if there is one. It can be called from any thread.
        """
        ...

    def request(self, headers: Mapping[str, str]) -> AbstractContextManager[RequestSpan]:
        """Returns a context manager that records the span of a request. Its parent is the span in the header
        `traceparent`; without this header, the span has no parent.
        """
        ...
