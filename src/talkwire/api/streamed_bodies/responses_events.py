"""The events of OpenAI's Responses API that add to a message.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from talkwire.api.streamed_bodies.body_format import PartWrite
from talkwire.api.streamed_bodies.model_answer import ModelAnswer
from talkwire.core.domain.errors import invalid

_TEXT = frozenset({"response.output_text.delta", "response.refusal.delta"})
_REASONING = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})
_CALLS = frozenset(
    {
        "response.output_item.added",
        "response.output_item.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
    }
)
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled", "error"})
_KNOWN = _TEXT | _REASONING | _CALLS | _ENDS

_REASONS = {"max_output_tokens": "length"}
"""Words of chat completions for the reasons of an incomplete response, by the word of responses."""


class _Item(msgspec.Struct, frozen=True):
    type: str = ""
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Failure(msgspec.Struct, frozen=True):
    code: str | None = None
    message: str | None = None


class _Incomplete(msgspec.Struct, frozen=True):
    reason: str = ""


class _Response(msgspec.Struct, frozen=True):
    error: _Failure | None = None
    incomplete_details: _Incomplete | None = None


class ResponsesEvent(msgspec.Struct, frozen=True):
    """One event. Items of the output have an index, and the texts in an item too."""

    type: str
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: str = ""
    arguments: str | None = None
    item: _Item | None = None
    response: _Response | None = None
    code: str | None = None
    message: str | None = None


class ResponsesEvents:
    """Adds events to a model's answer."""

    def __init__(self, answer: ModelAnswer) -> None:
        self._answer = answer
        self._place: tuple[int, int, int] | None = None
        """Place of the text that was written last."""

    @staticmethod
    def knows(type_: str) -> bool:
        """Returns whether events of this type add to a message. Raises `invalid_request` for one of another API."""
        if not type_.startswith("response.") and type_ not in {"error", "keepalive"}:
            raise invalid("type", "must be that of an event of the Responses API")
        return type_ in _KNOWN

    def written(self, event: ResponsesEvent) -> Iterator[PartWrite]:
        if event.type in _CALLS:
            yield from self._call(event)
        elif event.type in _ENDS:
            yield from self._end(event)
        elif event.delta:
            place = (event.output_index, event.content_index, event.summary_index)
            begins, self._place = place != self._place, place
            add = self._answer.text if event.type in _TEXT else self._answer.reasoning
            yield from add(event.delta, begins=begins)

    def _call(self, event: ResponsesEvent) -> Iterator[PartWrite]:
        item, place = event.item, event.output_index
        if event.type == "response.function_call_arguments.delta":
            yield from self._answer.call(place, None, None, event.delta)
        elif event.type == "response.function_call_arguments.done":
            yield from self._answer.complete_call(place, event.arguments)
        elif item is None or item.type != "function_call":
            return
        elif event.type == "response.output_item.added":
            yield from self._answer.call(place, item.call_id, item.name, item.arguments)
        else:
            yield from self._answer.complete_call(place, item.arguments)

    def _end(self, event: ResponsesEvent) -> Iterator[PartWrite]:
        response = event.response or _Response()
        if event.type in {"response.completed", "response.incomplete"}:
            reason = "" if response.incomplete_details is None else response.incomplete_details.reason
            yield from self._answer.complete(_REASONS.get(reason, reason))
        elif event.type == "error":
            self._answer.fail(event.code, event.message)
        else:
            error = response.error or _Failure(event.type.removeprefix("response."))
            self._answer.fail(error.code, error.message)
