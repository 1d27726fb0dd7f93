"""The query that finds out whether a command was executed before and is now repeated by a client."""

from __future__ import annotations

from typing import Any

import msgspec

from talkwire.core.commands.command import Command, IdempotencyKey, Query
from talkwire.core.commands.messages import SendMessage


class FirstAnswer(msgspec.Struct, frozen=True):
    """The stored `result` of a command that a client now repeats. The wrapper distinguishes a stored None from no
    result."""

    result: Any


class AnswerRetry(Query["FirstAnswer | None"], frozen=True, tag="AnswerRetry"):
    """Internal: returns the stored result of the command `first` if it was executed before, else None. The execution is
    found by the idempotency key `key` or by the client message id of `first`.

    Raises `conflict` if the key or the id was used for another command.
    """

    first: Command[Any]
    key: IdempotencyKey | None = None

    @property
    def is_possible(self) -> bool:
        """Returns whether the command has an idempotency key or a client message id by which a retry can be
        recognised."""
        if self.key is not None:
            return True
        return isinstance(self.first, SendMessage) and self.first.client_message_id is not None
