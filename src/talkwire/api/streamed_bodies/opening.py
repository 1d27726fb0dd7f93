"""The query of a request that writes a whole message: the members with which `message:stream` opens a stream."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from talkwire.api.http.bodies import Body
from talkwire.api.http.caller import ActingUserId
from talkwire.api.http.dependencies import GivenCaller
from talkwire.api.http.json_budget import check_budget
from talkwire.api.streamed_request import STREAM_FORMAT
from talkwire.core.commands.streams.writing import StreamMessage
from talkwire.core.domain.errors import invalid
from talkwire.operations.messages.streams import OPEN
from talkwire.operations.shapes import Shape, given_type, parts_of, values_of
from talkwire.payloads.problems import invalid_payload

GIVEN = given_type(
    OPEN.body or Shape("StreamMessageBody"), Body, __name__, parts_of(StreamMessage, OPEN.without, OPEN.members)
)

BodyFormatName = Literal["text", "ndjson", "openai"]


class Opening(NamedTuple):
    """A request that writes a whole message, with a body in `format`, after `command` has opened it."""

    format: BodyFormatName
    command: StreamMessage


GivenOpening = NamedDependency[Opening | None]


def _named(name: str, description: str | None = None) -> Any:  # noqa: ANN401 (Litestar's)
    return QueryParameter(name=name, description=description)


async def provide_opening(  # noqa: PLR0913, PLR0917 (Litestar passes them by name)
    caller: GivenCaller,  # noqa: ARG001 (signed in before the query is read)
    format_: Annotated[
        BodyFormatName | None,
        _named(
            STREAM_FORMAT,
            "The body is all of the message, written as it arrives: `text` is UTF-8, `ndjson` a JSON object in each "
            "line, `openai` what an API streams that speaks as OpenAI's. The members of the JSON body are parameters "
            "of the query then",
        ),
    ] = None,
    conversation_id: Annotated[str | None, _named("conversationId")] = None,
    client_message_id: Annotated[str | None, _named("clientMessageId")] = None,
    reply_to_id: Annotated[str | None, _named("replyToId")] = None,
    thread_id: Annotated[str | None, _named("threadId")] = None,
    metadata: Annotated[str | None, _named("metadata", "The metadata as JSON")] = None,
    lease_s: Annotated[int | None, _named("leaseS")] = None,
    if_last_seq: Annotated[int | None, _named("ifLastSeq")] = None,
    if_handler: Annotated[
        str | None,
        _named("ifHandler", "The stream is opened only if this user handles the conversation then, `none` for nobody"),
    ] = None,
    generated: Annotated[str | None, _named("generated", "How an agent wrote the message, as JSON")] = None,
    on_behalf_of: Annotated[str | None, _named("onBehalfOf")] = None,
    turn: Annotated[str | None, _named("turn")] = None,
    more: Annotated[bool | None, _named("more")] = None,
    sender_id: ActingUserId = None,
) -> Opening | None:
    """Provides the dependency `opening`: what the query asks for; None if it has no `format`."""
    members = {
        "conversationId": conversation_id,
        "clientMessageId": client_message_id,
        "replyToId": reply_to_id,
        "threadId": thread_id,
        "metadata": _decoded("metadata", metadata),
        "leaseS": lease_s,
        "ifLastSeq": if_last_seq,
        "ifHandler": if_handler,
        "generated": _decoded("generated", generated),
        "onBehalfOf": on_behalf_of,
        "turn": turn,
        "more": more,
        "senderId": sender_id,
    }
    given = {name: value for name, value in members.items() if value is not None}
    if format_ is None:
        if given:
            raise invalid(min(given), "is a member of the body, unless there is a format")
        return None
    if if_handler == "none":
        given["ifHandler"] = None
    try:
        body = msgspec.convert(given, type=GIVEN.type)
    except msgspec.ValidationError as error:
        raise invalid_payload(error, GIVEN.type) from None
    return Opening(format_, StreamMessage(**values_of(body, GIVEN.parts)))


def _decoded(name: str, text: str | None) -> object:
    if text is None:
        return None
    try:
        check_budget(text.encode())
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise invalid(name, "must be JSON") from None
