"""A server that speaks OpenAI's streaming chat completions, and answers as a test says: in any pieces, slowly, with
errors, broken off or never."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from aiohttp import web

from tests.waiting import pause

Json = dict[str, Any]

Ending = Literal["end", "break", "silence"]
"""After the pieces, the response ends as HTTP says, the connection breaks, or nothing comes until the client leaves."""

_CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1764400000, "model": "any"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers to one request."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = "end"
    pause_s: float = 0.0


def chunk(delta: Json, reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return sse({**_CHUNK, "choices": [choice], "usage": None})


def sse(data: Json) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=not _is_whole(data)).encode() + b"\n\n"


def _is_whole(data: Json) -> bool:
    """Returns whether the data has no half of an emoji, which only an escape can express."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


USAGE = sse({**_CHUNK, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}})
DONE = b"data: [DONE]\n\n"


def texts(*pieces: str, reason: str = "stop") -> bytes:
    """Returns an answer of these pieces of text."""
    first = chunk({"role": "assistant", "content": "", "refusal": None})
    return b"".join([first, *(chunk({"content": piece}) for piece in pieces), chunk({}, reason), USAGE, DONE])


def calls(*named: tuple[str, str, str], text: str = "") -> bytes:
    """Returns an answer that calls tools: (id, name, arguments), each in three pieces, one after the other."""
    found = [chunk({"role": "assistant", "content": text or None})]
    for index, (id_, name, arguments) in enumerate(named):
        middle = len(arguments) // 2
        function = {"name": name, "arguments": ""}
        found.append(chunk({"tool_calls": [{"index": index, "id": id_, "type": "function", "function": function}]}))
        found += [
            chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
            for piece in (arguments[:middle], arguments[middle:])
        ]
    return b"".join([*found, chunk({}, "tool_calls"), USAGE, DONE])


def refusal(status: int, message: str = "No.", **headers: str) -> Reply:
    """Returns an error as OpenAI's API sends it. Names of headers have `_` for `-`."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply([body], status, {"Content-Type": "application/json", **named})


class OpenAiDouble:
    """The server. `replies` are its answers, one for each request; the last one is repeated."""

    def __init__(self) -> None:
        self.url = ""
        self.replies: list[Reply] = []
        self.requests: list[Json] = []
        self.keys: list[str] = []
        self.left = asyncio.Event()
        """Set when a client has left before the end of a response."""

    def answers(self, *replies: bytes | Reply) -> None:
        self.replies = [Reply([reply]) if isinstance(reply, bytes) else reply for reply in replies]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.keys.append(request.headers["Authorization"])
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        response = web.StreamResponse(
            status=reply.status, headers={"Content-Type": "text/event-stream", **reply.headers}
        )
        try:
            if reply.pieces or reply.ending == "end":
                await response.prepare(request)
            for piece in reply.pieces:
                await response.write(piece)
                await pause(reply.pause_s)
            if reply.ending == "silence":
                await asyncio.Event().wait()
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        if reply.ending == "break":
            assert request.transport is not None
            request.transport.abort()
        return response


def parts_of(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Returns the bytes in pieces, cut at these positions."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    found = [data[start:end] for start, end in pairwise(places)]
    return [piece for piece in found if piece]


@asynccontextmanager
async def running_double() -> AsyncIterator[OpenAiDouble]:
    """Runs the server on a free port."""
    double = OpenAiDouble()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", double.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        double.url = f"http://{host}:{port}/v1"
        yield double
    finally:
        await runner.cleanup()
