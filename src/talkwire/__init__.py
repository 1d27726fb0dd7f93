"""Talkwire, a self-hosted real-time messaging server for Socket.IO clients.

    from talkwire import Refused, Settings, Talkwire

    chat = Talkwire(Settings(data="./data"))
    chat.run(port=3000)

The public API for programs that embed Talkwire is this module, `talkwire.commands`, `talkwire.events` and, for tests,
`talkwire.testing`. `talkwire.socketio` is a Socket.IO server without the chat, and `talkwire.wire` the protocol without
input and output. All other modules are internal.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from talkwire.core.domain.errors import ChatError as Refused
    from talkwire.core.domain.model import Actor, Message
    from talkwire.datafolder import DataFolderError
    from talkwire.embedding.application import RunningServer, Talkwire
    from talkwire.realtime.chat.custom_handlers import ClientSocket
    from talkwire.realtime.serving.server import ApplicationFailed
    from talkwire.settings import Settings, SettingsError
    from talkwire.settings.sources import settings_from_environment

__all__ = [
    "Actor",
    "ApplicationFailed",
    "ClientSocket",
    "DataFolderError",
    "Message",
    "Refused",
    "RunningServer",
    "Settings",
    "SettingsError",
    "Talkwire",
    "settings_from_environment",
]

_LOCATIONS = MappingProxyType(
    {
        "Actor": ("talkwire.core.domain.model", "Actor"),
        "ApplicationFailed": ("talkwire.realtime.serving.server", "ApplicationFailed"),
        "ClientSocket": ("talkwire.realtime.chat.custom_handlers", "ClientSocket"),
        "DataFolderError": ("talkwire.datafolder", "DataFolderError"),
        "Message": ("talkwire.core.domain.model", "Message"),
        "Refused": ("talkwire.core.domain.errors", "ChatError"),
        "RunningServer": ("talkwire.embedding.application", "RunningServer"),
        "Settings": ("talkwire.settings", "Settings"),
        "SettingsError": ("talkwire.settings", "SettingsError"),
        "Talkwire": ("talkwire.embedding.application", "Talkwire"),
        "settings_from_environment": ("talkwire.settings.sources", "settings_from_environment"),
    }
)


if not TYPE_CHECKING:  # otherwise type checkers would accept any attribute of this module

    def __getattr__(name: str) -> object:
        """Imports a public name on first access. Every Talkwire module imports this package first, so importing all
        public names here would slow down each of them."""
        if name not in _LOCATIONS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, attribute = _LOCATIONS[name]
        return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
