"""Talkwire, a self-hosted real-time messaging server for Socket.IO clients.

    from talkwire import Refused, Settings, Talkwire

    chat = Talkwire(Settings(data="./data"))
    chat.run(port=3000)

The names that an embedding application may use are gathered here, in `talkwire.commands` and `talkwire.events`, and for
its tests in `talkwire.testing`. `talkwire.socketio` is a Socket.IO server without the chat, `talkwire.wire` the
protocol without input and output. Every other module is an implementation detail.
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

_PLACES = MappingProxyType(
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


if not TYPE_CHECKING:  # or type checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Names are looked for when they are asked for: every module of ours imports this one first, and most need
        little of the rest."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, attribute = _PLACES[name]
        return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
