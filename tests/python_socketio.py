"""python-socketio's client, in a form that leaves nothing open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import socketio


@asynccontextmanager
async def python_client(**options: Any) -> AsyncIterator[Any]:  # noqa: ANN401 (untyped)
    """A client that disconnects at the end. `options` are the client's.

    The client does not read what answers its POST requests and closes its session in a task that may outlive the test.
    So the session and each response are closed here.
    """
    responses: list[aiohttp.ClientResponse] = []

    async def keep(session: object, context: object, request: aiohttp.TraceRequestEndParams) -> None:
        responses.append(request.response)

    tracing = aiohttp.TraceConfig()
    tracing.on_request_end.append(keep)
    async with aiohttp.ClientSession(trace_configs=[tracing]) as http:
        client = socketio.AsyncClient(http_session=http, **options)
        try:
            yield client
        finally:
            await client.disconnect()
            for response in responses:
                response.close()
