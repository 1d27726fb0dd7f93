"""Sends a file's bytes as the body of an ASGI response."""

from __future__ import annotations

import asyncio

from talkwire.asgi import Receive, Send, wait_for_disconnect
from talkwire.core.domain.errors import ChatError
from talkwire.files.holders import Reading


async def send_reading(reading: Reading, receive: Receive, send: Send) -> None:
    """Sends the chunks of `reading` as the body of an ASGI response whose start was sent already, each once the client
    has room for it.

    Ends early if the client disconnects. If the file cannot be read, leaves the body incomplete, which breaks the
    connection. The caller closes `reading`.
    """
    sending = asyncio.create_task(_send_chunks(reading, send))
    gone = asyncio.create_task(wait_for_disconnect(receive))
    try:
        await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        sending.cancel()
        await asyncio.wait((sending, gone))
    if not sending.cancelled():
        sending.result()


async def _send_chunks(reading: Reading, send: Send) -> None:
    try:
        async for chunk in reading:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except ChatError:
        return  # the store has logged the reason; the status was sent already
    await send({"type": "http.response.body", "body": b"", "more_body": False})
