"""The route `POST /api/v1/messages/stream`: opens a stream, or with a `format` in the query writes a whole message from
a body that is read as it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from litestar import MediaType, Request, Response, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from talkwire.api.description.counterparts import executes
from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenStreamWatches, GivenUploads
from talkwire.api.http.errors import on_chat_error
from talkwire.api.http.lingering import Lingering
from talkwire.api.streamed_bodies.arriving_body import STREAMED_MAX, ArrivingBody, too_large
from talkwire.api.streamed_bodies.body_format import BodyFormat
from talkwire.api.streamed_bodies.json_lines_body import JsonLinesBody
from talkwire.api.streamed_bodies.message_writer import MessageWriter
from talkwire.api.streamed_bodies.openai_body import OpenAiBody
from talkwire.api.streamed_bodies.opening import GIVEN, BodyFormatName, GivenOpening, Opening
from talkwire.api.streamed_bodies.text_body import TextBody
from talkwire.api.streamed_request import STREAM_FORMAT, STREAM_PATH, takes_streams
from talkwire.core.commands.streams.writing import OpenedStream, StreamMessage
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Message
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.signals.streams.watches import StreamWatches
from talkwire.identity.callers import Caller
from talkwire.operations.messages.streams import OPEN
from talkwire.operations.shapes import values_of
from talkwire.payloads.streams import OpenedStreamPayload, opened_stream_payload

BODY_FORMATS: Mapping[BodyFormatName, type[BodyFormat]] = MappingProxyType(
    {"text": TextBody, "ndjson": JsonLinesBody, "openai": OpenAiBody}
)
"""Formats of bodies from which a message is written, by their names in requests."""

_OpenBody: Any = GIVEN.type

_NO_BODY = "must be a JSON object"

_BODIES = {
    "text/plain": "With `format=text`: the text of the message.",
    "application/x-ndjson": "With `format=ndjson`: newline-delimited JSON, an object in each line.",
    "text/event-stream": "With `format=openai`: what OpenAI's API streams, or the data of its events as lines of JSON.",
}


@post(
    STREAM_PATH,
    status_code=HTTP_200_OK,
    summary=OPEN.summary,
    description="With `format`, the body is the whole message: it is written as it arrives, and the response comes at "
    "the end, or as soon as the stream has ended otherwise.",
    tags=[OPEN.tag],
    opt={
        **executes(*OPEN.commands),
        **may_refuse(413),
        **takes_streams(STREAM_FORMAT, _BODIES),
    },
)
async def stream_message(  # noqa: PLR0913, PLR0917 (each is a part of the request)
    request: Request[Any, Any, Any],
    caller: GivenCaller,
    chat: GivenChat,
    uploads: GivenUploads,
    stream_watches: GivenStreamWatches,
    opening: GivenOpening,
    data: JSONBody[_OpenBody | None] = None,
) -> Response[OpenedStreamPayload]:
    if opening is None:
        if data is None:
            raise ChatError("invalid_request", _NO_BODY, [{"path": "", "message": _NO_BODY}])
        opened = await chat.execute(caller.actor, StreamMessage(**values_of(data, GIVEN.parts)))
        return Response(opened_stream_payload(opened))
    body = ArrivingBody(request.receive, uploads)
    answer: Response[Any]
    try:
        _check_head(request.headers)
        message = await _Request(caller, chat, stream_watches).write(opening, body)
        answer = Response(opened_stream_payload(OpenedStream(message)), media_type=MediaType.JSON)
    except ChatError as error:
        answer = on_chat_error(request, error)
    if body.has_ended:
        return cast("Response[OpenedStreamPayload]", answer)
    return Lingering(answer.content, status_code=answer.status_code, headers=answer.headers, media_type=MediaType.JSON)


class _Request(NamedTuple):
    """Who writes a message by one request, and what the server has for it."""

    caller: Caller
    chat: LimitedChat
    watches: StreamWatches

    async def write(self, opening: Opening, body: ArrivingBody) -> Message:
        """Writes a message from its body, and returns it. One whose stream has ended for good is returned as it is."""
        actor = self.caller.actor
        opened = await self.chat.execute(actor, opening.command)
        if opened.attempt is None:
            return opened.message
        writer = MessageWriter(self.chat, actor, opened)
        with self.watches.open_author(actor, self.caller.session_id, opened.message, opened.attempt) as watch:
            watch.on_news = body.wake
            body.wake()  # something may have happened before the watch was open
            return await writer.write(body, BODY_FORMATS[opening.format](), watch)


def _check_head(headers: Mapping[str, str]) -> None:
    """Raises an error for a body that is compressed or too large, before anything is stored."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise invalid("Content-Encoding", "must not be set: send the body as it is")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > STREAMED_MAX:
        raise too_large()
