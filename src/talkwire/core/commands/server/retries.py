"""The query that finds out whether a command was executed before and is now repeated by a client."""

from __future__ import annotations

from typing import Any

import msgspec

from talkwire.core.commands.command import Command, IdempotencyKey, Query
from talkwire.core.commands.messages import SendMessage


class FirstAnswer(msgspec.Struct, frozen=True):
    """The stored result of a command that is now repeated."""

    result: Any


class AnswerRetry(Query["FirstAnswer | None"], frozen=True, tag="AnswerRetry"):
    """Internal: returns the stored result of the command `first` if it was executed before, else None. It is recognised
    by its idempotency key or its client message id."""

    first: Command[Any]
    key: IdempotencyKey | None = None

    @property
    def is_possible(self) -> bool:
        """Returns whether the command has an idempotency key or a client message id by which a retry can be
        recognised."""
        if self.key is not None:
            return True
        return isinstance(self.first, SendMessage) and self.first.client_message_id is not None
