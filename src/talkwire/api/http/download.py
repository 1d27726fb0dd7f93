"""An HTTP response that sends a file, and closes the file when the download ends or is broken off."""

from __future__ import annotations

from itertools import chain
from typing import Any

from litestar import MediaType, Request
from litestar.response import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from talkwire.files.holders import Reading
from talkwire.files.sending import send_reading


class Download(Response[bytes]):
    """A Litestar response that sends the bytes of `reading`. It closes `reading` when all bytes are sent, when the
    client disconnects, or when the server stops. It reads the next chunk only when the client can receive it."""

    def __init__(self, reading: Reading, *, status_code: int, headers: dict[str, str], media_type: str) -> None:
        super().__init__(b"", status_code=status_code, headers=headers, media_type=media_type)
        self._reading = reading

    def to_asgi_response(
        self,
        app: object,  # noqa: ARG002 (Litestar gives None)
        request: Request[Any, Any, Any],  # noqa: ARG002
        **options: Any,  # noqa: ANN401 (Litestar's)
    ) -> ASGIResponse:
        return _Sending(
            self._reading,
            cookies=chain(self.cookies, options.get("cookies") or ()),
            encoded_headers=options.get("encoded_headers"),
            headers={**(options.get("headers") or {}), **self.headers},
            media_type=self.media_type or MediaType.TEXT,
            status_code=self.status_code,
        )


class _Sending(ASGIResponse):
    __slots__ = ("_reading",)

    _should_set_content_length = False  # `headers` contain it

    def __init__(self, reading: Reading, **options: Any) -> None:  # noqa: ANN401 (Litestar's)
        super().__init__(**options)
        self._reading = reading

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 (ASGI)
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._reading.aclose()

    async def send_body(self, send: Send, receive: Receive) -> None:
        await send_reading(self._reading, receive, send)
