"""The operations with which a message is written while others read it."""

from __future__ import annotations

from typing import Literal

from talkwire.core.commands.streams.writing import (
    AppendToMessage,
    FinishMessage,
    KeepStream,
    RewindMessage,
    StopMessage,
    StreamMessage,
)
from talkwire.core.domain.parts.message_parts import MessagePart
from talkwire.operations.operation import One, Operation
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.messages import (
    AttachmentBody,
    GeneratedBody,
    attachment_refs,
    given_generated,
    message_payload,
)
from talkwire.payloads.streams import appended_payload, kept_payload, opened_stream_payload, rewound_payload

_TAG = "streams"
_OPEN = (
    "A message that the caller writes while others read it. The same again takes the stream over: with a higher "
    "`attempt`, after which writes of earlier attempts are refused. Only callers with the role `service` set "
    "`senderId`, to the user who writes."
)
_APPEND = (
    "What to add to a part: a `text`, or with `set` the new value of a part that is no text. `type` is that of a new "
    "part. `at` is the `length` of the last answer; with it, the same can be sent again without harm."
)
_REWIND = (
    "What to keep of a message that is being written: the parts before `part`, and of it the first `at` units. Without "
    "`at`, the part is removed too."
)
_FINISH = (
    "How the stream ends. `parts` replace all that was written, `attachments` are added, and `error` says why it has "
    "failed."
)

OPEN = Operation(
    StreamMessage,
    event="message:stream",
    route="POST /messages/stream",
    tag=_TAG,
    summary="Open a stream: a message that is written while others read it",
    answer=One(opened_stream_payload),
    members={"generated": InputMember(type=GeneratedBody | None, value=given_generated)},
    without=("source",),
    status=200,
    body=Shape("StreamMessageBody", _OPEN, last=("sender_id",)),
    payload=Shape("StreamMessagePayload", _OPEN, last=("sender_id",)),
)

APPEND = Operation(
    AppendToMessage,
    event="message:append",
    route="POST /messages/{message_id}/append",
    tag=_TAG,
    summary="Append to a part of a message that is being written",
    answer=One(appended_payload),
    without=("source",),
    status=200,
    body=Shape("AppendBody", _APPEND),
    payload=Shape("AppendPayload", _APPEND),
)

REWIND = Operation(
    RewindMessage,
    event="message:rewind",
    route="POST /messages/{message_id}/rewind",
    tag=_TAG,
    summary="Remove what was written last of a message that is being written",
    answer=One(rewound_payload),
    status=200,
    body=Shape("RewindBody", _REWIND),
    payload=Shape("RewindPayload", _REWIND),
)

KEEP = Operation(
    KeepStream,
    event="message:keep",
    route="POST /messages/{message_id}/keep",
    tag=_TAG,
    summary="Renew the lease of a message that is being written",
    answer=One(kept_payload),
    status=200,
    body=Shape("KeepBody"),
    payload=Shape("KeepPayload"),
)

FINISH = Operation(
    FinishMessage,
    event="message:finish",
    route="POST /messages/{message_id}/finish",
    tag=_TAG,
    summary="End the stream of a message",
    answer=One(message_payload, "message"),
    members={
        "attachments": InputMember(type=tuple[AttachmentBody, ...] | None, value=attachment_refs, default=None),
        "parts": InputMember(type=tuple[MessagePart, ...] | None, default=None),
        "state": InputMember(type=Literal["done", "failed"]),
    },
    status=200,
    body=Shape("FinishBody", _FINISH),
    payload=Shape("FinishPayload", _FINISH),
)

STOP = Operation(
    StopMessage,
    event="message:stop",
    route="POST /messages/{message_id}/stop",
    tag=_TAG,
    summary="Ask the author of a stream to stop",
    body=Shape("StopBody", without=("reply_to_id",)),
    body_optional=True,
    payload=Shape("StopPayload"),
)

STOP_ANSWERS = Operation(
    StopMessage,
    route="POST /messages/stop",
    tag=_TAG,
    summary="Ask the authors of the streams that answer a message to stop",
    operation_id="stopAnswers",
    status=204,
    members={"reply_to_id": InputMember(type=str)},
    without=("message_id",),
    body=Shape("StopAnswersBody"),
)

OF_OPEN = (APPEND, REWIND, KEEP, FINISH, STOP, STOP_ANSWERS)
"""Operations for a stream that is open."""

OPERATIONS = (OPEN, *OF_OPEN)
