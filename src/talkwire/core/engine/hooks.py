"""Hooks: functions of the application that run before commands and may change or refuse them (see docs/embedding.md).

A retry is recognised by what the client sent, not by what a hook returned. So commands that can be recognised are
looked up before the hooks run, and the hash of what the client sent is stored with the executed command.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import UNSET
from msgspec.structs import replace

from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.messages import EditMessage, SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.domain.parts.message_parts import TextPart, content_of, with_text
from talkwire.core.engine.command_table import check_command
from talkwire.core.features.catching_up.idempotency import hash_of
from talkwire.core.features.messages.sending import check_send
from talkwire.core.features.messages.sending import hash_of as hash_of_message

HOOK_MAX_S = 30.0
"""Longest time that a command waits for one hook, in seconds. A hook that takes longer counts as failed."""

C = TypeVar("C", bound=Command[Any])

Hook = Callable[[Actor, C], "Awaitable[C | None] | C | None"]
"""Function from (actor, command) to the command to execute instead, or to None to execute it unchanged. Raises
ChatError to refuse it."""

_BINARY = (bytes, bytearray, memoryview)

_logger = structlog.get_logger(__name__)


class Hooks:
    """The application's hooks: functions that run before commands of a type and may change or refuse them. Several
    hooks for one type run in the order of registration, each on the result of the previous one."""

    def __init__(self) -> None:
        self.by_type: dict[type[Command[Any]], list[tuple[Hook[Any], Callable[[Any], bool]]]] = {}

    def add(
        self, command_type: type[C], hook: Hook[C], when: Callable[[C], bool] = lambda _: True
    ) -> Callable[[], None]:
        """Registers `hook` for commands of the type `command_type` for which `when` returns true. Returns a function
        that removes the hook."""
        registered = (hook, when)
        self.by_type.setdefault(command_type, []).append(registered)

        def remove() -> None:
            self.by_type[command_type].remove(registered)
            if not self.by_type[command_type]:
                del self.by_type[command_type]

        return remove

    def concern(self, command: Command[Any]) -> bool:
        """Returns whether a hook is registered for this command."""
        registered = self.by_type.get(type(command))  # most commands have none, and this runs for each
        return registered is not None and any(when(command) for _, when in registered)

    async def apply(self, actor: Actor, command: C) -> C:
        """Runs the hooks for a command and returns the command to execute. Raises ChatError if a hook refuses the
        command, and `unavailable` if a hook raises another error or takes longer than `HOOK_MAX_S`."""
        sent = command
        for hook, when in self.by_type.get(type(command), ()):
            shown = with_content(command)
            if when(shown):
                changed = await self._run(hook, actor, shown)
                command = command if changed is shown else with_one_text(changed, shown)
        return command if command is sent else _with_retry_identity(command, sent)

    @staticmethod
    async def _run(hook: Hook[C], actor: Actor, command: C) -> C:
        try:
            changed = hook(actor, command)
            if inspect.isawaitable(changed):
                async with asyncio.timeout(HOOK_MAX_S):
                    changed = await changed
            return command if changed is None or changed is command else _validated(changed, command)
        except ChatError as refusal:
            refusal.cause = refusal.cause or "application"
            raise
        except Exception as error:
            # A command must not be executed unless the application has approved it.
            _logger.exception("hook_failed", command=type(command).__name__)
            raise ChatError("unavailable", "An internal error occurred.") from error


def sent_as(command: Command[Any], key: IdempotencyKey | None) -> IdempotencyKey | None:
    """Returns the idempotency key with the hash of `command`, as the client sent it. With this key another command is
    executed, such as the one that a hook returned, while a retry is still compared with what the client sent.

    A key that has a hash is returned unchanged, and None for None.
    """
    if key is not None and key.command_hash is not None:
        return key
    return None if key is None else replace(key, command_hash=hash_of(command))


def _with_retry_identity(command: C, sent: C) -> C:
    """Returns the message `command`, which a hook made of `sent`, with the client message id and the hash of `sent`, so
    that a retry by the client is recognised. Commands other than messages are returned unchanged."""
    if isinstance(command, SendMessage) and isinstance(sent, SendMessage) and sent.client_message_id is not None:
        return replace(command, client_message_id=sent.client_message_id, sent_hash=hash_of_message(sent))
    return command


def _validated(changed: object, shown: C) -> C:
    """Returns the command that a hook returned for the command `shown` after checking its type and fields, because
    Structs do not validate their fields.

    Raises TypeError for another type than that of `shown` and ValueError for invalid fields.
    """
    command_type = type(shown)
    if type(changed) is not command_type:
        raise TypeError(f"a hook must return {command_type.__name__} or None, not {type(changed).__name__}")
    checked: C = msgspec.convert(msgspec.to_builtins(changed, builtin_types=_BINARY), command_type)
    try:
        check_changed(with_one_text(checked, shown))
    except ChatError as error:
        raise ValueError(f"a hook returned an invalid command: {error}") from None
    return checked


def check_changed(command: Command[Any]) -> None:
    """Raises ChatError for a command with invalid fields, which a hook or a callback has changed."""
    if isinstance(command, SendMessage) and command.stream is not None:
        check_send(command, may_be_empty=True)
    else:
        check_command(command)


# --- parts ------------------------------------------------------------------------------------------------------------


def with_content(command: C) -> C:
    """Returns a command that writes parts or a card with the `content` that follows from them; any other command
    unchanged."""
    if isinstance(command, SendMessage) and command.card is not None:
        return replace(command, content=command.text)
    if isinstance(command, SendMessage | EditMessage) and command.parts is not UNSET and command.parts:
        return replace(command, content=content_of(command.parts))
    return command


def with_one_text(changed: C, shown: C) -> C:
    """Returns the command `changed`, which a hook made of `shown`, with either `parts` or `content`, as clients send
    it. A `content` that the hook changed replaces the texts among the parts; beside a card it is invalid, since only a
    changed card changes what is shown."""
    if not isinstance(changed, SendMessage | EditMessage) or changed.parts is UNSET:
        return changed
    if isinstance(changed, SendMessage) and changed.card is not None:
        is_shown = isinstance(shown, SendMessage) and changed.content == shown.content
        return replace(changed, content="") if is_shown or changed.content == changed.text else changed
    if not changed.parts:
        if isinstance(changed, SendMessage) or changed.content is UNSET:
            return changed
        return replace(changed, content=UNSET, parts=(TextPart(changed.content),))
    content, parts = changed.content, changed.parts
    is_new = not isinstance(shown, SendMessage | EditMessage) or content != shown.content
    if isinstance(content, str) and is_new and content != content_of(parts):
        parts = with_text(parts, content)
    return replace(changed, content=UNSET if isinstance(changed, EditMessage) else "", parts=parts)
