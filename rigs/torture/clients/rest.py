"""Plain REST, through the balancer like everything else."""

from __future__ import annotations

import httpx

from rigs.torture.clients.client_socket import Json, Unanswered
from tests.http_client import AsyncHttpClient

WITHIN_S = 10.0


class Rest:
    """One user's requests. A response of 502 to 504 without the server's error body is from the balancer: the outcome
    is unknown then.
    """

    def __init__(self, url: str, token: str) -> None:
        self._http = AsyncHttpClient(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=WITHIN_S)

    async def request(
        self, method: str, path: str, body: Json | None = None, query: Json | None = None
    ) -> tuple[int, Json]:
        """Returns the status and the body of a response. Raises Unanswered."""
        try:
            answer = await self._http.request(method, path, json=body, params=query or None)
        except httpx.HTTPError as error:
            raise Unanswered(f"{type(error).__name__} {error}") from None
        try:
            payload = answer.json() if answer.content else {}
        except ValueError:
            raise Unanswered(f"status {answer.status_code} without JSON") from None
        if answer.status_code in {502, 504} or (answer.status_code >= 500 and "error" not in payload):
            raise Unanswered(f"status {answer.status_code}")
        return answer.status_code, payload

    async def close(self) -> None:
        await self._http.aclose()
