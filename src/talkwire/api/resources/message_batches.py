"""The route `POST /api/v1/messages/batch`, with which the application's back end sends or imports many messages: up to
100 in a JSON body, or any number as lines of JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import takewhile
from typing import Annotated, Any, cast

import msgspec
from litestar import Request, Response, post
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from talkwire.api.description.counterparts import executes
from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.json_budget import check_budget
from talkwire.api.http.json_lines import TAKES_LINES, Line, arriving_lines, takes_lines
from talkwire.api.http.json_request import PARTS_BODY_MAX
from talkwire.api.resources.messages import SendMessageBody, to_send
from talkwire.core.commands.messages import SendMessage, SendMessages
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.errors import ChatError, invalid, refusals_about, refusals_at
from talkwire.core.domain.model import Actor, Message
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.refusal_causes import named_conversation
from talkwire.core.features.messages.sending import check_send
from talkwire.operations.operation import SENDS
from talkwire.payloads.messages import MessagePayload, short_payload
from talkwire.payloads.named_conversation import conversation_in_json
from talkwire.payloads.problems import invalid_payload, with_unknown_fields_in
from talkwire.payloads.replies import ErrorBody, details_payload, error_payload

BATCH_MAX = 100
"""Most messages of a JSON body, and most lines that are sent together."""

REFUSALS_MAX = 100
"""Most refusals of lines that the response lists."""

Outcome = Message | ChatError

_NOT_SENT = ChatError("conflict", "An earlier message was refused, so this one was not sent.", cause="state_changed")

_Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="A message without clientMessageId gets this key, `-` and its number from 1 on as clientMessageId",
    ),
]
_Skip = Annotated[
    bool, QueryParameter(name="skipRefused", description="Go on after a message that is refused, instead of stopping")
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
    description="Sends the messages in the given order, up to the first one that is refused. A body of "
    "newline-delimited JSON (`application/x-ndjson`), a message in each line, may have any length: its messages are "
    "stored as they arrive, and the response counts them.",
    tags=["messages"],
    responses={HTTP_200_OK: ResponseSpec(LinesAnswer, description="The counted lines", generate_examples=False)},
    opt={**executes(SendMessages, SendMessage, unaudited=SENDS), **may_refuse(413), **TAKES_LINES},
    request_max_body_size=PARTS_BODY_MAX,
)
async def send_messages(  # noqa: PLR0913, PLR0917 (each is a part of the request)
    request: Request[Any, Any, Any],
    caller: GivenCaller,
    chat: GivenChat,
    data: JSONBody[SendMessagesBody | None] = None,
    idempotency_key: _Key = None,
    skip_refused: _Skip = False,  # noqa: FBT002 (a query parameter)
) -> Response[ListAnswer[SentOrRefused]]:
    must_be_trusted(caller.actor)
    if takes_lines(request):
        lines = _SentLines(chat, caller.actor, idempotency_key, skip_refused=skip_refused)
        counted = Response(await lines.send(arriving_lines(request, BATCH_MAX)), status_code=HTTP_200_OK)
        return cast("Response[Any]", counted)
    if data is None or not 1 <= len(data.messages) <= BATCH_MAX:
        raise invalid("messages", f"must have 1 to {BATCH_MAX} items")
    commands = []
    for index, body in enumerate(data.messages):
        with refusals_at(f"messages[{index}]"), refusals_about(named_conversation(body)):
            commands.append(_command(body, idempotency_key, index + 1))
    outcomes = await _send(chat, caller.actor, commands, skip_refused=skip_refused)
    not_sent = [_NOT_SENT] * (len(commands) - len(outcomes))
    return Response(ListAnswer(tuple(map(_item, [*outcomes, *not_sent])), None), status_code=HTTP_201_CREATED)


def _item(outcome: Outcome) -> SentOrRefused:
    if isinstance(outcome, ChatError):
        return SentOrRefused(error=error_payload(outcome))
    return SentOrRefused(short_payload(outcome))


class _SentLines:
    """Sends the messages in lines of JSON, and counts how many were stored and how many refused. With `skip_refused`, a
    refused line does not end the sending. `key` is the request's idempotency key, from which the client message ids of
    the lines follow; None if each line must have its own."""

    def __init__(self, chat: LimitedChat, actor: Actor, key: str | None, *, skip_refused: bool) -> None:
        self._chat = chat
        self._actor = actor
        self._key = key
        self._skip_refused = skip_refused
        self._stored = 0
        self._refused = 0
        self._refusals: list[RefusedLine] = []

    async def send(self, groups: AsyncIterator[Sequence[Line]]) -> LinesAnswer:
        """Sends the lines group by group, and returns how many were received, stored and refused.

        Raises the error that ended the sending, if there is one: that of the first refused line, or, with
        `skip_refused`, `unavailable`. Reads the rest of the body before that, because many clients read no response
        until they have sent everything.
        """
        end: ChatError | None = None
        async for group in groups:
            end = end or await self._send_group(group)
        if end is not None:
            raise end
        return LinesAnswer(self._stored + self._refused, self._stored, self._refused, tuple(self._refusals))

    async def _send_group(self, group: Sequence[Line]) -> ChatError | None:
        """Sends the lines of a group. Returns the error that ends the sending: that of the first refused line, or, with
        `skip_refused`, `unavailable`. Returns None if all lines were sent or skipped."""
        read = [(number, self._command_in(line, number)) for number, line in group]
        sent = read if self._skip_refused else takewhile(lambda each: isinstance(each[1], SendMessage), read)
        commands = [each for _, each in sent if isinstance(each, SendMessage)]
        try:
            outcomes = iter(await _send(self._chat, self._actor, commands, skip_refused=self._skip_refused))
        except ChatError as error:
            return self._end(group[0][0], error)
        for number, each in read:
            outcome = next(outcomes) if isinstance(each, SendMessage) else each
            if isinstance(outcome, ChatError):
                self._chat.note_refused(self._actor, SendMessage, outcome)
            if not isinstance(outcome, ChatError):
                self._stored += 1
            elif not self._skip_refused or outcome.code == "unavailable":
                return self._end(number, outcome)
            else:
                self._refused += 1
                if len(self._refusals) < REFUSALS_MAX:
                    self._refusals.append(RefusedLine(number, error_payload(outcome)))
        return None

    def _end(self, number: int, error: ChatError) -> ChatError:
        details = {"line": number, "stored": self._stored, "details": details_payload(error)}
        return error.reworded(f"Line {number}: {error.message}", details)

    def _command_in(self, line: bytes, number: int) -> SendMessage | ChatError:
        """Returns the command to send the message in a line of JSON, or the error that says why the line is invalid.
        `number` is the line's number from 1 on."""
        try:
            check_budget(line)
        except ChatError as error:
            return error
        try:
            body = msgspec.json.decode(line, type=SendMessageBody)
            if body.client_message_id is None and self._key is None:
                raise invalid("clientMessageId", "must be set, or the header Idempotency-Key, to send lines again")
            return _command(body, self._key, number)
        except msgspec.ValidationError as error:
            return _refused_line(invalid_payload(error, SendMessageBody), line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ChatError("invalid_request", "must be valid JSON in UTF-8")
        except ChatError as error:
            return _refused_line(error, line)


def _refused_line(error: ChatError, line: bytes) -> ChatError:
    """Returns the error of an invalid line, with the line's unknown fields and its conversation."""
    error.conversation_id = conversation_in_json(line)
    return with_unknown_fields_in(error, SendMessageBody, line)


def _command(body: SendMessageBody, key: str | None, number: int) -> SendMessage:
    """Returns the command to send the message `number` of a batch. Its client message id is the body's, or else
    consists of `key` (the request's idempotency key) and the number; None if both are missing. Raises `invalid_request`
    for an invalid message."""
    command = to_send(body, None if key is None else f"{key}-{number}")
    check_send(command)
    return command


async def _send(
    chat: LimitedChat, actor: Actor, commands: Sequence[SendMessage], *, skip_refused: bool
) -> Sequence[Outcome]:
    """Sends messages in the given order, and returns for each the stored message or the error that refused it. Without
    `skip_refused`, the first error is the last item, and the messages after it are not sent.

    If the application has a hook for one of the messages, each message is sent by a command of its own, since hooks
    concern single messages.
    """
    if not any(map(chat.is_hooked, commands)):
        return await chat.execute(actor, SendMessages(tuple(commands), skip_refused)) if commands else ()
    outcomes: list[Outcome] = []
    for command in commands:
        try:
            outcomes.append(await chat.execute(actor, command))
        except ChatError as error:
            outcomes.append(error)
            if not skip_refused:
                break
    return outcomes
