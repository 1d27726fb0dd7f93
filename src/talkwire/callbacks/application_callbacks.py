"""All callbacks of one server."""

from __future__ import annotations

from contextlib import ExitStack

from talkwire.callbacks.client import CallbackClient, CallbackOptions
from talkwire.callbacks.command_callback import CommandCallback
from talkwire.callbacks.connect import CONNECT, ConnectCallback
from talkwire.callbacks.metrics import CallbackMetrics
from talkwire.core.engine.hooks import Hooks
from talkwire.dialects.command_names import commands_named
from talkwire.egress import Egress


class ApplicationCallbacks:
    """The callbacks that the operator has configured. `connect` is None if the application is not asked about tokens.

    Those before commands run after the program's own hooks, on the results of these.
    """

    def __init__(self, egress: Egress, options: CallbackOptions, hooks: Hooks) -> None:
        self.metrics = CallbackMetrics()
        self._client = CallbackClient(egress, options, self.metrics)
        self.connect = ConnectCallback(self._client) if CONNECT in options.urls else None
        self._registered = ExitStack()
        for name in options.urls.keys() - {CONNECT}:
            callback = CommandCallback(name, self._client, options.on_failure)
            for named in commands_named(name):
                self._registered.callback(hooks.add(named.command_type, callback, named.when))

    async def aclose(self) -> None:
        """Removes the hooks and closes all connections."""
        self._registered.close()
        await self._client.aclose()
