"""Sends requests to the server's REST API, and repeats them while the server is unavailable, if repeating is safe."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from talkwire_client.backoff import Backoff
from talkwire_client.errors import TalkwireError
from talkwire_client.outages import Outages, Wait, reason_of
from talkwire_client.tokens import TokenSource

FOR_EVER_S = math.inf
"""Patience of a request that is repeated until the server answers, in seconds."""

USUAL_READ_S = 30.0
"""Longest time that the server may take to answer a usual request, in seconds."""

ROOT = "/api/v1/"

ROUTES_WITHOUT_KEY = ("/api/v1/auth/", "/api/v1/files")
"""Routes that accept no `Idempotency-Key`."""

TRY_LATER = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Statuses of a server or proxy that may answer later."""

NO_ANSWER = frozenset({"unavailable", "unexpected_answer"})
"""Codes of errors that say that Talkwire did not answer, or that its database did not."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the REST API that may be sent several times without being executed several times.

    A POST has an `Idempotency-Key` (the server executes requests with the same key once); other methods are idempotent.
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    files: Mapping[str, Any] | None = None
    read_s: float = USUAL_READ_S
    """How long the server may be silent."""
    has_json: bool = True
    """Whether the response is JSON, so that a page with status 200 comes from something else than Talkwire."""


class Api:
    """Sends requests to the server's REST API with the caller's token."""

    def __init__(self, http: httpx.AsyncClient, tokens: TokenSource, *, patience_s: float, max_pause_s: float) -> None:
        self._http = http
        self._tokens = tokens
        self._patience_s = patience_s
        self._max_pause_s = max_pause_s
        self._outages = Outages(str(http.base_url).rstrip("/"))

    async def get(self, path: str, **params: object) -> Any:  # noqa: ANN401 (JSON)
        """Sends a GET request and returns the JSON of the response. Parameters that are None are omitted."""
        return (await self.send(Request("GET", path, params=without_none(params)))).json()

    async def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request with a JSON body and returns the JSON of the response, or None if the response has no
        body.
        """
        return json_of(await self.send(Request(method, path, json=body)))

    async def send(self, request: Request, patience_s: float | None = None) -> httpx.Response:
        """Sends a request and returns its response, whose status is below 400.

        While the server cannot be reached, is busy, limits the rate or something else answers in its place, the request
        is repeated for `patience_s` seconds (by default those of the client).

        Raises `TalkwireError` for all other refusals, and if no attempt succeeds within that time.
        """
        deadline = time.monotonic() + (self._patience_s if patience_s is None else patience_s)
        backoff, refused_tokens, was_unanswered = Backoff(self._max_pause_s), 0, False
        headers = _headers(request)
        wait = Wait(self._outages)
        try:
            while True:
                token = await self._token(deadline)
                if request.read_s <= USUAL_READ_S:
                    wait.start()
                answer = await self._attempt(request, {**headers, "Authorization": f"Bearer {token}"})
                if isinstance(answer, httpx.Response):
                    self._outages.end()
                    return answer
                answer.was_repeated = was_unanswered
                if answer.code in NO_ANSWER:
                    was_unanswered = True
                    wait.fail(answer.message)
                else:
                    self._outages.end()
                    wait.stop()
                if answer.status == HTTPStatus.UNAUTHORIZED:
                    refused_tokens += 1
                    if refused_tokens > 1 or not self._tokens.is_renewable:
                        raise answer
                    self._tokens.refuse(token)
                    continue
                if (answer.status or 0) >= HTTPStatus.BAD_REQUEST and answer.status not in TRY_LATER:
                    raise answer
                pause_s = max(backoff.next_s(), _wanted_pause_s(answer))
                if time.monotonic() + pause_s > deadline:
                    raise answer
                _logger.info("%s %s is repeated in %.1f s: %s", request.method, request.path, pause_s, answer)
                await asyncio.sleep(pause_s)
        finally:
            wait.stop()

    async def _attempt(self, request: Request, headers: Mapping[str, str]) -> httpx.Response | TalkwireError:
        """Sends a request once. Returns its response, or the error that the response is."""
        try:
            response = await self._http.request(
                request.method,
                request.path,
                params=request.params,
                json=request.json,
                files=request.files,
                headers=headers,
                timeout=httpx.Timeout(USUAL_READ_S, read=request.read_s),
            )
        except httpx.TransportError as cause:
            return TalkwireError("unavailable", f"The server cannot be reached: {reason_of(cause)}.")
        if response.status_code < HTTPStatus.BAD_REQUEST and not _is_page(request, response):
            return response
        return error_of(response)

    async def _token(self, deadline: float) -> str:
        """Returns the caller's token. Raises TalkwireError if the token function returns none before the deadline."""
        if deadline == math.inf:
            return await self._tokens.current()
        try:
            return await asyncio.wait_for(self._tokens.current(), max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise TalkwireError("unavailable", "The token function returned no token in time.") from None


def _headers(request: Request) -> dict[str, str]:
    if request.method == "POST" and not request.path.startswith(ROUTES_WITHOUT_KEY):
        return {"Idempotency-Key": uuid4().hex}
    return {}


def _wanted_pause_s(error: TalkwireError) -> float:
    """Returns the seconds after which the server allows a retry, according to its error; 0 if the error does
    not say.
    """
    if isinstance(error.details, dict):
        return float(error.details.get("retryAfterMs", 0)) / 1000
    return 0.0


def _is_page(request: Request, response: httpx.Response) -> bool:
    """Returns whether a response that should be JSON is something else, such as a proxy's page."""
    content_type = response.headers.get("content-type", "")
    return request.has_json and response.content != b"" and not content_type.startswith("application/json")


def error_of(response: httpx.Response) -> TalkwireError:
    """Returns the TalkwireError that describes a response that is a refusal, or is not Talkwire's.

    A response that does not come from Talkwire, such as a proxy's, gets the code `unexpected_answer`.
    """
    status = response.status_code
    try:
        error = response.json()["error"]
        return TalkwireError(error["code"], error["message"], error.get("details"), status)
    except (ValueError, KeyError, TypeError):
        return TalkwireError(
            "unexpected_answer", f"The server answered {status} {response.reason_phrase}.", None, status
        )


def json_of(response: httpx.Response) -> Any:  # noqa: ANN401 (JSON)
    """Returns the JSON of a response, or None if the response has no body."""
    return response.json() if response.content else None


def without_none(members: Mapping[str, object]) -> dict[str, Any]:
    """Returns a copy of the mapping without the entries whose value is None."""
    return {name: value for name, value in members.items() if value is not None}


def rooted(path: str) -> str:
    """Returns a route's path below `/api/v1/`, which may be omitted: `push/key` is `/api/v1/push/key`."""
    return path if path.startswith("/") else ROOT + path


def path(*parts: str) -> str:
    """Returns the URL path below `/api/v1` with these parts, which are escaped and so may contain any character."""
    return ROOT + "/".join(quote(part, safe="") for part in parts)


def attached(attachment: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the form in which a request names an attachment: only the id if it is an uploaded file."""
    return {"id": attachment["id"]} if "id" in attachment else attachment
