"""A Socket.IO server without chat: `python examples/echo.py PORT`.

Sends back each event that it receives, with and without an ack, in the namespaces `/` and `/custom`.
"""

from __future__ import annotations

import sys
from typing import Any

from talkwire.socketio import EngineOptions, Namespace, OriginPolicy, Socket, SocketServer, serve

OPTIONS = EngineOptions(ping_interval_s=0.3, ping_timeout_s=0.2, max_payload=1_000_000, connect_timeout_s=1.0)


def echo_in(namespace: Namespace) -> None:
    """Registers the handlers of one namespace."""

    @namespace.on_connect
    def greet(socket: Socket, auth: dict[str, Any]) -> None:
        socket.emit("auth", auth)

    @namespace.on("message")
    def message(socket: Socket, *args: object) -> None:
        socket.emit("message-back", *args)

    @namespace.on("message-with-ack")
    def message_with_ack(socket: Socket, *args: object) -> tuple[object, ...]:  # noqa: ARG001
        return args


def main() -> None:
    server = SocketServer(OPTIONS, origins=OriginPolicy(["*"]))
    echo_in(server.namespace("/"))
    echo_in(server.namespace("/custom"))
    serve(server, port=int(sys.argv[1]))


if __name__ == "__main__":
    main()
