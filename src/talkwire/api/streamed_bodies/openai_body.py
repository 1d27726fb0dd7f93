"""The format `openai`: what an API streams that speaks as OpenAI's, as server-sent events or as lines of JSON.

Chat completions: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from talkwire.api.http.json_lines import Line
from talkwire.api.streamed_bodies.body_format import BodyFormat, PartWrite, StreamEnd
from talkwire.api.streamed_bodies.lines import LineBuffer, at_line, decoded
from talkwire.api.streamed_bodies.model_answer import ModelAnswer
from talkwire.api.streamed_bodies.responses_events import ResponsesEvent, ResponsesEvents
from talkwire.core.domain.errors import ChatError, invalid

_DONE = b"[DONE]"
_IGNORED = (b":", b"event:", b"id:", b"retry:")


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct, frozen=True):
    index: int = 0
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct, frozen=True):
    """What is new. Servers call the reasoning either `reasoning_content` or `reasoning`."""

    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[_ToolCall, ...] | None = None


class _Choice(msgspec.Struct, frozen=True):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Error(msgspec.Struct, frozen=True):
    message: str | None = None
    code: str | int | None = None
    type: str | None = None


class _Chunk(msgspec.Struct, frozen=True):
    """A chunk of a chat completion, or an error. One without choices says what was used, and adds nothing."""

    choices: tuple[_Choice, ...] | None = None
    error: _Error | str | None = None
    type: str | None = None


class OpenAiBody(BodyFormat):
    """The body is complete with the reason why the model has ended, or `[DONE]`. After that another completion may
    follow, such as the answer to what a tool has returned."""

    def __init__(self) -> None:
        self._lines = LineBuffer()
        self._answer = ModelAnswer()
        self._responses = ResponsesEvents(self._answer)

    def feed(self, data: bytes) -> Iterator[PartWrite]:
        for line in self._lines.feed(data):
            yield from self._written(line)

    def end(self) -> Iterator[PartWrite]:
        for line in self._lines.flush():
            yield from self._written(line)
        self._answer.parts.must_be_whole()
        if self._answer.how() is None:
            raise invalid("body", "must end with a finish_reason, data: [DONE] or response.completed")

    def how(self) -> StreamEnd | None:
        return self._answer.how()

    def _written(self, line: Line) -> Iterator[PartWrite]:
        number, text = line[0], line[1].strip()
        if not text or text.startswith(_IGNORED):
            return
        data = text.removeprefix(b"data:").strip()
        if data == _DONE:
            yield from self._answer.complete()
        elif data.startswith(b"{"):
            try:
                yield from self._chunk(number, data)
            except ChatError as error:
                raise at_line(number, error) from None
        else:
            raise at_line(number, invalid("body", "must be a server-sent event or a JSON object"))

    def _chunk(self, number: int, data: bytes) -> Iterator[PartWrite]:
        chunk = decoded(number, data, _Chunk)
        if isinstance(chunk.error, _Error):
            self._answer.fail(chunk.error.code or chunk.error.type, chunk.error.message)
        elif chunk.error is not None:
            self._answer.fail(None, chunk.error)
        elif chunk.choices is None and chunk.type is not None:
            yield from self._event(number, data, chunk.type)
        elif chunk.choices is None:
            raise invalid("choices", "is missing")
        for choice in chunk.choices or ():
            if choice.index == 0:
                yield from self._choice(choice)

    def _event(self, number: int, data: bytes, type_: str) -> Iterator[PartWrite]:
        if self._responses.knows(type_):
            yield from self._responses.written(decoded(number, data, ResponsesEvent))

    def _choice(self, choice: _Choice) -> Iterator[PartWrite]:
        delta = choice.delta or _Delta()
        yield from self._answer.reasoning(delta.reasoning_content or delta.reasoning)
        yield from self._answer.text(delta.content or delta.refusal)
        for call in delta.tool_calls or ():
            function = call.function or _Function()
            yield from self._answer.call(call.index, call.id, function.name, function.arguments)
        if choice.finish_reason:
            yield from self._answer.complete(choice.finish_reason)
