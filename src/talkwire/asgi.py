"""The two functions that an ASGI server passes to an application, and how to wait until a client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

REPEATED_S = 1.0
"""Longest pause between two calls of a `receive` that returns a body again that has ended, in seconds."""


async def wait_for_disconnect(receive: Receive) -> None:
    """Waits until the client has disconnected. Reads and discards the rest of the request's body.

    A server sends no message after the body but `http.disconnect`. But a middleware of the embedding application that
    reads the body itself may pass on a `receive` that returns the body at every call, at once and forever. So this
    suspends in each round, and calls such a `receive` less and less often.
    """
    pause_s = 0.0
    while (message := await receive())["type"] != "http.disconnect":
        await asyncio.sleep(pause_s)
        if not message.get("more_body", False):
            pause_s = min(REPEATED_S, 2 * pause_s + 0.001)
