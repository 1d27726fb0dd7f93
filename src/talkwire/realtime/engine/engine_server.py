"""All Engine.IO sessions of this node, whatever is said over them: who may open one, and how they end."""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from math import inf

import structlog

from talkwire.core.engine.limits import address_key
from talkwire.identity.origins import DEVELOPMENT_ONLY, OriginPolicy
from talkwire.realtime.engine.connection import Connection, Handshake
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.forwarding.forwarder import Forwarder
from talkwire.realtime.forwarding.session_owners import new_engine_sid
from talkwire.realtime.http.connection_limits import is_shared
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.scheduling.timing_wheel import TimingWheel, tick_for
from talkwire.realtime.scheduling.work_queue import WorkQueue
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

TAKES_MANY = re.compile(r"[\w.-]*[A-Za-z][\w.-]*", re.ASCII)
"""What the official clients put into the parameter `t`: a counter in letters and digits. Their polls may be answered
with many packets. python-engineio, whose `t` is a time in digits, and clients without one take 16 only."""

_SHOWN = 16

_logger = structlog.get_logger(__name__)


class EngineServer(ABC):
    """Holds the sessions; `websocket.py` and `polling.py` bring them in. A subclass says what kind of connection.

    `connect_wait_s` counts a session that an address opens, and answers 0 when it may, else the seconds to wait.
    `sessions_per_address` is how many an address may have open; None: any number.
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
        sessions_per_address: int | None = None,
    ) -> None:
        self.options = options or EngineOptions()
        self.path = path
        self.origins = origins or OriginPolicy()
        self.trusted_proxies = trusted_proxies
        self.metrics = metrics or RealtimeMetrics()
        self._connect_wait_s = connect_wait_s
        self._sessions_per_address = sessions_per_address
        self._sessions_by_address: Counter[str] = Counter()
        self.hub = Hub()
        self.wheel = TimingWheel(
            self.options.ping_interval_s, tick_for(self.options.ping_interval_s, self.options.ping_timeout_s)
        )
        self.work = WorkQueue()
        self.accepting = True
        self.draining = False
        """Whether this node is about to go."""
        self.unconfirmed: dict[str, asyncio.Future[bool]] = {}
        """By sessions: what has become of their last poll's answer, while another node hands it on."""
        self._connections: dict[str, Connection] = {}
        self._lingering: dict[str, Connection] = {}
        self.now: Callable[[], float] = time.monotonic
        """The clock that event loops keep too."""
        self.node_id = ""
        """What session ids end with, so that other nodes know whose they are."""
        self.passing: Forwarder | None = None
        """How requests for sessions of other nodes get there; None: there are no others."""
        self.doubt_at = inf
        """Until when what comes in may be handled; later, other nodes may have taken this one for dead."""
        self.on_doubt: Callable[[], None] = _nothing
        """Called when something comes in after that, before it is looked at."""
        self.suspended = False
        """While this node is taken for dead: nobody can begin anything here."""

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

    def admit(self, request: EngineRequest, host: str, address: str, *, by_tls: bool = False) -> Admission:
        """Checks a request from `address` that opens or reaches a session. Raises HandshakeRefused. `by_tls`: see
        `OriginPolicy.allows`."""
        self._end_in_time(request.query.get("sid"))
        if not self.origins.serves(host):
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN, DEVELOPMENT_ONLY)
        admission = check_request(request, self._transport_of, self.options)
        if not self.origins.allows(request.origin, host, by_tls=by_tls):
            self.origins.log_refusal(request.origin, host, address)
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN)
        if admission.engine_sid is None and not self.accepting:
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN, "The server is shutting down")
        if admission.engine_sid is None and self.suspended:
            raise HandshakeRefused(HTTPStatus.SERVICE_UNAVAILABLE, RefusalCode.FORBIDDEN, "Try again in a moment")
        if admission.engine_sid is None and (self._has_too_many(address) or self.connect_wait_s(address)):
            # The official client takes this for a network that failed, and tries again later, each time later still.
            raise HandshakeRefused(HTTPStatus.TOO_MANY_REQUESTS, RefusalCode.FORBIDDEN, "Too many connections")
        return admission

    def _end_in_time(self, engine_sid: str | None) -> None:
        """Does what is due for a session before a request reaches it: one after its ping timeout finds it closed,
        however late the wheel is."""
        connection = self.find(engine_sid) if engine_sid else None
        now = self.now()
        if connection is not None and connection.next_deadline() <= now:
            connection.handle_deadline(now)

    def note_refusal(self, refusal: HandshakeRefused, query: Mapping[str, str]) -> None:
        """Counts a request that was refused, and logs what it asked for."""
        self.metrics.refused_handshakes[refusal.code] += 1
        asked = {name: query[name][:_SHOWN] for name in ("EIO", "transport") if name in query}
        _logger.debug("handshake_refused", code=int(refusal.code), message=refusal.message, **asked)

    def connect_wait_s(self, address: str) -> float:
        """Counts what an address opens. Answers 0, or the seconds until it may open more."""
        return 0.0 if self._connect_wait_s is None else self._connect_wait_s(address)

    def _has_too_many(self, address: str) -> bool:
        most = self._sessions_per_address
        if most is None or self._sessions_by_address[address_key(address)] < most:
            return False
        # Of loopback and trusted proxies this is what is left of clients that nobody can tell apart.
        if is_shared(address, self.trusted_proxies):
            return False
        self.metrics.http_closed["session_limit"] += 1
        return True

    def open(self, transport: Transport, handshake: Handshake) -> Connection:
        """A new session."""
        session = Session(new_engine_sid(self.node_id), self.options, transport, self.now())
        if TAKES_MANY.fullmatch(handshake.query.get("t", "")):
            session.take_many()
        connection = self.make_connection(session, handshake)
        self._connections[session.engine_sid] = connection
        self.metrics.connections += 1
        if self._sessions_per_address is not None:
            self._sessions_by_address[address_key(handshake.address)] += 1
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
            self.metrics.closed[str(connection.session.close_reason)] += 1
            _logger.debug("session_closed", reason=connection.session.close_reason)
            self._forget_address(connection.handshake.address)
        return known

    def _forget_address(self, address: str) -> None:
        if self._sessions_per_address is not None:
            key = address_key(address)
            self._sessions_by_address[key] -= 1
            if not self._sessions_by_address[key]:
                del self._sessions_by_address[key]

    def shut_down(self) -> None:
        """Takes no new sessions and ends the open ones in good order: polling ones too, which uvicorn does not know."""
        self.accepting = False
        self.draining = True
        for connection in self.connections:
            connection.end_in_order()
        if self.passing is not None:
            self.passing.close()

    def is_in_doubt(self) -> bool:
        """Whether what has just come in is not to be handled: this node may have been taken for dead. Then its
        sessions have been broken off."""
        if self.now() > self.doubt_at:
            self.on_doubt()
        return self.suspended

    def break_off(self, reason: str) -> None:
        """Ends all sessions at once; nothing that waits to be handled will be. Their clients are to come back."""
        for connection in self.connections:
            connection.break_off(reason)

    def is_for_another(self, engine_sid: str | None) -> bool:
        """Whether a request for a session is to be passed on."""
        passing = self.passing
        return (
            passing is not None
            and bool(engine_sid)
            and self.find(engine_sid or "") is None
            and passing.is_for_another(engine_sid or "")
        )

    def _transport_of(self, engine_sid: str) -> Transport | None:
        connection = self.find(engine_sid)
        return None if connection is None else connection.session.transport


def _nothing() -> None:
    """There are no other nodes."""
