"""What is asked about commands that may have been carried out already."""

from __future__ import annotations

from typing import Any

import msgspec

from talkwire.core.commands.command import Command, IdempotencyKey, Query
from talkwire.core.commands.messages import SendMessage


class FirstAnswer(msgspec.Struct, frozen=True):
    """What a command was answered with when it came first."""

    result: Any


class AnswerRetry(Query["FirstAnswer | None"], frozen=True, tag="AnswerRetry"):
    """Internal: the answer to `first` if it was carried out before, by its key or its client message id."""

    first: Command[Any]
    key: IdempotencyKey | None = None

    @property
    def is_possible(self) -> bool:
        """Whether the command carries anything to know it again by."""
        if self.key is not None:
            return True
        return isinstance(self.first, SendMessage) and self.first.client_message_id is not None
