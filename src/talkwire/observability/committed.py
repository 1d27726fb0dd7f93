"""Logs and counts the events that this node has committed: messages, ends of decisions, turns of agents, and members
who joined or left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import get_args

import structlog
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from talkwire.core.domain.cards.card import CardState, MessageCard
from talkwire.core.domain.events import (
    CardDecided,
    ConversationCreated,
    Durable,
    MemberAdded,
    MemberRemoved,
    MessageSent,
    TurnFailed,
    TurnReady,
    TurnUnanswered,
)
from talkwire.core.domain.model import Member, Message

_NAMED_MAX = 20
"""Most users whom one log entry names."""

_CARD_ENDS: tuple[CardState, ...] = tuple(state for state in get_args(CardState) if state != "open")

_TURNS = ("ready", "unanswered", "failed")

_logger = structlog.get_logger(__name__)


class CommittedEvents(Collector):
    """The Prometheus collector that counts the messages that this node has stored. Register it with a
    `CollectorRegistry`, and pass the events of each committed transaction to `note`.

    It also counts and logs the ends of decisions about cards and the turns of agents, logs members who join or leave in
    their own right and, with `logs_messages`, each message at the level `debug`.
    """

    def __init__(self, *, logs_messages: bool) -> None:
        self._logs_messages = logs_messages
        self.messages = 0
        """Number of messages that this node has stored."""
        self._card_ends: Counter[CardState] = Counter()
        self._turns: Counter[str] = Counter()

    def note(self, events: Sequence[Durable]) -> None:
        """Counts the messages among the events of one committed transaction, and logs members who joined or left."""
        for event in events:
            match event:
                case MessageSent():
                    self._note_message(event)
                case MemberAdded() if not event.of_teams:
                    _log_joined(event.conversation_id, event.members, event.by)
                case ConversationCreated():
                    _log_joined(event.conversation.id, event.members, event.by)
                case MemberRemoved() if event.own:
                    _logger.info("left", conversation_id=event.conversation_id, user_id=event.user_id, by=event.by)
                case CardDecided(message=message) if message.card is not None:
                    self._note_decision(message, message.card)
                case TurnReady():
                    self._turns["ready"] += 1
                case TurnUnanswered() | TurnFailed():
                    self._note_turn(event)

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("talkwire_messages", "Messages that this node has stored", self.messages)
        ends = CounterMetricFamily("talkwire_card_ends", "Cards whose decision this node has ended", labels=["state"])
        for state in _CARD_ENDS:
            ends.add_metric([state], self._card_ends[state])
        yield ends
        turns = CounterMetricFamily("talkwire_turns", "Turns of agents that this node has announced", labels=["event"])
        for kind in _TURNS:
            turns.add_metric([kind], self._turns[kind])
        yield turns

    def _note_decision(self, message: Message, card: MessageCard) -> None:
        self._card_ends[card.state] += 1
        ids = {"message_id": str(message.id), "conversation_id": message.conversation_id, "user_id": message.sender_id}
        _logger.info("card_ended", **ids, state=card.state, action_id=card.action_id)

    def _note_turn(self, event: TurnUnanswered | TurnFailed) -> None:
        ids = {"turn_id": str(event.turn_id), "conversation_id": event.conversation_id, "user_id": event.agent_id}
        if isinstance(event, TurnUnanswered):
            self._turns["unanswered"] += 1
            _logger.warning("turn_unanswered", **ids)
        else:
            self._turns["failed"] += 1
            _logger.warning("turn_failed", **ids, code=event.error.code)

    def _note_message(self, event: MessageSent) -> None:
        self.messages += 1
        if self._logs_messages:
            message = event.message
            _logger.debug(
                "message_sent",
                message_id=str(message.id),
                conversation_id=message.conversation_id,
                user_id=message.sender_id,
            )


def _log_joined(conversation_id: str, members: Sequence[Member], by: str) -> None:
    """Logs, in one line, members who joined or were added together: their number and the ids of the first ones. `by` is
    the id of the user who added them."""
    user_ids = [member.user_id for member in members[:_NAMED_MAX]]
    _logger.info("joined", conversation_id=conversation_id, user_ids=user_ids, count=len(members), by=by)
