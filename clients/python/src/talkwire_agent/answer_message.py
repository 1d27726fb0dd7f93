"""The message in which the agent answers: opened with its first piece, and kept within the server's limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

from talkwire_agent.calling import ToolResult, cut_off
from talkwire_agent.characters import storable, without_nulls
from talkwire_agent.model import ToolCall
from talkwire_client import AnswerStream, AskedCard, Turn
from talkwire_client.written_parts import WholePart

# The server takes 64 KiB of texts and 256 KiB of all parts in a message, and 100 parts. These sums are below that.
TEXT_MAX_BYTES = 60 * 1024
"""Most bytes of text in one message, as UTF-8."""

REASONING_MAX_BYTES = 32 * 1024
"""Most bytes of reasoning in one message, as UTF-8."""

SHOWN_INPUT_MAX_BYTES = 1024
"""Most bytes of a call's input that the message shows, as UTF-8."""

SHOWN_OUTPUT_MAX_BYTES = 3 * 1024
"""Most bytes of a call's output that the message shows, as UTF-8."""

CALLS_MAX = 30
"""Most calls of tools in one message."""

ID_MAX = 128
"""Longest id of a call that a message holds, in characters."""


class TooLongError(Exception):
    """Raised when the model writes more text than a message holds."""


class AnswerMessage:
    """The agent's message in a turn, for `async with`. It is opened with the first piece, so a turn that fails before
    leaves no message. Its end and the end of the turn are one.

    An exception that leaves the block ends the message as the client's stream does. If an earlier attempt has not ended
    the message, this continues it: what is there is removed, except the call about which people have decided.
    """

    def __init__(self, turn: Turn, model_name: str) -> None:
        self._turn = turn
        self._model_name = model_name
        self._message: AnswerStream | None = None
        self._has_decided_call = False
        """Whether the first part is the call about which people have decided, as an earlier attempt has left it."""
        self._opening = asyncio.Lock()
        self._texts = 0
        """Bytes of text that the message has so far."""
        self._reasoning = 0
        self._running: dict[str, WholePart] = {}
        """Parts of calls that have no result yet, by the call's id."""
        self.reply_to_id: str | None = None
        """Id of the message to which this one is a reply."""
        self.calls = 0
        """Number of calls that the message has."""
        self.label = "Thinking"
        """Label of what the agent does, as members see it where typing is shown."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._message is not None:
            await self._message.__aexit__(kind, error, traceback)

    @property
    def is_empty(self) -> bool:
        """Whether readers have nothing to read but reasoning."""
        return self._texts == 0 and self.calls == 0

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
        await self._set(call, _ended(self._running.pop(call.id), result))

    async def call_ended_before(
        self, call: ToolCall, arguments: Mapping[str, object], card_id: str, result: ToolResult
    ) -> None:
        """Shows the result of a call that an earlier attempt has begun."""
        self.calls += 1
        await self._set(call, _ended(self._part(call, "input-available", arguments, card_id), result))

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

    async def finish(self, card: AskedCard | None = None) -> None:
        """Ends the message, if there is one, and the turn. With a card, sends that, and lets the turn wait for it.

        Calls that have no result are shown as not ended.
        """
        await self._end_calls()
        if card is not None:
            if self._message is not None:
                await self._message.finish(more=True)
            await self._turn.send(card=card)
        elif self._message is None:
            await self._turn.done()
        elif self.is_empty:
            await self._message.fail("empty", "The model has written no answer.")
        else:
            await self._message.finish()

    async def cut_short(self, code: str, why: str) -> None:
        """Ends a message that is not complete, and the turn: a later attempt would be cut short too. Readers see why.

        If they have nothing else to read, the turn has failed.
        """
        if self.is_empty or self._message is None:
            await self.fail(code, why)
        else:
            await self._message.text(f"\n\n*{why}*")
            await self.finish()

    async def fail(self, code: str, why: str) -> None:
        """Ends the message as failed, if there is one, and this attempt of the turn."""
        await self._end_calls()
        if self._message is None:
            await self._turn.fail(code, why)
        else:
            await self._message.fail(code, why)

    async def _open(self) -> AnswerStream:
        async with self._opening:
            if self._message is None:
                message = self._turn.stream(model=self._model_name, continue_=True, reply_to_id=self.reply_to_id)
                await message.__aenter__()
                self._message = message
                self._has_decided_call = self._is_decided_call(message)
                kept = int(self._has_decided_call)
                if len(message.parts) > kept:
                    await message.rewind(kept)
            return self._message

    def _is_decided_call(self, message: AnswerStream) -> bool:
        """Returns whether a message begins with the call about which people have decided in this turn."""
        card = self._turn.card_message
        first: Mapping[str, object] = cast("Any", message.parts[0]) if message.parts else {}
        return card is not None and first.get("cardId") == card["id"]

    async def _set(self, call: ToolCall, part: WholePart) -> None:
        message = await self._open()
        await message.set(0 if self._has_decided_call and "cardId" in part else call.id, part)

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


def _ended(began: WholePart, result: ToolResult) -> WholePart:
    """Returns the part of a call after its end."""
    shown = cut_off(result.text, SHOWN_OUTPUT_MAX_BYTES)
    ended = (
        {"state": "output-error", "error": shown} if result.is_error else {"state": "output-available", "output": shown}
    )
    return cast("WholePart", {**began, **ended})


def _shown_input(arguments: Mapping[str, object] | str) -> object:
    if isinstance(arguments, str):
        return cut_off(arguments, SHOWN_INPUT_MAX_BYTES)
    text = json.dumps(dict(arguments), ensure_ascii=False)
    return dict(arguments) if len(text.encode()) <= SHOWN_INPUT_MAX_BYTES else cut_off(text, SHOWN_INPUT_MAX_BYTES)
