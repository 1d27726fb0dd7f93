"""The names of commands, as hooks, callbacks, settings, logs and metrics use them: the event names of the messenger
dialect, such as `message:send`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from talkwire.core.commands.command import Command
from talkwire.core.domain.errors import did_you_mean
from talkwire.operations.operation import Operation
from talkwire.operations.table import OPERATIONS

CommandType = type[Command[Any]]


class Named(NamedTuple):
    """The meaning of a command's name, such as `message:send`: the commands of the class `command_type` for which
    `when(command)` is true. For example, `typing:start` and `typing:stop` both stand for the class `SetTyping`, and
    `when` distinguishes them by `is_typing`."""

    command_type: CommandType
    when: Callable[[Any], bool] = lambda _: True


def _named(operation: Operation) -> tuple[Named, ...]:
    """Returns what the name of an operation stands for: its commands, with the fields that are the same for each
    request."""
    fixed = {name: value for name, value in operation.fixed.items() if not callable(value)}
    if not fixed:
        return tuple(map(Named, operation.chat_commands))
    return tuple(
        Named(each, lambda command: all(getattr(command, name) == value for name, value in fixed.items()))
        for each in operation.chat_commands
    )


COMMANDS: Mapping[str, tuple[Named, ...]] = MappingProxyType(
    {each.event: _named(each) for each in OPERATIONS if each.event is not None and each.chat_commands}
)

REST_COMMANDS: Mapping[str, tuple[Named, ...]] = MappingProxyType(
    {each.name: _named(each) for each in OPERATIONS if each.event is None and each.name and each.chat_commands}
)
"""Commands that users can give over REST only, with names by which a hook can refuse them."""

SOCKET_EVENTS = frozenset(each.event for each in OPERATIONS if each.event is not None and not each.chat_commands)
"""Events of the messenger dialect that concern one socket only and execute no command."""


_NAMES: Mapping[type, str] = MappingProxyType(
    {command: name for each in OPERATIONS if (name := each.name or each.event) for command in each.commands}
)

_WORDS = re.compile("(?<=[a-z])(?=[A-Z])")


@cache
def name_of_command(command_type: type) -> str:
    """Returns the name of a command class in logs and metrics: its event name in the messenger dialect, or else a name
    made of the class name, such as `get_message`."""
    return _NAMES.get(command_type) or _WORDS.sub("_", command_type.__name__).lower()


def commands_named(what: str | type) -> tuple[Named, ...]:
    """Returns the command classes that `what`, a name such as `message:send`, stands for, each with its condition. If
    `what` is a command class, returns this class alone. Raises ValueError for any other name or class."""
    if isinstance(what, type) and issubclass(what, Command):
        return (Named(what),)
    name = what if isinstance(what, str) else what.__name__
    found = COMMANDS.get(name) or REST_COMMANDS.get(name)
    if found is None:
        raise ValueError(f'"{name}" {_why_not_a_command(name)}')
    return found


def _why_not_a_command(name: str) -> str:
    if name in SOCKET_EVENTS:
        return "concerns one socket only, so there is no command to change or refuse"
    return f"is not a command of the messenger dialect{did_you_mean(name, map(str, (*COMMANDS, *REST_COMMANDS)))}"
