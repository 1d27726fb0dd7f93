"""The entry point for commands of REST requests: limits their rate, but still returns the results of retried commands,
of sockets too. Sockets' other commands are limited in `realtime/chat/event_handling.py`; the server's own use `Chat`
directly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.messages import SendMessages
from talkwire.core.commands.server.retries import AnswerRetry
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.command_table import check_command
from talkwire.core.engine.limits import Kind, Limits, RateLimited, kind_of
from talkwire.core.engine.refusal_causes import named_conversation

R = TypeVar("R")


class Outcomes(Protocol):
    """The interface that counts succeeded and refused commands with their durations, and logs refusals. `begin` returns
    the time to pass to the other methods when the command has ended."""

    def begin(self) -> int: ...
    def succeeded(self, command_type: type, began_ns: int) -> None: ...
    def refused(self, actor: Actor, command_type: type, error: ChatError, began_ns: int) -> None: ...


class LimitedChat:
    """Executes commands of clients on `Chat`, with rate limits. `limits` None disables them. `clock` returns seconds of
    a monotonic clock. `outcomes`, if set, receives the result and duration of each command."""

    def __init__(
        self, chat: Chat, limits: Limits | None, clock: Callable[[], float], outcomes: Outcomes | None = None
    ) -> None:
        self._chat = chat
        self._limits = limits
        self._clock = clock
        self._outcomes = outcomes
        self.policy = chat.policy

    async def execute(self, actor: Actor, command: Command[R], key: IdempotencyKey | None = None) -> R:
        """Executes a command as `Chat.execute` does. Raises `rate_limited` if the actor has used up the limit for this
        kind of command, unless the command is a retry of an executed one."""
        began_ns = 0 if self._outcomes is None else self._outcomes.begin()
        try:
            wait_s = self.take(actor, kind_of(type(command)))
            if wait_s:
                result = await self.answer_retry(actor, command, wait_s, key)
            else:
                result = await self._chat.execute(actor, command, key)
        except ChatError as error:
            self._note_refused(actor, command, error, began_ns)
            raise
        if self._outcomes is not None:
            self._outcomes.succeeded(type(command), began_ns)
        if isinstance(command, SendMessages):
            for message, outcome in zip(command.messages, cast("Sequence[object]", result), strict=False):
                if isinstance(outcome, ChatError):
                    self._note_refused(actor, message, outcome)
        return result

    def note_refused(self, actor: Actor, command_type: type, error: ChatError, began_ns: int = 0) -> None:
        """Counts and logs a refused command, unless that was done before."""
        if self._outcomes is not None and not error.is_logged:
            self._outcomes.refused(actor, command_type, error, began_ns)
            error.is_logged = True

    def _note_refused(self, actor: Actor, command: Command[Any], error: ChatError, began_ns: int = 0) -> None:
        error.conversation_id = error.conversation_id or named_conversation(command)
        self.note_refused(actor, type(command), error, began_ns)

    def is_hooked(self, command: Command[Any]) -> bool:
        """Returns whether the command is queued only after hooks of the application have returned."""
        return self._chat.is_hooked(command)

    def take(self, actor: Actor, kind: Kind) -> float:
        """Takes a token from the actor's bucket for one kind of action. Returns 0, or the seconds until there is a
        token."""
        return 0.0 if self._limits is None else self._limits.take_for(actor, kind, self._clock())

    def take_or_refuse(self, actor: Actor, kind: Kind) -> None:
        """Takes a token from the actor's bucket for one kind of action, or raises `rate_limited` if there is none."""
        wait_s = self.take(actor, kind)
        if wait_s:
            raise RateLimited(wait_s, kind)

    async def answer_retry(
        self, actor: Actor, command: Command[R], wait_s: float, key: IdempotencyKey | None = None
    ) -> R:
        """Returns the stored result of a command that was executed before. Called instead of executing a command that
        exceeds the rate limit, because a client that did not receive the first result must be able to retry.

        Raises `rate_limited` with the wait `wait_s` if the command was not executed before, or the actor's limit for
        retries is used up too.
        """
        retry = AnswerRetry(command, key)
        if not retry.is_possible or self.take(actor, Kind.RETRIES):
            raise RateLimited(wait_s)
        check_command(command)
        answer = await self._chat.execute(actor, retry)
        if answer is None:
            raise RateLimited(wait_s)
        return cast("R", answer.result)
