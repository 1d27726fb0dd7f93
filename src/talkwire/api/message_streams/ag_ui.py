"""The format `ag-ui`: the events of the Agent User Interaction Protocol, as one run of an agent.

Source: https://docs.ag-ui.com/concepts/events
"""

from __future__ import annotations

from collections.abc import Iterable
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
    TextPart,
    ToolPart,
)

_encode = msgspec.json.Encoder().encode


def _event(type_: str, **members: object) -> Frame:
    return Frame(_encode({"type": type_, **members}).decode())


class AgUi(StreamFormat):
    """Each text is a message of its own, the first with the id of the message. A message that is rewound ends the run
    with an error: a client that runs the agent again receives it from its beginning."""

    can_restart: ClassVar[bool] = False
    _calls: frozenset[str] = frozenset()
    _results: frozenset[str] = frozenset()

    def begin(self) -> Iterable[Frame]:
        yield _event("RUN_STARTED", threadId=self.conversation_id, runId=self.message_id)

    def open_text(self, part: TextPart | ReasoningPart, id_: str) -> Iterable[Frame]:
        message_id = self._id(id_)
        if isinstance(part, TextPart):
            yield _event("TEXT_MESSAGE_START", messageId=message_id, role="assistant")
        else:
            yield _event("REASONING_START", messageId=message_id)
            yield _event("REASONING_MESSAGE_START", messageId=message_id, role="reasoning")

    def text(self, part: TextPart | ReasoningPart, id_: str) -> Iterable[Frame]:
        kind = "TEXT" if isinstance(part, TextPart) else "REASONING"
        yield _event(f"{kind}_MESSAGE_CONTENT", messageId=self._id(id_), delta=part.text)

    def close_text(self, type_: type[MessagePart], id_: str) -> Iterable[Frame]:
        message_id = self._id(id_)
        if type_ is TextPart:
            yield _event("TEXT_MESSAGE_END", messageId=message_id)
        else:
            yield _event("REASONING_MESSAGE_END", messageId=message_id)
            yield _event("REASONING_END", messageId=message_id)

    def _id(self, id_: str) -> str:
        return self.message_id if id_ == "0" else f"{self.message_id}:{id_}"

    def value(self, index: int, part: MessagePart, *, is_new: bool) -> Iterable[Frame]:
        del is_new
        match part:
            case ToolPart():
                yield from self._tool(part)
            case PlanPart():
                place = self._id(f"part-{index}")
                yield _event("ACTIVITY_SNAPSHOT", messageId=place, activityType="PLAN", content=part, replace=True)
            case DataPart(name=name, value=value):
                yield _event("CUSTOM", name=name, value=value)
            case _:
                yield _event("CUSTOM", name="source", value=part)

    def _tool(self, part: ToolPart) -> Iterable[Frame]:
        id_ = part.tool_call_id
        if part.state == "input-streaming":
            return
        if id_ not in self._calls:
            self._calls |= {id_}
            yield _event("TOOL_CALL_START", toolCallId=id_, toolCallName=part.name, parentMessageId=self.message_id)
            if part.input is not UNSET:
                yield _event("TOOL_CALL_ARGS", toolCallId=id_, delta=_encode(part.input).decode())
            yield _event("TOOL_CALL_END", toolCallId=id_)
        if part.state.startswith("output") and id_ not in self._results:
            self._results |= {id_}
            yield _event("TOOL_CALL_RESULT", messageId=self._id(f"result-{id_}"), toolCallId=id_, content=_result(part))

    def forget(self) -> Iterable[Frame]:
        yield _event("RUN_ERROR", message="The message is written again from the start.", code="rewound")

    def end(self, message: Message) -> Iterable[Frame]:
        yield from self.close()
        if message.state in {None, "done", "stopped"}:
            yield _event("RUN_FINISHED", threadId=self.conversation_id, runId=self.message_id)
            return
        error = message.error
        text = str(message.state) if error is None else error.message or error.code
        yield _event("RUN_ERROR", message=text, code=str(message.state) if error is None else error.code)


def _result(part: ToolPart) -> str:
    """Returns what a tool has returned, as a text: the error, or JSON."""
    if part.state != "output-available":
        return part.error or part.state.removeprefix("output-")
    if isinstance(part.output, str):
        return part.output
    return "" if part.output is UNSET else _encode(part.output).decode()
