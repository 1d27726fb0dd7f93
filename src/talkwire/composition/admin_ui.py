"""Builds the Socket.IO namespace to which Socket.IO's Admin UI connects."""

from __future__ import annotations

from talkwire.composition.foundation import Foundation
from talkwire.core.engine.limits import Limits
from talkwire.realtime.admin_ui.admin_namespace import NAMESPACE, AdminNamespace
from talkwire.realtime.admin_ui.commands import CommandRunner
from talkwire.realtime.admin_ui.credentials import AdminCredentials
from talkwire.realtime.admin_ui.observed import ObservedServer
from talkwire.realtime.socketio.socket_server import SocketServer


def serve_admin_ui(foundation: Foundation, engine: SocketServer, key: bytes, limits: Limits | None) -> None:
    """Adds the Socket.IO namespace to which pages of Socket.IO's Admin UI connect. Call it only if the setting
    `socketio_admin` (the page's user name and password) is set.

    `key` is the secret that all nodes share; it signs the sessions of signed-in pages. `limits` limits attempts to sign
    in. Raises ValueError if a dialect (one kind of client's event names) already uses the namespace.
    """
    settings, chat = foundation.settings, foundation.chat
    assert isinstance(engine, ObservedServer)
    assert settings.socketio_admin is not None
    if engine.handler_of(NAMESPACE) is not None:
        raise ValueError(f"a dialect has the namespace {NAMESPACE}, which socketio_admin needs")
    credentials = AdminCredentials(settings.socketio_admin, key, limits)
    foundation.closing.callback(credentials.close)
    runner = CommandRunner(engine.watch, engine.hub, lambda: chat.cursor)
    namespace = AdminNamespace(engine, credentials, chat.peers, runner, control=settings.socketio_admin_control)
    foundation.closing.push_async_callback(namespace.close)
    engine.add(NAMESPACE, namespace)
