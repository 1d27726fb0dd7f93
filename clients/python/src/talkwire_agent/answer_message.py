"""The message in which the agent answers: opened with its first piece, and kept within the server's limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, cast

from talkwire_agent.calling import ToolResult, cut_off
from talkwire_agent.characters import storable, without_nulls
from talkwire_agent.model import ToolCall
from talkwire_agent.turns import MessageWriter, Turn
from talkwire_client.written_parts import WholePart

# The server takes 64 KiB of texts and 256 KiB of all parts in a message, and 100 parts. These sums are below that.
TEXT_MAX_BYTES = 60 * 1024
REASONING_MAX_BYTES = 32 * 1024
SHOWN_INPUT_MAX_BYTES = 1024
SHOWN_OUTPUT_MAX_BYTES = 3 * 1024
CALLS_MAX = 30
"""Calls of tools in one message."""

ID_MAX = 128
"""The longest id of a call that a message holds, in characters."""


class TooLongError(Exception):
    """Raised when the model writes more text than a message holds."""


class AnswerMessage:
    """The agent's message in a turn, for `async with`. It is opened with the first piece, so a turn that fails before
    leaves no message.

    An exception that leaves the block ends the message as the client's stream does. Text of an earlier attempt that
    was not ended is removed.
    """

    def __init__(self, turn: Turn, model_name: str) -> None:
        self._turn = turn
        self._model_name = model_name
        self._stream: AbstractAsyncContextManager[MessageWriter] | None = None
        self._message: MessageWriter | None = None
        self._opened = asyncio.Event()
        self._opening = asyncio.Lock()
        self._texts = 0
        """Bytes of text so far."""
        self._reasoning = 0
        self._running: dict[str, WholePart] = {}
        """By id: parts of calls that have no result yet."""
        self.calls = 0
        """How many calls the message has."""
        self.label = "Thinking"
        """What the agent does, as members see it where typing is shown."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stream is not None and self._message is not None:
            await self._stream.__aexit__(kind, error, traceback)

    @property
    def is_empty(self) -> bool:
        """Whether readers have nothing to read but reasoning."""
        return self._texts == 0 and self.calls == 0

    async def until_stopped(self) -> None:
        """Waits until somebody has asked to stop, through this message."""
        await self._opened.wait()
        assert self._message is not None
        await self._message.until_stopped()
        if self._message.stopped is None:  # It is over for another reason, which the next write raises.
            await asyncio.Event().wait()

    async def text(self, text: str) -> None:
        """Adds to the text. Raises `TooLongError`."""
        text = without_nulls(text)
        self._texts += len(text.encode(errors="surrogatepass"))
        if self._texts > TEXT_MAX_BYTES:
            raise TooLongError
        message = await self._open()
        self.label = "Writing"
        await message.text(text)

    async def reasoning(self, text: str) -> None:
        """Adds to the reasoning, of which readers see only so much."""
        text = without_nulls(text)
        self._reasoning += len(text.encode(errors="surrogatepass"))
        if self._reasoning <= REASONING_MAX_BYTES:
            await (await self._open()).reasoning(text)

    async def call_began(self, call: ToolCall, arguments: Mapping[str, object], card_id: str | None = None) -> None:
        """Shows that a tool runs."""
        self.calls += 1
        self.label = f"Running {call.name}"
        part = self._part(call, "input-available", arguments, card_id)
        self._running[call.id] = part
        await self._set(call, part)

    async def call_asked(self, call: ToolCall, arguments: Mapping[str, object]) -> None:
        """Shows that a call waits for an approval, if there is a message."""
        if self._message is not None:
            self.calls += 1
            await self._set(call, self._part(call, "approval-requested", arguments))

    async def call_ended(self, call: ToolCall, result: ToolResult) -> None:
        """Shows the result of a call that began."""
        ended: Any = dict(self._running.pop(call.id))
        shown = cut_off(result.text, SHOWN_OUTPUT_MAX_BYTES)
        if result.is_error:
            ended |= {"state": "output-error", "error": shown}
        else:
            ended |= {"state": "output-available", "output": shown}
        await self._set(call, ended)

    async def call_refused(
        self, call: ToolCall, arguments: Mapping[str, object] | str, reason: str, card_id: str | None = None
    ) -> None:
        """Shows a call that was not executed: as denied if it has a card, else as an error. Arguments that are invalid
        are shown as the text that the model has written.
        """
        state = "output-error" if card_id is None else "output-denied"
        part: Any = self._part(call, state, arguments, card_id)
        self.calls += 1
        part["error"] = cut_off(reason, SHOWN_OUTPUT_MAX_BYTES)
        await self._set(call, part)

    async def store(self) -> None:
        """Waits until the server has stored all that was written.

        The server answers a rewind after that. So this writes a blank text, which no reader sees, and removes it.
        """
        message = await self._open()
        count = len(message.parts)
        await message.text(" ")
        await message.rewind(count)

    async def finish(self) -> None:
        """Ends the message, if there is one. Calls that have no result are shown as not ended."""
        await self._end_calls()
        if self._message is None:
            return
        if self.is_empty:
            await self._message.fail("empty", "The model has written no answer.")
        else:
            await self._message.finish()

    async def fail(self, code: str, message: str) -> None:
        """Ends the message as failed, if there is one."""
        await self._end_calls()
        if self._message is not None:
            await self._message.fail(code, message)

    async def _open(self) -> MessageWriter:
        async with self._opening:
            if self._message is None:
                stream = self._turn.stream(model=self._model_name)
                message = await stream.__aenter__()
                self._stream, self._message = stream, message
                self._opened.set()
                if message.parts:
                    await message.rewind(0)
            return self._message

    async def _set(self, call: ToolCall, part: WholePart) -> None:
        await (await self._open()).set(call.id, part)

    async def _end_calls(self) -> None:
        for id_, part in list(self._running.items()):
            del self._running[id_]
            stopped: Any = {**part, "state": "output-error", "error": "Stopped before it ended."}
            await (await self._open()).set(id_, stopped)

    def _part(
        self, call: ToolCall, state: str, arguments: Mapping[str, object] | str, card_id: str | None = None
    ) -> WholePart:
        part = {
            "type": "tool",
            "toolCallId": storable(call.id[:ID_MAX]),
            "name": storable(call.name[:ID_MAX]) or "?",
            "state": state,
            "input": _shown_input(arguments),
        }
        return cast("WholePart", part if card_id is None else {**part, "cardId": card_id})


def _shown_input(arguments: Mapping[str, object] | str) -> object:
    if isinstance(arguments, str):
        return cut_off(arguments, SHOWN_INPUT_MAX_BYTES)
    text = json.dumps(dict(arguments), ensure_ascii=False)
    return dict(arguments) if len(text.encode()) <= SHOWN_INPUT_MAX_BYTES else cut_off(text, SHOWN_INPUT_MAX_BYTES)
