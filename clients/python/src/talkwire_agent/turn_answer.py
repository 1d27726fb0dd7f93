"""Writes the answer in one turn: asks the model, runs the tools that it calls, and asks it again with their results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from talkwire_agent.answer_message import CALLS_MAX, AnswerMessage
from talkwire_agent.approvals import (
    Approval,
    AskedCall,
    CardError,
    PendingCall,
    Refusal,
    asked_call,
    card_for,
    decision_of,
)
from talkwire_agent.calling import CALL_MAX_S, ToolResult, call_tool
from talkwire_agent.characters import storable
from talkwire_agent.history import call_message, earlier_part, result_message
from talkwire_agent.model import AnswerEnd, Model, ModelMessage, ReasoningPiece, TextPiece, ToolCall
from talkwire_agent.tools import ArgumentsError, Tool
from talkwire_client import AskedCard, Message

ROUNDS_MAX = 10
"""Most times that the model may call tools in an answer."""

CUT_SHORT: Mapping[str, str] = {
    "length": "The answer was cut off at the model's limit of tokens.",
    "content_filter": "The model's content filter has cut off the answer.",
}
"""Texts for the reasons for which a model ends before its answer is complete, by the reason."""

TOO_MANY_CALLS = ToolResult(
    f"An answer may have at most {CALLS_MAX} calls, so this one was not executed.", is_error=True
)
OUTCOME_UNKNOWN = ToolResult(
    "The call was approved and begun, but its outcome is unknown, since the agent was interrupted meanwhile. It is not "
    "executed again. Say so, and let a person check.",
    is_error=True,
)


class CutShortError(Exception):
    """Raised when an answer ends before it is complete. Members read the `code` and the `message`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ToolBox:
    """The tools that the model may call, by name, and how long each may run, in seconds."""

    tools: Mapping[str, Tool]
    limit_s: float = CALL_MAX_S


class TurnAnswer:
    """The answer in one turn. `messages` are what the model reads first."""

    def __init__(self, model: Model, toolbox: ToolBox, answer: AnswerMessage, messages: Sequence[ModelMessage]) -> None:
        self._model = model
        self._toolbox = toolbox
        self._schemas = [tool.schema() for tool in toolbox.tools.values()]
        self._answer = answer
        self._messages = list(messages)
        self._rounds = 0
        self._ids: set[str] = set()

    async def write(self) -> AskedCard | None:
        """Writes the answer into the message. Returns the card to ask if a call needs an approval, else None.

        Raises `ModelError`, and `CutShortError` if the answer is not complete.
        """
        while True:  # Suspends: each round asks the model.
            is_last = self._rounds >= ROUNDS_MAX
            text, calls = await self._asked(may_call=not is_last)
            if not calls:
                return None
            if is_last:
                raise CutShortError("tool_calls", f"The model called tools more than {ROUNDS_MAX} times.")
            self._rounds += 1
            card = await self._executed(text, calls)
            if card is not None:
                return card

    async def resume(self, card: Message, agent_id: str, history: Sequence[Message]) -> AskedCard | None:
        """Continues the answer after people have decided about a call, as `write` does.

        Raises `CardError` if the card is no decided one of this agent.
        """
        asked = asked_call(card, agent_id)
        decision = decision_of(card, asked, self._toolbox.tools)
        self._rounds = asked.rounds
        self._ids.add(asked.call.id)
        if isinstance(decision, Refusal):
            await self._answer.call_refused(asked.call, _object_in(asked.call.arguments), decision.reason, card["id"])
            text = decision.reason
        else:
            text = await self._approved(asked, decision, card["id"], earlier_part(history, agent_id, card["id"]))
        self._messages += [call_message([asked.call]), result_message(asked.call.id, text)]
        waiting = [self._prepared(call) for call in asked.waiting]
        next_card = await self._card([each for each in waiting if isinstance(each, PendingCall)])
        return await self.write() if next_card is None else next_card

    async def _asked(self, *, may_call: bool) -> tuple[str, list[ToolCall]]:
        """Asks the model, writes what it answers, and returns its text and its calls."""
        texts: list[str] = []
        calls: list[ToolCall] = []
        async with aclosing(self._model.answer(self._messages, self._schemas, may_call=may_call)) as pieces:
            async for piece in pieces:
                match piece:
                    case TextPiece(text):
                        texts.append(text)
                        await self._answer.text(text)
                    case ReasoningPiece(text):
                        await self._answer.reasoning(text)
                    case ToolCall():
                        calls.append(self._with_own_id(piece))
                    case AnswerEnd(reason) if reason in CUT_SHORT:
                        raise CutShortError(reason, CUT_SHORT[reason])
        return storable("".join(texts)), calls

    async def _executed(self, text: str, calls: Sequence[ToolCall]) -> AskedCard | None:
        """Runs the calls that need no approval, and lets the model read the results. Returns a card for the others."""
        prepared = {call.id: self._prepared(call) for call in calls}
        pending = [each for each in prepared.values() if isinstance(each, PendingCall) and _needs_approval(each)]
        others = [call for call in calls if all(each.call != call for each in pending)]
        results = await asyncio.gather(*(self._result(call, prepared[call.id]) for call in others))
        refused: dict[str, str] = {}
        card = await self._card(pending, refused)
        texts = {**refused, **{call.id: result.text for call, result in zip(others, results, strict=True)}}
        if card is None:
            self._messages += [call_message(calls, text), *(result_message(call.id, texts[call.id]) for call in calls)]
        return card

    async def _result(self, call: ToolCall, prepared: PendingCall | ToolResult) -> ToolResult:
        """Returns the result of a call that needs no approval, and shows it."""
        if self._answer.calls >= CALLS_MAX:
            return TOO_MANY_CALLS
        if isinstance(prepared, ToolResult):
            await self._answer.call_refused(call, call.arguments, prepared.text)
            return prepared
        await self._answer.call_began(call, prepared.arguments)
        result = await call_tool(prepared.tool, prepared.arguments, limit_s=self._toolbox.limit_s)
        await self._answer.call_ended(call, result)
        return result

    async def _approved(
        self, asked: AskedCall, approval: Approval, card_id: str, earlier: Mapping[str, object] | None
    ) -> str:
        """Returns what the model reads of a call that people have approved.

        The call runs once: not again if an earlier attempt at the turn has begun it.
        """
        if earlier is None:
            await self._answer.call_began(asked.call, approval.arguments, card_id)
            # From here on, an attempt that comes later sees that the call was begun.
            await self._answer.store()
            result = await call_tool(approval.tool, approval.arguments, limit_s=self._toolbox.limit_s)
            await self._answer.call_ended(asked.call, result)
        else:
            result = _result_in(earlier)
            await self._answer.call_ended_before(asked.call, approval.arguments, card_id, result)
        if not approval.is_edited:
            return result.text
        arguments = json.dumps(approval.arguments, ensure_ascii=False)
        return f"A person has approved this call with other arguments: {arguments}\n\n{result.text}"

    async def _card(self, pending: Sequence[PendingCall], refused: dict[str, str] | None = None) -> AskedCard | None:
        """Returns a card for the first call for which there can be one. The reasons for the others go to `refused`."""
        for index, each in enumerate(pending):
            waiting = [later.call for later in pending[index + 1 :]]
            try:
                card = card_for(each, waiting, self._rounds)
            except CardError as error:
                await self._answer.call_refused(each.call, each.arguments, str(error))
                if refused is not None:
                    refused[each.call.id] = str(error)
            else:
                await self._answer.call_asked(each.call, each.arguments)
                return card
        return None

    def _prepared(self, call: ToolCall) -> PendingCall | ToolResult:
        """Returns a call with its tool and checked arguments, or what is wrong with it."""
        tool = self._toolbox.tools.get(call.name)
        if tool is None:
            return ToolResult(f"There is no tool {call.name}.", is_error=True)
        try:
            return PendingCall(tool, call, tool.arguments_of(call.arguments))
        except ArgumentsError as error:
            return ToolResult(str(error), is_error=True)

    def _with_own_id(self, call: ToolCall) -> ToolCall:
        """Returns a call with an id that no other call of the answer has. Some servers count from 0 in each answer."""
        id_, count = call.id, 1
        while id_ in self._ids:
            count += 1
            id_ = f"{call.id}-{count}"
        self._ids.add(id_)
        return replace(call, id=id_)


def _needs_approval(pending: PendingCall) -> bool:
    return pending.tool.approvers is not None


def _result_in(part: Mapping[str, object]) -> ToolResult:
    """Returns the result in a part that an earlier attempt has written."""
    if part["state"] == "output-available":
        return ToolResult(str(part.get("output", "")))
    if part["state"] == "output-error":
        return ToolResult(str(part.get("error", "")), is_error=True)
    return OUTCOME_UNKNOWN


def _object_in(text: str) -> Mapping[str, object]:
    """Returns the object in a JSON text; an empty one for other texts."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
