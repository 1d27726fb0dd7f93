"""The agent of the demo: it claims its turns, writes its answers while people read them, uses tools and asks people to
decide, as any agent does. What it says is in `assistant_script.py`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import structlog

from talkwire.core.commands.agents.turns import CLAIM_WAIT_MAX_S, ClaimedTurn, ClaimTurns, UpdateTurn
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.streams.writing import AppendToMessage, FinishMessage, RewindMessage, StreamMessage
from talkwire.core.domain.cards.card import AskedCard
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import ToolPart
from talkwire.core.engine.chat import Chat
from talkwire.demo.assistant_script import Step, after_decision, answer_to, label_of

ASSISTANT = Actor("workshop-assistant", "Workshop assistant")

LEASE_S = 15
"""Duration of the lease of the assistant's turns, in seconds."""

CLAIM_PAUSE_S = 1.0
"""Pause before the next claim while there is no turn, or no command can be executed, in seconds."""

THINKING_PAUSE_S = 1.2
"""Pause of the assistant before it begins an answer, in seconds."""

WORD_PAUSE_S = 0.06
"""Pause of the assistant after each word, in seconds."""

TOOL_PAUSE_S = 0.8
"""Pause of the assistant while it uses a tool, in seconds."""

_WORD = re.compile(r"\S+\s*")

_logger = structlog.get_logger(__name__)


class Assistant:
    """Answers on this node. `hurry` is what its pauses are divided by."""

    def __init__(self, chat: Chat, hurry: float = 1.0) -> None:
        self._chat = chat
        self._hurry = hurry

    async def run(self) -> None:
        """Answers until its task is cancelled, or the database has no such agent: an older version has filled it."""
        while True:  # Suspends: it claims, and waits.
            claimed: Sequence[ClaimedTurn] = ()
            try:
                claimed = await self._chat.execute(ASSISTANT, ClaimTurns(lease_s=LEASE_S, wait=CLAIM_WAIT_MAX_S))
                for each in claimed:
                    await self._answer(each)
            except ChatError as error:
                if not claimed and error.code == "forbidden":
                    return
                _logger.info("demo_assistant_refused", error=str(error))
            if not claimed:
                await asyncio.sleep(CLAIM_PAUSE_S)

    async def _answer(self, claimed: ClaimedTurn) -> None:
        """Answers in a turn. If the server refuses it, the turn comes again when its lease has ended."""
        turn, messages, card_message = claimed
        steps = list(answer_to(messages) if card_message is None else after_decision(card_message))
        cards = [step for step in steps if isinstance(step, AskedCard)]
        thread_id = _thread_of(messages)
        await self._chat.execute(ASSISTANT, UpdateTurn(turn=turn.token, label=label_of(steps)))
        await asyncio.sleep(THINKING_PAUSE_S / self._hurry)
        # A reply, so that the person who has asked may stop it.
        opened = await self._chat.execute(
            ASSISTANT,
            StreamMessage(
                conversation_id=turn.conversation_id,
                reply_to_id=str(messages[-1].id) if messages else None,
                thread_id=thread_id,
                turn=turn.token,
                lease_s=LEASE_S,
            ),
        )
        assert opened.attempt is not None, "the turn's open or interrupted message, or a new one"
        message_id, attempt = str(opened.message.id), opened.attempt
        if opened.parts:
            await self._chat.execute(ASSISTANT, RewindMessage(message_id=message_id, attempt=attempt, part=0))
        is_stopped = await self._write(message_id, attempt, [step for step in steps if not isinstance(step, AskedCard)])
        await self._chat.execute(
            ASSISTANT, FinishMessage(message_id=message_id, attempt=attempt, more=bool(cards) and not is_stopped)
        )
        if cards and not is_stopped:
            asked = SendMessage(turn.conversation_id, card=cards[0], thread_id=thread_id, turn=turn.token)
            await self._chat.execute(ASSISTANT, asked)

    async def _write(self, message_id: str, attempt: int, steps: Sequence[Step]) -> bool:
        """Writes the parts of a message. Returns whether somebody has asked to stop."""
        count = 0
        former: Step | None = None
        for step in steps:
            if isinstance(step, ToolPart):
                is_same = isinstance(former, ToolPart) and former.tool_call_id == step.tool_call_id
                count += not is_same
                append = AppendToMessage(message_id=message_id, attempt=attempt, part=count - 1, set=step)
                is_stopped = await self._append(append, TOOL_PAUSE_S)
            else:
                count += 1
                is_stopped = await self._write_text(message_id, attempt, count - 1, step)
            if is_stopped:
                return True
            former = step
        return False

    async def _write_text(self, message_id: str, attempt: int, part: int, text: str) -> bool:
        """Writes a text, which has no character of two UTF-16 code units, word by word."""
        length = 0
        for word in _WORD.findall(text):
            append = AppendToMessage(
                message_id=message_id,
                attempt=attempt,
                part=part,
                text=word,
                type=None if length else "text",
                at=length,
            )
            if await self._append(append, WORD_PAUSE_S):
                return True
            length += len(word)
        return False

    async def _append(self, append: AppendToMessage, pause_s: float) -> bool:
        appended = await self._chat.execute(ASSISTANT, append)
        await asyncio.sleep(pause_s / self._hurry)
        return appended.stop is not None


def _thread_of(messages: Sequence[Message]) -> str | None:
    """Returns the thread in which all messages are; None if there is none."""
    threads = {message.thread_id for message in messages}
    thread_id = threads.pop() if len(threads) == 1 else None
    return None if thread_id is None else str(thread_id)
