"""All Engine.IO sessions of this node: checks the requests that open or use them, and opens, finds and ends them.
Independent of the protocol inside the sessions.
"""

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
from talkwire.observability.refusals import log_refusal
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
"""Pattern of the parameter `t` of the official clients: a counter in letters and digits.

Their polls accept many packets in one response. python-engineio, whose `t` is a time in digits, and clients without `t`
accept 16 only.
"""

_SHOWN = 16
"""Longest part of a parameter's value in a log entry, in characters."""

_logger = structlog.get_logger(__name__)


class EngineServer(ABC):
    """Opens, holds and ends this node's Engine.IO sessions. A subclass makes their connections; `websocket.py` and
    `polling.py` serve the requests.

    `connect_wait_s(address)` counts a session that an address opens; it returns 0 if the address may open it, else the
    seconds to wait. `sessions_per_address` limits how many sessions an address may have open; None means no limit.
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
        self.further_path = path
        """A second path that the engine serves, below the prefix of the web client; else the first one again."""
        self._connect_wait_s = connect_wait_s
        self._sessions_per_address = sessions_per_address
        self._sessions_by_address: Counter[str] = Counter()
        # Bound once, not for each line: finding out that a line is not logged takes half as long.
        self._logger = _logger.bind()
        self.hub = Hub()
        self.wheel = TimingWheel(
            self.options.ping_interval_s, tick_for(self.options.ping_interval_s, self.options.ping_timeout_s)
        )
        self.work = WorkQueue()
        self.accepting = True
        self.draining = False
        """Whether this node is about to stop."""
        self.on_draining: list[Callable[[], None]] = []
        """Functions that are called when the node is about to stop."""
        self.unconfirmed: dict[str, asyncio.Future[bool]] = {}
        """Polls that another node forwarded, by engine session id: whether the client has received the response."""
        self._connections: dict[str, Connection] = {}
        self._lingering: dict[str, Connection] = {}
        self.now: Callable[[], float] = time.monotonic
        """Function that returns the time of the event loop's clock, in seconds."""
        self.node_id = ""
        """Suffix of session ids, by which other nodes find the owner of a session."""
        self.keeps_cookies = False
        """Whether handshakes keep the header Cookie, which may be long, for as long as the session lasts."""
        self.forwarder: Forwarder | None = None
        """Forwarder of requests for sessions of other nodes; None if there are no other nodes."""
        self.lease_deadline = inf
        """Time (of `now`) until which input may be handled. Later, other nodes may have declared this one dead."""
        self.on_lease_expired: Callable[[], None] = _nothing
        """Function that is called when input arrives after `lease_deadline`, before the input is handled."""
        self.suspended = False
        """Whether other nodes may have declared this one dead; no session is opened then."""

    @abstractmethod
    def make_connection(self, session: Session, handshake: Handshake) -> Connection:
        """Makes the connection, of the subclass's protocol, for a new session."""

    def kept_cookie(self, headers: Mapping[str, str]) -> str | None:
        """Returns the header Cookie of a request that opens a session; None if the server does not keep cookies, or
        does not trust those of pages like this one."""
        return (
            headers.get("cookie") if self.keeps_cookies and self.origins.trusts_cookies(headers.get("origin")) else None
        )

    @property
    def connections(self) -> list[Connection]:
        return list(self._connections.values())

    def serves(self, path: str) -> bool:
        """Returns whether `path` is one of the paths of Engine.IO requests. The trailing slash may be missing, as in
        Socket.IO's Node server.
        """
        return path.removesuffix("/") in (self.path[:-1], self.further_path[:-1])

    def admit(self, request: EngineRequest, host: str, address: str, *, over_tls: bool = False) -> Admission:
        """Checks a request that opens a session or uses one: its host, protocol, origin, and for a new session the
        limits. Returns an admission whose `engine_sid` is None if the request may open a session, else the session's
        id. Raises HandshakeRefused.

        `host` is the request's `Host` header, `address` the client's address; see `OriginPolicy.allows` for `over_tls`.
        """
        self._handle_overdue(request.query.get("sid"))
        if not self.origins.serves(host):
            self._note_refused("host", address)
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN, DEVELOPMENT_ONLY)
        admission = self._check(request, address)
        if not self.origins.allows(request.origin, host, over_tls=over_tls):
            self.metrics.refused_connects["origin"] += 1
            self.origins.log_refusal(request.origin, host, address)
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN)
        if admission.engine_sid is None:
            self._admit_new(address)
        return admission

    def _check(self, request: EngineRequest, address: str) -> Admission:
        """Checks that a request follows the Engine.IO protocol, and returns its admission. Raises HandshakeRefused,
        after logging, if it does not.
        """
        try:
            return check_request(request, self._transport_of, self.options)
        except HandshakeRefused as refusal:
            # Clients of sessions that have ended are no news: they open another one.
            if refusal.code != RefusalCode.UNKNOWN_SESSION:
                self._note_refused(RefusalCode(refusal.code).name.lower(), address)
            raise

    def _admit_new(self, address: str) -> None:
        """Checks whether an address may open a session on this node now, and counts it against the rate limit. Raises
        HandshakeRefused if the node is stopping, if other nodes may have declared it dead, or if the address exceeds
        its limits.
        """
        if not self.accepting:
            self._note_refused("stopping", address)
            raise HandshakeRefused.of(RefusalCode.FORBIDDEN, "The server is shutting down")
        if self.suspended:
            self._note_refused("lease_lost", address)
            raise HandshakeRefused(HTTPStatus.SERVICE_UNAVAILABLE, RefusalCode.FORBIDDEN, "Try again in a moment")
        if self._has_too_many(address) or self.connect_wait_s(address):
            self._note_refused("limit", address)
            # The official client takes this for a network error and retries with growing delays.
            raise HandshakeRefused(HTTPStatus.TOO_MANY_REQUESTS, RefusalCode.FORBIDDEN, "Too many connections")

    def _note_refused(self, reason: str, address: str) -> None:
        self.metrics.refused_connects[reason] += 1
        log_refusal("connection_refused", reason=reason, address=address)

    def _handle_overdue(self, engine_sid: str | None) -> None:
        """Handles the session's deadline if it has passed, before a request uses the session. So a session is closed
        after its ping timeout even if the timing wheel is late. Does nothing for an unknown session id.
        """
        connection = self.find(engine_sid) if engine_sid else None
        if connection is not None and connection.next_deadline() <= (now := self.now()):
            connection.handle_deadline(now)

    def note_refusal(self, refusal: HandshakeRefused, query: Mapping[str, str]) -> None:
        """Counts and logs a request that `admit` has refused."""
        self.metrics.refused_handshakes[refusal.code] += 1
        asked = {name: query[name][:_SHOWN] for name in ("EIO", "transport") if name in query}
        _logger.debug("handshake_refused", code=int(refusal.code), reason=refusal.message, **asked)

    def connect_wait_s(self, address: str) -> float:
        """Counts a session that an address opens against its rate limit. Returns 0, or the seconds until the address
        may open another.
        """
        return 0.0 if self._connect_wait_s is None else self._connect_wait_s(address)

    def _has_too_many(self, address: str) -> bool:
        most = self._sessions_per_address
        if most is None or self._sessions_by_address[address_key(address)] < most:
            return False
        # Clients behind loopback or a trusted proxy share one address here, because no header told them apart.
        if is_shared(address, self.trusted_proxies):
            return False
        self.metrics.http_closed["session_limit"] += 1
        return True

    def open(self, transport: Transport, handshake: Handshake) -> Connection:
        """Opens a session on a transport, and returns its connection. Call `admit` first: this does no checks."""
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
        """Returns the connection of a session that is open, or that still has a last response for its client; None for
        any other session id.
        """
        return self._connections.get(engine_sid) or self._lingering.get(engine_sid)

    def forget(self, connection: Connection) -> bool:
        """Removes an ended session from the open ones. Its connection can still be found while it has a last response
        for its client. Returns False if the session was removed from the open ones before.
        """
        engine_sid = connection.session.engine_sid
        known = self._connections.pop(engine_sid, None) is not None
        if connection.session.lingering:
            self._lingering[engine_sid] = connection
        else:
            self._lingering.pop(engine_sid, None)
        if known:
            self.metrics.connections -= 1
            self.metrics.closed[str(connection.session.close_reason)] += 1
            self._logger.debug("session_closed", reason=connection.session.close_reason)
            self._forget_address(connection.handshake.address)
        return known

    def _forget_address(self, address: str) -> None:
        if self._sessions_per_address is not None:
            key = address_key(address)
            self._sessions_by_address[key] -= 1
            if not self._sessions_by_address[key]:
                del self._sessions_by_address[key]

    def start_draining(self) -> None:
        """Marks this node as about to stop, and calls `on_draining`. Further calls do nothing."""
        if not self.draining:
            self.draining = True
            self._logger.info("stopping", connections=len(self._connections))
            for end in self.on_draining:
                end()

    def shut_down(self) -> None:
        """Accepts no new sessions and ends the open ones gracefully, including those that poll, which uvicorn does not
        end.
        """
        self.accepting = False
        self.start_draining()
        for connection in self.connections:
            connection.close_gracefully()
        if self.forwarder is not None:
            self.forwarder.close()

    def is_fenced(self) -> bool:
        """Returns whether clients' input must not be handled, because the node's lease has expired and other nodes may
        have declared it dead. Call it before handling input.

        If the lease deadline has passed, first calls `on_lease_expired`, which ends the sessions if the lease is lost.
        """
        if self.now() > self.lease_deadline:
            self.on_lease_expired()
        return self.suspended

    def close_at_once(self, reason: str) -> None:
        """Sends all clients the reason, and ends their sessions at once. Drops messages whose handling has not started.
        The clients reconnect.
        """
        for connection in self.connections:
            connection.close_at_once(reason)

    def is_for_another(self, engine_sid: str | None) -> bool:
        """Returns whether a request with this session id must be forwarded to another node: the id names another node
        as the session's owner, and this node has no such session. Always False without other nodes.
        """
        forwarder = self.forwarder
        return (
            forwarder is not None
            and bool(engine_sid)
            and self.find(engine_sid or "") is None
            and forwarder.is_for_another(engine_sid or "")
        )

    def _transport_of(self, engine_sid: str) -> Transport | None:
        connection = self.find(engine_sid)
        return None if connection is None else connection.session.transport


def _nothing() -> None:
    """Does nothing: the default callback of a node without other nodes."""
