"""The chat for external callers: limits the rate of commands, but still returns the results of retried commands.

The server's own commands use `Chat` directly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.server.retries import AnswerRetry
from talkwire.core.domain.model import Actor
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.command_table import CHANGES
from talkwire.core.engine.limits import Kind, Limits, kind_of, rate_limited

R = TypeVar("R")


class LimitedChat:
    """Wraps `Chat` with rate limits. `limits` None disables them. `clock` returns seconds of a monotonic clock."""

    def __init__(self, chat: Chat, limits: Limits | None, clock: Callable[[], float]) -> None:
        self._chat = chat
        self._limits = limits
        self._clock = clock
        self.policy = chat.policy

    def execute(self, actor: Actor, command: Command[R], key: IdempotencyKey | None = None) -> Awaitable[R]:
        """Executes a command as `Chat.execute` does. Also raises `rate_limited`."""
        wait_s = self.take(actor, kind_of(type(command)))
        if wait_s:
            return cast("Awaitable[R]", self.answer_retry(actor, command, wait_s, key))
        return self._chat.execute(actor, command, key)

    def take(self, actor: Actor, kind: Kind) -> float:
        """Takes a token for an actor. Returns 0, or the seconds until there is one."""
        return 0.0 if self._limits is None else self._limits.take_for(actor, kind, self._clock())

    async def answer_retry(
        self, actor: Actor, command: Command[R], wait_s: float, key: IdempotencyKey | None = None
    ) -> R:
        """Returns the result of a command that exceeds the limit, if it was executed before; else raises
        `rate_limited`.

        A client that retries because it did not receive the first result must not be limited.
        """
        retry = AnswerRetry(command, key)
        if not retry.is_possible or self.take(actor, Kind.RETRIES):
            raise rate_limited(wait_s)
        check = CHANGES[type(command)].check if type(command) in CHANGES else None
        if check is not None:
            check(command)
        answer = await self._chat.execute(actor, retry)
        if answer is None:
            raise rate_limited(wait_s)
        return cast("R", answer.result)
