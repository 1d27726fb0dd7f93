"""The body of a request that is read as it arrives, over minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from talkwire.asgi import Receive
from talkwire.core.domain.errors import ChatError
from talkwire.files.uploads import Uploads

BODY_IDLE_S = 30.0
"""Seconds that a body may pause. After that the request ends, and the author sends it again."""

STREAMED_MAX = 1024 * 1024
"""Largest body, in bytes."""

BODY_SLICE_BYTES = 16 * 1024
"""Number of bytes that are handled in one turn of the event loop: that takes a few milliseconds, whatever they are."""


class BrokenOff(ChatError):
    """The end of a body that is not complete: the client has disconnected or has sent nothing for `BODY_IDLE_S` seconds
    (`invalid_request`), or the server stops (`unavailable`)."""

    def __init__(self, *, is_stopping: bool = False, is_closed: bool = False) -> None:
        if is_stopping:
            super().__init__("unavailable", "The server is stopping. Send the request again.")
            return
        why = "ended too early: the connection was closed" if is_closed else f"paused for {BODY_IDLE_S:.0f} seconds"
        super().__init__("invalid_request", f"body: {why}", [{"path": "body", "message": why}])


class ArrivingBody:
    """The bytes of a body. `uploads` ends all waits for bytes when the server stops."""

    def __init__(self, receive: Receive, uploads: Uploads) -> None:
        self._receive = receive
        self._uploads = uploads
        self._size = 0
        self._is_woken = False
        self._waiting: asyncio.Timeout | None = None
        self.has_ended = False

    def wake(self) -> None:
        """Makes the present or the next `read` return without bytes."""
        self._is_woken = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)

    async def read(self) -> bytes:
        """Returns what has arrived, or no bytes after `wake` and at the end.

        Raises `BrokenOff` if no more bytes come, and `payload_too_large` for bytes beyond `STREAMED_MAX`.
        """
        try:
            async with (
                self._uploads.idle_timeout(BODY_IDLE_S),
                asyncio.timeout(0 if self._is_woken else None) as waiting,
            ):
                self._waiting = waiting
                message = await self._receive()
        except TimeoutError:
            if self._is_woken and not self._uploads.stopping:
                self._is_woken = False
                return b""
            raise BrokenOff(is_stopping=self._uploads.stopping) from None
        finally:
            self._waiting = None
        if message["type"] != "http.request":
            raise BrokenOff(is_closed=True)
        data: bytes = message.get("body", b"")
        self.has_ended = not message.get("more_body", False)
        self._size += len(data)
        if self._size > STREAMED_MAX:
            raise too_large()
        return data


def slices(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), BODY_SLICE_BYTES):
        yield data[start : start + BODY_SLICE_BYTES]


def too_large() -> ChatError:
    return ChatError("payload_too_large", f"body: at most {STREAMED_MAX} bytes")
