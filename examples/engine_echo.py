"""An Engine.IO server without Socket.IO: `python examples/engine_echo.py PORT` sends each message back."""

from __future__ import annotations

import sys

from talkwire.socketio import Connection, EngineOptions, EngineServer, Handshake, OriginPolicy, Session, serve

OPTIONS = EngineOptions(ping_interval_s=0.3, ping_timeout_s=0.2, max_payload=1_000_000)


class EchoConnection(Connection):
    def received(self, data: str | bytes, now: float) -> None:  # noqa: ARG002 (an echo has no clock)
        self.send(data)

    def ended(self, reason: str) -> None:
        """Does nothing: this connection holds no state."""


class EchoServer(EngineServer):
    def make_connection(self, session: Session, handshake: Handshake) -> Connection:
        return EchoConnection(self, session, handshake)


def main() -> None:
    serve(EchoServer(OPTIONS, origins=OriginPolicy(["*"])), port=int(sys.argv[1]))


if __name__ == "__main__":
    main()
