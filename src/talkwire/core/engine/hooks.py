"""What the application says to commands before they are carried out: it may change or refuse them (contract,
section 7).

A retry is known by what was sent, not by what a hook has made of it: so a command that carries a name for retries is
looked up first, and what was sent goes along with what is carried out.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec.structs import replace

from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.features.catching_up.idempotency import hash_of
from talkwire.core.features.messages.sending import hash_of as hash_of_message

HOOK_MAX_S = 30.0
"""How long a command waits for one hook; what takes longer is taken for one that hangs."""

C = TypeVar("C", bound=Command[Any])
Hook = Callable[[Actor, C], "Awaitable[C | None] | C | None"]
"""(who asks, what for) -> what is carried out instead, None for what was asked for. Raises ChatError to refuse."""

_BINARY = (bytes, bytearray, memoryview)

_logger = structlog.get_logger(__name__)


class Hooks:
    """By the type of the command; several for one run in the order in which they were added, each on what the one
    before has made of it."""

    def __init__(self) -> None:
        self.by_type: dict[type[Command[Any]], list[tuple[Hook[Any], Callable[[Any], bool]]]] = {}

    def add(self, command_type: type[C], hook: Hook[C], when: Callable[[C], bool] = lambda _: True) -> None:
        """Has `hook` asked about each command of this type, as far as `when` says so."""
        self.by_type.setdefault(command_type, []).append((hook, when))

    async def apply(self, actor: Actor, command: C) -> C:
        """What the hooks make of a command. Raises ChatError: a hook's own refusal, `unavailable` when one fails."""
        sent = command
        for hook, when in self.by_type.get(type(command), ()):
            if when(command):
                command = await self._run(hook, actor, command)
        return command if command is sent else _known_as(command, sent)

    @staticmethod
    async def _run(hook: Hook[C], actor: Actor, command: C) -> C:
        try:
            made = hook(actor, command)
            if inspect.isawaitable(made):
                async with asyncio.timeout(HOOK_MAX_S):
                    made = await made
            return command if made is None or made is command else _checked(made, type(command))
        except ChatError:
            raise
        except Exception as error:
            # What the application has not looked at must not go on as if it had.
            _logger.exception("a hook failed", command=type(command).__name__)
            raise ChatError("unavailable", "Something went wrong here. Try again.") from error


def sent_as(command: Command[Any], key: IdempotencyKey | None) -> IdempotencyKey | None:
    """The key with what a command is known by, where another is carried out in its place. It may say so already."""
    if key is not None and key.command_hash is not None:
        return key
    return None if key is None else replace(key, command_hash=hash_of(command))


def _known_as(command: C, sent: C) -> C:
    """A changed message keeps the name by which a retry asks for it."""
    if isinstance(command, SendMessage) and isinstance(sent, SendMessage) and sent.client_message_id is not None:
        return replace(command, client_message_id=sent.client_message_id, sent_hash=hash_of_message(sent))
    return command


def _checked(made: object, command_type: type[C]) -> C:
    """A hook may answer anything, and a Struct takes whatever it is given. Raises TypeError, ValidationError."""
    if type(made) is not command_type:
        raise TypeError(f"a hook must answer {command_type.__name__} or None, not {type(made).__name__}")
    checked: C = msgspec.convert(msgspec.to_builtins(made, builtin_types=_BINARY), command_type)
    return checked
