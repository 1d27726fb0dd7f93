"""The route `POST /api/v1/messages/batch`, with which the application's back end sends or imports many messages: up to
100 in a JSON body, or any number as lines of JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, cast

import msgspec
from litestar import Request, Response, post
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED
from litestar.types import ControllerRouterHandler

from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.json_budget import check_budget
from talkwire.api.http.json_lines import TAKES_LINES, Line, arriving_lines, takes_lines
from talkwire.api.resources.messages import SendMessageBody, to_send
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.errors import ChatError, invalid, refusals_at
from talkwire.core.domain.model import Actor, Message
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.features.messages.sending import check_send
from talkwire.dialects.payloads.messages import MessagePayload, message_payload
from talkwire.dialects.payloads.problems import invalid_payload, with_unknown_fields_in
from talkwire.dialects.replies import ErrorBody, error_payload

BATCH_MAX = 100
"""How many messages a JSON body may have, and how many lines are sent together."""

REFUSALS_MAX = 100
"""How many refusals of lines the response lists."""

Outcome = Message | ChatError

_Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="A message without clientMessageId gets this key, `-` and its number from 1 on as clientMessageId",
    ),
]


class SendMessagesBody(Body, frozen=True):
    """The messages to send, in this order: 1 to 100."""

    messages: tuple[SendMessageBody, ...]


class SentOrRefused(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened to one message of a batch: either the stored `message`, or the `error` with which it was
    refused."""

    message: MessagePayload | None = None
    error: ErrorBody | None = None


class RefusedLine(msgspec.Struct, frozen=True):
    """A line that was refused, by its number from 1 on, and the reason."""

    line: int
    error: ErrorBody


class LinesAnswer(msgspec.Struct, frozen=True):
    """How many lines were `received`, `stored` (now or by an earlier request) and `refused`, with the first 100
    refusals."""

    received: int
    stored: int
    refused: int
    refusals: tuple[RefusedLine, ...]


@post(
    "/api/v1/messages/batch",
    operation_id="sendMessages",
    summary="Send or import up to 100 messages, or any number as lines of JSON (roles service and admin)",
    description="Each message is sent or refused by itself, in the given order. A body of newline-delimited JSON "
    "(`application/x-ndjson`), a message in each line, may have any length: its messages are stored as they arrive, "
    "and the response counts them.",
    tags=["messages"],
    responses={HTTP_200_OK: ResponseSpec(LinesAnswer, description="The counted lines")},
    opt={**may_refuse(413), **TAKES_LINES},
)
async def send_messages(
    request: Request[Any, Any, Any],
    caller: GivenCaller,
    chat: GivenChat,
    data: JSONBody[SendMessagesBody | None] = None,
    idempotency_key: _Key = None,
) -> Response[ListAnswer[SentOrRefused]]:
    must_be_trusted(caller.actor)
    if takes_lines(request):
        lines = arriving_lines(request, BATCH_MAX)
        counted = Response(await _send_lines(chat, caller.actor, lines, idempotency_key), status_code=HTTP_200_OK)
        return cast("Response[Any]", counted)
    if data is None or not 1 <= len(data.messages) <= BATCH_MAX:
        raise invalid("messages", f"must have 1 to {BATCH_MAX} items")
    commands = []
    for index, body in enumerate(data.messages):
        with refusals_at(f"messages[{index}]"):
            commands.append(_command(body, idempotency_key, index + 1))
    outcomes = await _send(chat, caller.actor, commands)
    return Response(ListAnswer(tuple(map(_said, outcomes)), None), status_code=HTTP_201_CREATED)


def _said(outcome: Outcome) -> SentOrRefused:
    if isinstance(outcome, ChatError):
        return SentOrRefused(error=error_payload(outcome))
    return SentOrRefused(message_payload(outcome))


async def _send_lines(
    chat: LimitedChat, actor: Actor, groups: AsyncIterator[Sequence[Line]], key: str | None
) -> LinesAnswer:
    """Sends the messages in lines of JSON, group by group, and returns what happened to them.

    Raises `unavailable` if the server cannot store messages now. The client then sends all lines again; those that were
    stored are recognised.
    """
    received, refused = 0, 0
    refusals: list[RefusedLine] = []
    async for group in groups:
        received += len(group)
        read = [(number, _command_in(line, key, number)) for number, line in group]
        sent = iter(await _send(chat, actor, [each for _, each in read if isinstance(each, SendMessage)]))
        for number, each in read:
            outcome = next(sent) if isinstance(each, SendMessage) else each
            if not isinstance(outcome, ChatError):
                continue
            if outcome.code == "unavailable":
                raise ChatError("unavailable", f"Line {number}: {outcome.message} Send all lines again.")
            refused += 1
            if len(refusals) < REFUSALS_MAX:
                refusals.append(RefusedLine(number, error_payload(outcome)))
    return LinesAnswer(received, received - refused, refused, tuple(refusals))


def _command_in(line: bytes, key: str | None, number: int) -> SendMessage | ChatError:
    """Returns the command to send the message in a line of JSON, or the error that describes why the line is
    invalid."""
    try:
        check_budget(line)
    except ChatError as error:
        return error
    try:
        body = msgspec.json.decode(line, type=SendMessageBody)
        if body.client_message_id is None and key is None:
            raise invalid("clientMessageId", "must be set, here or by the header Idempotency-Key, to send lines again")
        return _command(body, key, number)
    except msgspec.ValidationError as error:
        return with_unknown_fields_in(invalid_payload(error, SendMessageBody), SendMessageBody, line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ChatError("invalid_request", "The line must be valid JSON in UTF-8.")
    except ChatError as error:
        return with_unknown_fields_in(error, SendMessageBody, line)


def _command(body: SendMessageBody, key: str | None, number: int) -> SendMessage:
    """Returns the command to send a message of a batch. Raises `invalid_request` for an invalid one."""
    command = to_send(body, None if key is None else f"{key}-{number}")
    check_send(command)
    return command


async def _send(chat: LimitedChat, actor: Actor, commands: Sequence[SendMessage]) -> Sequence[Outcome]:
    """Sends messages in the given order, and returns for each the stored message or why it was refused."""
    if any(map(chat.is_hooked, commands)):  # they are queued when their hooks have returned, in any order
        return [await _outcome(chat, actor, command) for command in commands]
    return await asyncio.gather(*(_outcome(chat, actor, command) for command in commands))


async def _outcome(chat: LimitedChat, actor: Actor, command: SendMessage) -> Outcome:
    try:
        return await chat.execute(actor, command)
    except ChatError as error:
        return error


message_batch_routes: tuple[ControllerRouterHandler, ...] = (send_messages,)
