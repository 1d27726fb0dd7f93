"""The response to a request whose body is still arriving."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, get

from talkwire.api.http.lingering import Lingering

Message = dict[str, Any]


@get("/")
async def stopping() -> Lingering:
    return Lingering({"stopping": True}, status_code=503)


@pytest.mark.parametrize("last", [{}, {"body": b"x"}, {"body": b"", "more_body": False}])
async def test_a_body_ends_where_no_more_is_announced(last: Message) -> None:
    """An ASGI server may omit `more_body`, which defaults to false."""
    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    coming: list[Message] = [{"body": b"x", "more_body": True}, last]
    sent: list[Message] = []

    async def receive() -> Any:  # noqa: ANN401 (ASGI)
        return {"type": "http.request", **coming.pop(0)}

    async def send(message: Any) -> None:  # noqa: ANN401 (ASGI)
        sent.append(message)

    await Litestar([stopping])(scope, receive, send)
    assert coming == []
    assert (sent[0]["status"], sent[-1]["more_body"]) == (503, False)
