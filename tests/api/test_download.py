"""Downloads that a client reads too slowly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talkwire.api.http import download
from talkwire.api.http.download import Download
from tests.waiting import deadline

CHUNK = b"x" * 1000


class Chunks:
    """A reading of so many chunks."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.closed = False

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return CHUNK

    async def aclose(self) -> None:
        self.closed = True


async def _send(reading: Chunks, taken: int | None, least_bytes_s: int) -> list[Any]:
    """Sends a download to a client that takes so many chunks and then nothing. Returns the parts of the response."""
    sent: list[Any] = []

    async def send(event: Any) -> None:  # noqa: ANN401 (ASGI)
        if taken is not None and len(sent) > taken:
            await asyncio.Event().wait()
        sent.append(event)

    async def receive() -> Any:  # noqa: ANN401 (ASGI)
        await asyncio.Event().wait()

    response = Download(
        reading, status_code=200, headers={}, media_type="application/zip", least_bytes_s=least_bytes_s
    ).to_asgi_response(None, None)  # type: ignore[arg-type]  # it uses neither
    async with deadline():
        await response({"type": "http"}, receive, send)  # type: ignore[arg-type]  # it needs no more
    return sent


async def test_a_download_that_is_too_slow_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SLOW_START_S", 0.01)
    reading = Chunks(100)
    sent = await _send(reading, 3, 100_000)
    assert [event["type"] for event in sent] == ["http.response.start", *["http.response.body"] * 3]
    assert (sent[-1]["more_body"], reading.closed) == (True, True)


async def test_a_download_may_be_slow_at_first() -> None:
    reading = Chunks(100)
    sent = await _send(reading, None, 10**9)
    assert (len(sent), sent[-1]["more_body"], reading.closed) == (102, False, True)
