"""Serves this node's finished files to other nodes, which check which users may read them.

`GET /stored/KEY?start=…&end=…` returns a range of bytes; HEAD returns the total length.
"""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import parse_qs

from talkwire.asgi import Receive, Send
from talkwire.core.domain.errors import ChatError
from talkwire.files.byte_store import PARTS, ByteStore, FileKey, Part
from talkwire.files.sending import send_reading
from talkwire.realtime.forwarding.file_forwarding import STORED

_TARGET = re.compile(rf"{STORED}[0-9a-f]{{2}}/([0-9a-f]{{32}})/([0-9a-f]{{64}})/({'|'.join(PARTS)})")
_NUMBER = re.compile(r"[0-9]{1,18}")


class StoredFiles:
    """An ASGI application that serves the finished files in this node's own store to other nodes."""

    def __init__(self, store: ByteStore) -> None:
        self._store = store

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 (ASGI)
        found = _TARGET.fullmatch(scope["path"])
        if found is None:
            await _answer(send, 404)
            return
        file_id, digest, part = found.groups()
        place = FileKey(file_id, digest, cast("Part", part))
        try:
            if scope["method"] == "HEAD":
                await _answer(send, 200, await self._store.total(place))
            else:
                await self._send(place, scope["query_string"].decode("latin-1"), receive, send)
        except ChatError as error:
            await _answer(send, 404 if error.code == "forbidden" else 503)

    async def _send(self, place: FileKey, query: str, receive: Receive, send: Send) -> None:
        """Sends a file's bytes from `start` up to, but not including, `end` as the response. Both are in the query; a
        missing or invalid number counts as 0. Raises ChatError before anything is sent if the file cannot be read.
        """
        start, end = (_number(query, name) for name in ("start", "end"))
        reading = await self._store.read(place, start, end)
        try:
            headers = [(b"content-length", b"%d" % (end - start))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send_reading(reading, receive, send)
        finally:
            await reading.aclose()


def _number(query: str, name: str) -> int:
    text = parse_qs(query).get(name, [""])[0]
    return int(text) if _NUMBER.fullmatch(text) else 0


async def _answer(send: Send, status: int, length: int = 0) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % length)]})
    await send({"type": "http.response.body", "body": b""})
