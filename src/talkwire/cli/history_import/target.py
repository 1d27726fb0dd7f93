"""Sends an import to the receiving server over its REST API, with the role `service` (the application's back end)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import IO, Any, Protocol, Self
from urllib.parse import quote

import httpx

from talkwire.cli.failures import Failure, connection_cause
from talkwire.egress import system_tls

IMPORTER = "talkwire-import"
"""User id of the importer's tokens. The role `service` acts for others, so nobody sees this user."""

SERVER_RETRY_S = 90.0
"""Seconds for which a request is repeated while the server cannot be reached or is too busy."""

_REQUEST_S = 120.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_BUSY = frozenset({429, 502, 503, 504})


class ServerRefusal(Exception):
    """Raised when the server refuses a request for good, so that sending it again is useless."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("message", "")) or f"status {status}")
        self.status = status
        self.code = str(error.get("code", ""))
        self.details: Any = error.get("details")

    @property
    def path(self) -> str:
        """The field of the request that the server refused, such as `threadId`; empty if the error names none."""
        match self.details:
            case [{"path": str(path)}, *_]:
                return path
        return ""


class ImportTarget(AbstractAsyncContextManager[Any], Protocol):
    """The receiver of an import: a server, or the substitute of a dry run. Enter it as a context manager before the
    first request. `max_file_size` is in bytes."""

    max_file_size: int

    async def request(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request to a path of the REST API, relative to `/api/v1`, and returns the JSON of the response; None
        if it has no body. Raises ServerRefusal if the server refuses the request."""
        ...

    async def upload(self, name: str, content: IO[bytes], owner_id: str | None = None) -> dict[str, Any]:
        """Uploads a file and returns its description as the REST API returns it. `owner_id` is the user that uploads
        it; by default it is the importer. Raises ServerRefusal if the server refuses the file."""
        ...


class ReceivingServer(ImportTarget):
    """An HTTP client of the server that receives an import. `token(user_id, role)` returns a signed token for a
    user."""

    def __init__(self, url: str, token: Callable[[str, str | None], str]) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._http = httpx.AsyncClient(base_url=f"{self._url}/api/v1", timeout=_REQUEST_S, verify=system_tls())
        self._service = self._headers(IMPORTER, "service")
        self.max_file_size = 0

    async def __aenter__(self) -> Self:
        """Checks that the server accepts the importer's token, and reads the maximum file size. Raises Failure if the
        server refuses the token or does not respond."""
        try:
            # A wrong address is reported at once: nothing is repeated before the server has responded.
            await self._answer(lambda: self._http.get("/conversations?limit=1", headers=self._service), retry_s=0)
            uploads = await self._answer(lambda: self._http.options("/files", headers=self._service))
        except ServerRefusal as refusal:
            await self._http.aclose()
            raise Failure(f"{self._url} refused the import: {refusal}") from None
        except Failure:
            await self._http.aclose()
            raise
        size = uploads.headers.get("tus-max-size", "")
        self.max_file_size = int(size) if size.isdecimal() else 0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def request(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request, and repeats it while the server is busy or unreachable: for at most `SERVER_RETRY_S`
        seconds, then it raises Failure. Otherwise as `ImportTarget.request`."""
        answer = await self._answer(lambda: self._http.request(method, path, json=body, headers=self._service))
        return answer.json() if answer.content else None

    async def upload(self, name: str, content: IO[bytes], owner_id: str | None = None) -> dict[str, Any]:
        headers = self._service if owner_id is None else self._headers(owner_id, None)

        async def send() -> httpx.Response:
            content.seek(0)
            return await self._http.post("/files", files={"file": (name, content)}, headers=headers)

        found: dict[str, Any] = (await self._answer(send)).json()
        return found

    def _headers(self, user_id: str, role: str | None) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token(user_id, role)}"}

    async def _answer(self, send: Callable[[], Any], retry_s: float = SERVER_RETRY_S) -> httpx.Response:
        clock = asyncio.get_running_loop()
        until, pause_s = clock.time() + retry_s, _FIRST_PAUSE_S
        while True:
            try:
                answer: httpx.Response = await send()
            except httpx.TransportError as error:
                reason = connection_cause(error)
            else:
                if answer.is_success:
                    return answer
                if answer.status_code not in _BUSY:
                    raise self._refusal(answer)
                reason = f"status {answer.status_code}"
            if clock.time() >= until:
                raise Failure(f"{self._url} cannot be reached ({reason}). An import that is started again continues.")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _refusal(self, answer: httpx.Response) -> ServerRefusal | Failure:
        try:
            error = answer.json()["error"]
        except (ValueError, KeyError, TypeError):
            error = {}
        if answer.status_code >= 500 or answer.status_code == 401 or not isinstance(error, dict):
            message = error.get("message", "") if isinstance(error, dict) else ""
            return Failure(f"{self._url} failed with status {answer.status_code}: {message}")
        return ServerRefusal(answer.status_code, error)


def in_path(text: str) -> str:
    """Returns a text escaped for use as one segment of a URL path."""
    return quote(text, safe="")
