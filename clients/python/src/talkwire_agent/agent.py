"""The agent: answers in turns, with a model and its tools."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from talkwire_agent.answer_message import AnswerMessage, TooLongError
from talkwire_agent.approvals import CardError
from talkwire_agent.history import ABOUT_SENDERS, HistoryLimits, context_of, newest_messages
from talkwire_agent.model import Model, ModelError, ModelMessage
from talkwire_agent.stopping import UPDATE_EVERY_S, until_stopped
from talkwire_agent.turn_answer import CutShortError, ToolBox, TurnAnswer
from talkwire_agent.turns import ConversationHistory, Turn
from talkwire_client import AskedCard, TalkwireError

LOST = frozenset({"superseded"})
"""Reasons of conflicts after which another process has the turn."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How the agent answers. `system` is what the model reads first."""

    system: str = ""
    history: HistoryLimits = field(default_factory=HistoryLimits)
    update_every_s: float = UPDATE_EVERY_S


class Agent:
    """Answers in turns. `chat` reads the history of conversations."""

    def __init__(
        self,
        model: Model,
        chat: ConversationHistory,
        toolbox: ToolBox | None = None,
        settings: AgentSettings | None = None,
    ) -> None:
        self._model = model
        self._chat = chat
        self._toolbox = toolbox or ToolBox({})
        self._settings = settings or AgentSettings()

    async def handle(self, turn: Turn) -> None:
        """Answers in a turn and ends it: as done or failed, or with a card for which it waits.

        Errors end the turn and are logged. Only cancelling raises.
        """
        try:
            await self._handle(turn)
        except TalkwireError as error:
            _logger.warning("the turn %s ended: %s", turn.id, error)
            if not _is_lost(error):
                await self._fail(turn, error.code, error.message)
        except Exception:
            _logger.exception("the turn %s failed", turn.id)
            await self._fail(turn, "failed", "The agent has failed. Its log says why.")

    async def _handle(self, turn: Turn) -> None:
        async with AnswerMessage(turn, self._model.name) as answer:
            try:
                card = await until_stopped(
                    turn, answer, self._answer(turn, answer), update_every_s=self._settings.update_every_s
                )
            except ModelError as error:
                await answer.fail(error.code, error.message)
                await turn.fail(error.code, error.message)
                return
            except CutShortError as error:
                await self._cut_short(turn, answer, error)
                return
            except TooLongError:
                await self._cut_short(turn, answer, CutShortError("length", "The answer is too long for a message."))
                return
            except CardError as error:
                _logger.warning("the turn %s has a card that cannot be continued: %s", turn.id, error)
                await turn.fail("invalid_card", "The card is none that this agent can continue.")
                return
            await answer.finish()
        if card is None:
            await turn.done()
        else:
            await turn.ask(card)

    async def _answer(self, turn: Turn, answer: AnswerMessage) -> AskedCard | None:
        history = await newest_messages(self._chat, turn, self._settings.history)
        context = context_of(history, turn, self._settings.history)
        system = "\n\n".join(filter(None, [self._settings.system, ABOUT_SENDERS]))
        messages: list[ModelMessage] = [{"role": "system", "content": system}, *context]
        if turn.note:
            messages.append({"role": "user", "content": f"From: the application (a note)\n{turn.note}"})
        writing = TurnAnswer(self._model, self._toolbox, answer, messages)
        return await (writing.write() if turn.card is None else writing.resume(turn.card, turn.agent_id, history))

    async def _cut_short(self, turn: Turn, answer: AnswerMessage, error: CutShortError) -> None:
        """Ends the message as failed. The turn is done, since a later attempt would be cut short too; only if there is
        nothing to read, it has failed.
        """
        _logger.warning("the answer in the turn %s was cut short: %s", turn.id, error.message)
        is_empty = answer.is_empty
        await answer.fail(error.code, error.message)
        if is_empty:
            await turn.fail(error.code, error.message)
        else:
            await turn.done()

    async def _fail(self, turn: Turn, code: str, message: str) -> None:
        try:
            await turn.fail(code, message)
        except TalkwireError as error:
            _logger.warning("the turn %s could not be ended as failed: %s", turn.id, error)


def _is_lost(error: TalkwireError) -> bool:
    """Returns whether another process has the turn."""
    return error.code == "conflict" and isinstance(error.details, dict) and error.details.get("reason") in LOST
