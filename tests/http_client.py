"""HTTP clients for tests: they use no proxy, load no certificates, and wait long for a busy machine."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from tests.waiting import DEADLINE_S

# Servers in these tests use plain HTTP, and loading the system's certificates takes longer than most tests.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class HttpClient(httpx.Client):
    """A client with the options of `httpx.Client`."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 (of many types)
        super().__init__(**{"timeout": DEADLINE_S, "trust_env": False, "verify": _NO_TLS, **options})


class AsyncHttpClient(httpx.AsyncClient):
    """A client with the options of `httpx.AsyncClient`."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 (of many types)
        super().__init__(**{"timeout": DEADLINE_S, "trust_env": False, "verify": _NO_TLS, **options})


def http_get(url: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (of many types)
    """Sends a request like `httpx.get`."""
    with HttpClient() as client:
        return client.get(url, **options)


def http_post(url: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (of many types)
    """Sends a request like `httpx.post`."""
    with HttpClient() as client:
        return client.post(url, **options)
