"""The agent: answers in turns, with a model and its tools."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from talkwire_agent.answer_message import AnswerMessage, TooLongError
from talkwire_agent.approvals import CardError
from talkwire_agent.history import (
    ABOUT_SENDERS,
    ConversationHistory,
    HistoryLimits,
    context_of,
    newest_messages,
    question_left_behind,
)
from talkwire_agent.model import Model, ModelError, ModelMessage
from talkwire_agent.stopping import UPDATE_EVERY_S, until_stopped
from talkwire_agent.turn_answer import CutShortError, ToolBox, TurnAnswer
from talkwire_client import AskedCard, Turn

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

        Other errors than those of the model are raised. The turn's block fails it then.
        """
        async with AnswerMessage(turn, self._model.name) as answer:
            try:
                card = await until_stopped(
                    turn, answer, self._answer(turn, answer), update_every_s=self._settings.update_every_s
                )
            except ModelError as error:
                _logger.warning("the model has not answered in the turn %s: %s", turn.id, error.message)
                await answer.fail(error.code, error.message)
            except CutShortError as error:
                _logger.warning("the answer in the turn %s was cut short: %s", turn.id, error.message)
                await answer.cut_short(error.code, error.message)
            except TooLongError:
                _logger.warning("the answer in the turn %s was cut short, since it is too long", turn.id)
                await answer.cut_short("length", "The answer is too long for a message.")
            except CardError as error:
                _logger.warning("the turn %s has a card that cannot be continued: %s", turn.id, error)
                await answer.fail("invalid_card", "The card is none that this agent can continue.")
            else:
                await answer.finish(card)
                done = "asks people in" if card else "has answered"
                _logger.info("%s the turn %s in %s", done, turn.id, turn.conversation_id)

    async def _answer(self, turn: Turn, answer: AnswerMessage) -> AskedCard | None:
        history = await newest_messages(self._chat, turn, self._settings.history)
        context = context_of(history, turn, self._settings.history)
        answer.reply_to_id = question_left_behind(history, turn)
        system = "\n\n".join(filter(None, [self._settings.system, ABOUT_SENDERS]))
        messages: list[ModelMessage] = [{"role": "system", "content": system}, *context]
        if turn.note:
            messages.append({"role": "user", "content": f"From: the application (a note)\n{turn.note}"})
        writing = TurnAnswer(self._model, self._toolbox, answer, messages)
        return await (
            writing.write() if turn.card_message is None else writing.resume(turn.card_message, turn.agent_id, history)
        )
