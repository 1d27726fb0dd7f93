"""Adds every new user to the conversations of the setting `default_conversations`."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from talkwire.core.domain.events import Durable, UserCreated
from talkwire.core.features.conversations.members import join_new_users
from talkwire.core.ports.transaction import Transaction

_logger = structlog.get_logger(__name__)


class DefaultConversations:
    """Adds new users to the conversations of the setting `default_conversations`. The user that stands for the
    application's backend is not added."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def welcome(self, tx: Transaction, recorded: Sequence[Durable]) -> None:
        """Adds the users whom the `recorded` events of a batch have created to each default conversation, with one
        event for each conversation, however many users there are."""
        user_ids = [event.user.id for event in recorded if type(event) is UserCreated and not event.user.backend]
        if not user_ids:
            return
        for conversation_id in dict.fromkeys(tx.policy.default_conversations):
            if not join_new_users(tx, conversation_id, user_ids):
                self._warn(conversation_id)

    def _warn(self, conversation_id: str) -> None:
        """Logs that a default conversation does not exist, once and not for each new user."""
        if conversation_id not in self._warned:
            self._warned.add(conversation_id)
            _logger.warning("default_conversation_missing", conversation_id=conversation_id)
