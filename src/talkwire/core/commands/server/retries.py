"""Queries for commands that may have been executed already."""

from __future__ import annotations

from typing import Any

import msgspec

from talkwire.core.commands.command import Command, IdempotencyKey, Query
from talkwire.core.commands.messages import SendMessage


class FirstAnswer(msgspec.Struct, frozen=True):
    """The stored result of the first execution of a command."""

    result: Any


class AnswerRetry(Query["FirstAnswer | None"], frozen=True, tag="AnswerRetry"):
    """Internal: returns the result of `first` if it was executed before, found by its key or its client message id."""

    first: Command[Any]
    key: IdempotencyKey | None = None

    @property
    def is_possible(self) -> bool:
        """Whether the command has a key or id by which a retry can be recognised."""
        if self.key is not None:
            return True
        return isinstance(self.first, SendMessage) and self.first.client_message_id is not None
