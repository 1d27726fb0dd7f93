"""All Engine.IO sessions of this node, whatever is said over them: who may open one, and how they end."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from http import HTTPStatus
from secrets import token_urlsafe

from talkwire.identity.origins import OriginPolicy
from talkwire.realtime.connection import Connection, Handshake
from talkwire.realtime.heartbeat import TimingWheel
from talkwire.realtime.hub import Hub
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.wire import (
    Admission,
    EngineOptions,
    EngineRequest,
    HandshakeRefused,
    RefusalCode,
    Session,
    Transport,
    check_request,
)


class EngineServer(ABC):
    """Holds the sessions; `websocket.py` and `polling.py` bring them in. A subclass says what kind of connection.

    `connect_wait_s` counts a session that an address opens, and answers 0 when it may, else the seconds to wait.
    """

    def __init__(  # noqa: PLR0913 (what an operator sets; all may be left out)
        self,
        options: EngineOptions | None = None,
        *,
        path: str = "/engine.io/",
        origins: OriginPolicy | None = None,
        trusted_proxies: frozenset[str] = frozenset(),
        metrics: RealtimeMetrics | None = None,
        connect_wait_s: Callable[[str], float] | None = None,
    ) -> None:
        self.options = options or EngineOptions()
        self.path = path
        self.origins = origins or OriginPolicy()
        self.trusted_proxies = trusted_proxies
        self.metrics = metrics or RealtimeMetrics()
        self._connect_wait_s = connect_wait_s
        self.hub = Hub()
        self.wheel = TimingWheel(self.options.ping_interval_s)
        self.accepting = True
        self._connections: dict[str, Connection] = {}
        self._lingering: dict[str, Connection] = {}
        self.now: Callable[[], float] = time.monotonic
        """The clock that event loops keep too."""

    @abstractmethod
    def make_connection(self, session: Session, handshake: Handshake) -> Connection:
        """The connection for a new session."""

    @property
    def connections(self) -> list[Connection]:
        """The open sessions' connections."""
        return list(self._connections.values())

    def serves(self, path: str) -> bool:
        """Whether a request is for us; the trailing slash may be missing, as in Node."""
        return path == self.path or path == self.path.rstrip("/")

    def admit(self, request: EngineRequest, host: str, address: str) -> Admission:
        """Checks a request from `address` that opens or reaches a session. Raises HandshakeRefused."""
        admission = check_request(request, self._transport_of, self.options)
        if not self.origins.allows(request.origin, host):
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN)
        if admission.engine_sid is None and not self.accepting:
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN, "The server is shutting down")
        if admission.engine_sid is None and self.connect_wait_s(address):
            # The official client takes this for a network that failed, and tries again later, each time later still.
            raise HandshakeRefused(HTTPStatus.TOO_MANY_REQUESTS, RefusalCode.FORBIDDEN, "Too many connections")
        return admission

    def connect_wait_s(self, address: str) -> float:
        """Counts what an address opens. Answers 0, or the seconds until it may open more."""
        return 0.0 if self._connect_wait_s is None else self._connect_wait_s(address)

    def open(self, transport: Transport, handshake: Handshake) -> Connection:
        """A new session."""
        session = Session(token_urlsafe(15), self.options, transport, self.now())
        connection = self.make_connection(session, handshake)
        self._connections[session.engine_sid] = connection
        self.metrics.connections += 1
        self.wheel.watch(connection)
        return connection

    def find(self, engine_sid: str) -> Connection | None:
        """The connection of a session that is open, or that still owes its client a last answer."""
        return self._connections.get(engine_sid) or self._lingering.get(engine_sid)

    def forget(self, connection: Connection) -> bool:
        """A session has ended; False: that was known."""
        engine_sid = connection.session.engine_sid
        known = self._connections.pop(engine_sid, None) is not None
        if connection.session.lingering:
            self._lingering[engine_sid] = connection
        else:
            self._lingering.pop(engine_sid, None)
        if known:
            self.metrics.connections -= 1
        return known

    def shut_down(self) -> None:
        """Takes no new sessions and ends the open ones in good order: polling ones too, which uvicorn does not know."""
        self.accepting = False
        for connection in self.connections:
            connection.end_in_order()

    def _transport_of(self, engine_sid: str) -> Transport | None:
        connection = self.find(engine_sid)
        return None if connection is None else connection.session.transport
