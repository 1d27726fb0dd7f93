"""What a model has answered so far, in either API of OpenAI, as parts of a message."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import msgspec

from talkwire.api.http.json_budget import check_budget
from talkwire.api.streamed_bodies.body_format import PartWrite, StreamEnd
from talkwire.api.streamed_bodies.written_parts import WrittenParts
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.parts.message_parts import ToolPart
from talkwire.core.domain.parts.streams import ERROR_CODE_MAX_LENGTH, ERROR_MESSAGE_MAX_LENGTH, StreamError

CUT_SHORT = {
    "length": "The answer was cut off at the model's limit of tokens.",
    "content_filter": "The model's content filter has cut off the answer.",
}
"""Texts for the reasons for which a model stops before its answer is complete, by the reason."""


class _Call:
    """A call of a tool, whose arguments arrive in pieces of JSON."""

    def __init__(self, id_: str, name: str) -> None:
        self.id = id_
        self.name = name
        self.arguments: list[str] = []
        self.is_shown = False

    def part(self) -> ToolPart:
        return ToolPart(self.id, self.name, "input-streaming")

    def complete(self) -> ToolPart:
        """Returns the call with its arguments. Some models call a tool that has none with an empty text."""
        text = "".join(self.arguments)
        try:
            check_budget(text.encode())
            given = msgspec.json.decode(text or "{}")
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError, ChatError):
            return ToolPart(self.id, self.name, "output-error", error="The arguments of this call are not valid JSON.")
        return ToolPart(self.id, self.name, "input-available", input=given)


class ModelAnswer:
    """Turns what a model writes into writes to parts: its text, its reasoning, and its calls of tools."""

    def __init__(self) -> None:
        self.parts = WrittenParts()
        self._calls: dict[Hashable, _Call] = {}
        self._is_complete = False
        self._reason = ""
        self._failure: StreamError | None = None
        self._count = 0

    def text(self, text: str | None, *, begins: bool = False) -> Iterator[PartWrite]:
        if text:
            self._is_complete = False
            yield from self.parts.text(text, begins=begins)

    def reasoning(self, text: str | None, *, begins: bool = False) -> Iterator[PartWrite]:
        if text:
            self._is_complete = False
            yield from self.parts.text(text, "reasoning", begins=begins)

    def call(self, place: Hashable, id_: str | None, name: str | None, arguments: str | None) -> Iterator[PartWrite]:
        """Begins a call of a tool or adds to its arguments. Another id at the same place is another call."""
        self._is_complete = False
        call = self._calls.get(place)
        if call is not None and id_ and call.is_shown and call.id != id_:
            yield from self.complete_call(place)
            call = None
        if call is None:
            self._count += 1
            call = self._calls[place] = _Call(id_ or f"call_{self._count}", "")
        if id_ and not call.is_shown:
            call.id = id_
        if name and not call.is_shown:
            call.name += name
        if arguments:
            call.arguments.append(arguments)
        if call.name and not call.is_shown:
            call.is_shown = True
            yield from self.parts.value(call.part())

    def complete_call(self, place: Hashable, arguments: str | None = None) -> Iterator[PartWrite]:
        """A call has all its arguments: those that have arrived, or `arguments`."""
        call = self._calls.pop(place, None)
        if call is not None and call.is_shown:
            if arguments is not None:
                call.arguments = [arguments]
            yield from self.parts.value(call.complete())

    def complete(self, reason: str = "") -> Iterator[PartWrite]:
        """The model has ended, for the `reason` that the API gives."""
        for place in [*self._calls]:
            yield from self.complete_call(place)
        self._is_complete = True
        self._reason = reason or self._reason

    def fail(self, code: object, message: str | None) -> None:
        """The API has reported an error. The first one is the stream's."""
        if self._failure is None:
            shown = str(code)[:ERROR_CODE_MAX_LENGTH] if code else "error"
            self._failure = StreamError(shown, (message or "")[:ERROR_MESSAGE_MAX_LENGTH])

    def how(self) -> StreamEnd | None:
        """Returns how the stream ends; None while the model's answer is not complete."""
        if self._failure is not None:
            return StreamEnd("failed", error=self._failure)
        if not self._is_complete:
            return None
        why = CUT_SHORT.get(self._reason)
        return StreamEnd() if why is None else StreamEnd("failed", error=StreamError(self._reason, why))
