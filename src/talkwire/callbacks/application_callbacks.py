"""Creates, registers and closes all callbacks of one server: HTTP requests that ask the application's back end."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from msgspec import UNSET

from talkwire.callbacks.client import CallbackClient, CallbackOptions
from talkwire.callbacks.command_callback import CommandCallback
from talkwire.callbacks.connect import CONNECT, ConnectCallback
from talkwire.callbacks.metrics import CallbackMetrics
from talkwire.core.commands.command import Command
from talkwire.core.engine.hooks import Hooks
from talkwire.egress import Egress
from talkwire.operations.names import Named, commands_named


class ApplicationCallbacks:
    """The callbacks that the operator has configured: HTTP requests by which the server asks the application's back
    end.

    `connect` asks about tokens; it is None if that callback is not configured. Callbacks before commands run after the
    hooks of the embedding program, on the command as those hooks have changed it.
    """

    def __init__(self, egress: Egress, options: CallbackOptions, hooks: Hooks) -> None:
        self.metrics = CallbackMetrics()
        self._client = CallbackClient(egress, options, self.metrics)
        self.connect = ConnectCallback(self._client) if CONNECT in options.urls else None
        self._registered = ExitStack()
        for name in options.urls.keys() - {CONNECT}:
            callback = CommandCallback(name, self._client, options.on_failure)
            for named in commands_named(name):
                self._registered.callback(hooks.add(named.command_type, callback, partial(_is_asked_about, named)))

    async def aclose(self) -> None:
        """Unregisters the callbacks from the chat's hooks and closes all their connections."""
        self._registered.close()
        await self._client.aclose()


def _is_asked_about(named: Named, command: Command[Any]) -> bool:
    """Returns whether to ask the back end about a command of the class in `named`. Returns False if the callback's name
    does not fit the command (see `Named.when`), and for a message imported from another system (`created_ms` is set),
    since users sent that message already.
    """
    return named.when(command) and getattr(command, "created_ms", None) in {None, UNSET}
