"""A client of the REST API for tests that read from top to bottom: users are called by their names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from rigs.hostile.scene import Scene
from tests.http_client import HttpClient

Json = dict[str, Any]


class Rest:
    """Requests as any user of a scene; `None` calls without a token."""

    def __init__(self, scene: Scene, http: httpx.Client) -> None:
        self._scene = scene
        self.http = http

    def ask(self, by: str | None, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 (httpx's)
        headers = dict(options.pop("headers", {}))
        if by is not None:
            headers["authorization"] = f"Bearer {self._token(by)}"
        return self.http.request(method, f"/api/v1/{path}", headers=headers, **options)

    def done(self, by: str | None, method: str, path: str, **options: Any) -> Json:  # noqa: ANN401 (httpx's)
        """Returns the response to a request that must succeed."""
        answer = self.ask(by, method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        found: Json = answer.json() if answer.content else {}
        return found

    def _token(self, user: str) -> str:
        return self._scene.tokens.get(user) or self._scene.server.token(user)


@contextmanager
def client_of(scene: Scene) -> Iterator[Rest]:
    with HttpClient(base_url=scene.server.url, timeout=60) as http:
        yield Rest(scene, http)
