"""An HTTP response that sends a file, and closes the file when the download ends or is broken off."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import chain
from typing import Any

from litestar import MediaType, Request
from litestar.response import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from talkwire.files.holders import Reading
from talkwire.files.sending import send_reading

SLOW_START_S = 60.0
"""Seconds for which a download may be slower than its least speed."""


class Download(Response[bytes]):
    """A Litestar response that sends the bytes of `reading`. It closes `reading` when all bytes are sent, when the
    client disconnects, or when the server stops. It reads the next chunk only when the client can receive it.

    With `least_bytes_s`, it breaks off a download that, on average and after `SLOW_START_S` seconds, is slower than
    this number of bytes a second.
    """

    def __init__(
        self, reading: Reading, *, status_code: int, headers: dict[str, str], media_type: str, least_bytes_s: int = 0
    ) -> None:
        super().__init__(b"", status_code=status_code, headers=headers, media_type=media_type)
        self._reading = reading
        self._least_bytes_s = least_bytes_s

    def to_asgi_response(
        self,
        app: object,  # noqa: ARG002 (Litestar gives None)
        request: Request[Any, Any, Any],  # noqa: ARG002
        **options: Any,  # noqa: ANN401 (Litestar's)
    ) -> ASGIResponse:
        return _Sending(
            self._reading,
            self._least_bytes_s,
            cookies=chain(self.cookies, options.get("cookies") or ()),
            encoded_headers=options.get("encoded_headers"),
            headers={**(options.get("headers") or {}), **self.headers},
            media_type=self.media_type or MediaType.TEXT,
            status_code=self.status_code,
        )


class _Sending(ASGIResponse):
    __slots__ = ("_least_bytes_s", "_reading")

    _should_set_content_length = False  # `headers` contain it

    def __init__(self, reading: Reading, least_bytes_s: int, **options: Any) -> None:  # noqa: ANN401 (Litestar's)
        super().__init__(**options)
        self._reading = reading
        self._least_bytes_s = least_bytes_s

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 (ASGI)
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._reading.aclose()

    async def send_body(self, send: Send, receive: Receive) -> None:
        if not self._least_bytes_s:
            await send_reading(self._reading, receive, send)
            return
        with contextlib.suppress(TimeoutError):  # an incomplete body breaks the connection
            async with asyncio.timeout(None) as limit:
                await send_reading(_Paced(self._reading, limit, self._least_bytes_s), receive, send)


class _Paced:
    """A wrapper of `reading` that extends the timeout `limit` with each chunk that it returns: the client has
    `SLOW_START_S` seconds, and one more for each `least_bytes_s` bytes. Implements `Reading`."""

    def __init__(self, reading: Reading, limit: asyncio.Timeout, least_bytes_s: int) -> None:
        self._reading = reading
        self._limit = limit
        self._least_bytes_s = least_bytes_s
        self._taken = 0
        self._began_s: float | None = None

    def __aiter__(self) -> _Paced:
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._reading)
        if self._began_s is None:  # what was waited for before is not the client's fault
            self._began_s = asyncio.get_running_loop().time()
        self._taken += len(chunk)
        self._limit.reschedule(self._began_s + SLOW_START_S + self._taken / self._least_bytes_s)
        return chunk

    async def aclose(self) -> None:
        await self._reading.aclose()
