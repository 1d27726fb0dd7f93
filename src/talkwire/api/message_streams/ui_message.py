"""The format `ui-message`: the UI message stream of Vercel's AI SDK, which `useChat` reads and resumes.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

import msgspec
from msgspec import UNSET

from talkwire.api.message_streams.stream_format import Frame, StreamFormat
from talkwire.core.domain.model import Message
from talkwire.core.domain.parts.message_parts import (
    DataPart,
    MessagePart,
    PlanPart,
    ReasoningPart,
    SourcePart,
    TextPart,
    ToolPart,
)

_DONE = Frame("[DONE]")
_encode = msgspec.json.Encoder().encode


def _chunk(type_: str, **members: object) -> Frame:
    given = {name: value for name, value in members.items() if value is not UNSET and value is not None}
    return Frame(_encode({"type": type_, **given}).decode())


class UiMessage(StreamFormat):
    """A message of the assistant with one step. A rewind resets the step."""

    headers: ClassVar[Mapping[str, str]] = MappingProxyType({"x-vercel-ai-ui-message-stream": "v1"})

    def begin(self) -> Iterable[Frame]:
        yield _chunk("start", messageId=self.message_id)
        yield _chunk("start-step")

    def open_text(self, part: TextPart | ReasoningPart, id_: str) -> Iterable[Frame]:
        yield _chunk(f"{_name(type(part))}-start", id=id_)

    def text(self, part: TextPart | ReasoningPart, id_: str) -> Iterable[Frame]:
        yield _chunk(f"{_name(type(part))}-delta", id=id_, delta=part.text)

    def close_text(self, type_: type[MessagePart], id_: str) -> Iterable[Frame]:
        yield _chunk(f"{_name(type_)}-end", id=id_)

    def value(self, index: int, part: MessagePart, *, is_new: bool) -> Iterable[Frame]:
        match part:
            case ToolPart():
                yield from _tool(part, is_new=is_new)
            case SourcePart(url=str() as url):
                yield _chunk("source-url", sourceId=str(index), url=url, title=part.title)
            case SourcePart():
                title = part.title or part.quote or part.message_id or part.file_id
                media_type = "text/plain" if part.file_id is None else "application/octet-stream"
                yield _chunk("source-document", sourceId=str(index), mediaType=media_type, title=title)
            case PlanPart():
                yield _chunk("data-plan", id=str(index), data=part)
            case DataPart(name=name):
                yield Frame(_encode({"type": f"data-{name}", "id": str(index), "data": part.value}).decode())

    def forget(self) -> Iterable[Frame]:
        yield _chunk("reset-step")

    def end(self, message: Message) -> Iterable[Frame]:
        yield from self.close()
        match message.state:
            case "failed":
                error = message.error
                yield _chunk("error", errorText="failed" if error is None else error.message or error.code)
            case "stopped":
                yield _chunk("abort", reason="stopped")
            case "interrupted" | "blocked":
                yield _chunk("error", errorText=message.state)
            case _:
                yield _chunk("finish-step")
                yield _chunk("finish", finishReason="stop")
        yield _DONE


def _name(type_: type[MessagePart]) -> str:
    return "text" if type_ is TextPart else "reasoning"


def _tool(part: ToolPart, *, is_new: bool) -> Iterable[Frame]:
    id_ = part.tool_call_id
    if is_new or part.state == "input-streaming":
        yield _chunk("tool-input-start", toolCallId=id_, toolName=part.name, title=part.title, dynamic=True)
    if part.state == "input-streaming":
        return
    given = None if part.input is UNSET else part.input
    available = {"type": "tool-input-available", "toolCallId": id_, "toolName": part.name, "input": given}
    yield Frame(_encode({**available, "dynamic": True}).decode())
    match part.state:
        case "approval-requested":
            yield _chunk("tool-approval-request", toolCallId=id_, approvalId=part.card_id or id_)
        case "output-available":
            output = None if part.output is UNSET else part.output
            data = {"type": "tool-output-available", "toolCallId": id_, "output": output, "dynamic": True}
            yield Frame(_encode(data).decode())
        case "output-error":
            yield _chunk("tool-output-error", toolCallId=id_, errorText=part.error or "", dynamic=True)
        case "output-denied":
            yield _chunk("tool-output-denied", toolCallId=id_)
