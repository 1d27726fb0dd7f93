"""The chat for callers from outside: commands within their limits, and retries of what was done already beyond them.

What the server itself asks for goes to `Chat`.
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
    """`limits` None: there are none. `clock` answers seconds and never goes back."""

    def __init__(self, chat: Chat, limits: Limits | None, clock: Callable[[], float]) -> None:
        self._chat = chat
        self._limits = limits
        self._clock = clock
        self.policy = chat.policy

    def execute(self, actor: Actor, command: Command[R], key: IdempotencyKey | None = None) -> Awaitable[R]:
        """`Chat.execute`. Raises `rate_limited` too."""
        wait_s = self.take(actor, kind_of(type(command)))
        if wait_s:
            return cast("Awaitable[R]", self.answer_retry(actor, command, wait_s, key))
        return self._chat.execute(actor, command, key)

    def take(self, actor: Actor, kind: Kind) -> float:
        """Counts something that the actor does. Answers 0, or the seconds until it may be done."""
        return 0.0 if self._limits is None else self._limits.take_for(actor, kind, self._clock())

    async def answer_retry(
        self, actor: Actor, command: Command[R], wait_s: float, key: IdempotencyKey | None = None
    ) -> R:
        """The result of a command that comes too soon, if it was carried out before: whoever did
        not hear the first answer has done nothing too often. Raises `rate_limited` for any other."""
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
