"""The route `GET /api/v1/messages/{id}/stream`: reads a message while it is written, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, QueryParameter

from talkwire.api.description.counterparts import executes
from talkwire.api.description.openapi import streams
from talkwire.api.http.caller import end_of
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenStreamWatches
from talkwire.api.http.disconnect import until_disconnect
from talkwire.api.http.methods import BODILESS
from talkwire.api.message_streams.ag_ui import AgUi
from talkwire.api.message_streams.plain_text import PlainText
from talkwire.api.message_streams.stream_format import Frame, StreamFormat
from talkwire.api.message_streams.ui_message import UiMessage
from talkwire.api.server_sent_events import COMMENT, HEARTBEAT_S, EventStream
from talkwire.core.commands.messages import GetMessage
from talkwire.core.domain.parts.reading import StreamReading
from talkwire.core.signals.streams.watches import StreamWatch

END = "end"
"""Id of the last event. A client that reconnects with it, as browsers do by themselves, has everything."""

STREAM_FORMATS: Mapping[str, type[StreamFormat]] = MappingProxyType(
    {"text": PlainText, "ui-message": UiMessage, "ag-ui": AgUi}
)
"""Formats in which a message can be read while it is written, by their names in requests."""

_STREAMED = "Server-sent events with the data of the format. `id` is the place from which a reader goes on."

Format = Annotated[
    Literal["text", "ui-message", "ag-ui"],
    QueryParameter(
        name="format",
        description="`text`; `ui-message` for Vercel's AI SDK (`useChat`); `ag-ui` for the Agent User Interaction "
        "Protocol",
    ),
]


@get(
    "/api/v1/messages/{message_id:str}/stream",
    operation_id="readMessageStream",
    summary="Read a message while it is written, as server-sent events",
    tags=["streams"],
    opt={**streams(_STREAMED), **executes(GetMessage)},
    responses={204: ResponseSpec(None, description="The caller has all of the message", generate_examples=False)},
)
async def read_message_stream(  # noqa: PLR0913, PLR0917 (Litestar passes them by name)
    caller: GivenCaller,
    chat: GivenChat,
    stream_watches: GivenStreamWatches,
    request: Request[Any, Any, Any],
    message_id: FromPath[str],
    format_: Format = "text",
) -> Response[None]:
    message = await chat.execute(caller.actor, GetMessage(message_id))
    place = request.headers.get("last-event-id", "")
    if place == END and message.state != "streaming":
        return Response(None, status_code=204)
    async with contextlib.AsyncExitStack() as closing:
        watch = closing.enter_context(stream_watches.open(caller.actor, caller.session_id, message))
        await closing.enter_async_context(until_disconnect(request.receive, watch.end))
        watch.message = await chat.execute(caller.actor, GetMessage(message_id))  # it may have ended meanwhile
        encoder = STREAM_FORMATS[format_](message)
        return EventStream(
            _blocks(watch, encoder, place, stream_watches.until(end_of(caller))),
            closing.pop_all(),
            is_bodiless=bool(request.state.get(BODILESS)),
            headers=encoder.headers,
        )


async def _blocks(watch: StreamWatch, encoder: StreamFormat, place: str, end_s: float) -> AsyncGenerator[bytes]:
    """Yields what the reader lacks from its `place` on, and a comment after every `HEARTBEAT_S` seconds without news.
    Ends after the end of the message, when the reader may not read any more, or at `end_s`, by the event loop's
    clock."""
    loop = asyncio.get_running_loop()
    reading = StreamReading()
    await watch.copied()
    reading.resume(place, watch.parts())
    if not reading.place:
        yield _block(encoder.begin()) or COMMENT
        if place and encoder.is_continued:
            yield _block(encoder.restart())
    while watch.may_read and loop.time() < end_s:  # Suspends: each round waits for news.
        message, parts = watch.message, watch.parts()
        pieces = reading.take(parts)
        if pieces is None:
            yield _block(encoder.restart())
            if not encoder.can_restart:
                return
            reading.restart()
            continue
        for piece in pieces:
            yield _block(encoder.piece(piece), reading.place if piece is pieces[-1] else "")
        if message.state != "streaming":
            yield _block(encoder.end(message), END)
            return
        if not pieces:
            yield COMMENT
        await watch.wait(min(loop.time() + HEARTBEAT_S, end_s))


def _block(frames: Iterable[Frame], id_: str = "") -> bytes:
    """Returns server-sent events, the last of which has the id."""
    blocks = []
    for data, name in frames:
        lines = [f"event: {name}"] if name else []
        lines += [f"data: {line}" for line in data.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
        blocks.append("\n".join(lines) + "\n\n")
    if id_ and blocks:
        blocks[-1] = f"id: {id_}\n{blocks[-1]}"
    return "".join(blocks).encode()
