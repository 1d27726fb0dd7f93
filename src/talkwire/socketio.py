"""A Socket.IO server without the chat: namespaces with handlers, rooms and acknowledgements.

    from talkwire.socketio import EngineOptions, SocketServer, serve

    server = SocketServer(EngineOptions())
    chat = server.namespace("/")

    @chat.on("message")
    def message(socket, *args):
        socket.emit("message-back", *args)

    serve(server, port=3000)

These names are public and do not change within a major version. `talkwire.wire` is the protocol alone, without input
and output.
"""

from __future__ import annotations

from talkwire.identity.origins import OriginPolicy
from talkwire.realtime.engine.connection import Connection, Handshake
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.serving.server import serve
from talkwire.realtime.socketio.socket_server import Namespace, SocketServer
from talkwire.realtime.socketio.socketio_socket import ConnectRefused, Socket
from talkwire.wire import EngineOptions, Session

__all__ = [
    "ConnectRefused",
    "Connection",
    "EngineOptions",
    "EngineServer",
    "Handshake",
    "Namespace",
    "OriginPolicy",
    "Session",
    "Socket",
    "SocketServer",
    "serve",
]
