"""The server's side of one Engine.IO session, with its transports: a WebSocket, long polling, or both during an
upgrade.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Final, Protocol, assert_never

import msgspec
import structlog

from talkwire.realtime.engine.hub import POLL_CHECK, Hub
from talkwire.realtime.engine.preview import preview
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.scheduling.lane import Lane
from talkwire.realtime.scheduling.timing_wheel import TimingWheel
from talkwire.realtime.scheduling.work_queue import WorkQueue
from talkwire.wire import (
    MessageReceived,
    Session,
    SessionClosed,
    SessionEvent,
    Transport,
    Upgraded,
    UpgradeFailed,
)

UNSENT_MAX = 1024 * 1024
"""Unsent bytes at which a client is disconnected. It resumes from the log when it reconnects."""

SLOW = 64 * 1024
"""Unsent bytes from which on a client receives no ephemeral events, such as typing."""

PACKETS_A_STEP = 16
"""Number of packets of a POST's body that are handled in one step of the work queue."""

REFUSALS_PER_S = 500
"""Most refusals that a client over its rate limits gets in a second, after `REFUSALS_FREE` at once: the server reads
from it more slowly."""

REFUSALS_FREE = 250
"""Refusals at once after which the server reads from a client more slowly."""

GOING_AWAY = 1001
"""WebSocket close code of a server that ends (RFC 6455, section 7.4.1)."""

NORMAL_CLOSURE = 1000
"""WebSocket close code of a connection that has served its purpose (RFC 6455, section 7.4.1)."""

_logger = structlog.get_logger(__name__)


class Handshake(msgspec.Struct, frozen=True, gc=False):
    """The parts of a session's opening request that the server keeps: the client's address, the query, which may
    contain a token, the header Authorization, and perhaps the header Cookie.
    """

    address: str
    query: Mapping[str, str] = msgspec.field(default_factory=dict)
    authorization: str | None = None
    forwarded: bool = False
    """Whether a proxy's forwarding headers were on the request."""
    cookie: str | None = None
    """The header Cookie; kept only by servers that need it (`EngineServer.keeps_cookies`)."""


class WebSocket(Protocol):
    """The interface that a connection uses of its WebSocket: `unsent` returns the bytes in the write buffer, `close`
    performs the closing handshake with a close code, `abort` ends it at once, `set_reading(False)` pauses input.
    """

    write: Callable[[bytes], None]

    def unsent(self) -> int: ...
    def close(self, code: int) -> None: ...
    def abort(self) -> None: ...
    def set_reading(self, reading: bool) -> None: ...  # noqa: FBT001
    def set_message_max(self, size: int) -> None: ...


class Host(Protocol):
    """The interface that a connection uses of its server."""

    hub: Hub
    wheel: TimingWheel
    metrics: RealtimeMetrics
    work: WorkQueue
    now: Callable[[], float]

    def forget(self, connection: Connection) -> bool: ...


class Connection(ABC):
    """The server's side of one Engine.IO session: connects a `Session`, which does no I/O, to its transports. A
    subclass handles the client's messages (`received`) and the session's end (`ended`).

    Shares one list with its session: `self.out is session.out`. The hub appends frames to it, this class writes and
    clears it, and the session queues its packets in it. Nobody may assign another list to either attribute. If the list
    is not empty, this connection is already queued for a flush in the hub.
    """

    __slots__ = (
        "_drained",
        "_poll",
        "_refused_until",
        "_slowed",
        "_trial",
        "ending",
        "handshake",
        "lane",
        "out",
        "polling",
        "server",
        "session",
        "websocket",
        "wheel_tick",
    )

    def __init__(self, server: Host, session: Session, handshake: Handshake) -> None:
        self.server = server
        self.session = session
        self.out: Final = session.out
        self.handshake = handshake
        self.websocket: WebSocket | None = None
        self.polling = True
        self.wheel_tick = 0
        self.lane = Lane(self)
        self._trial: WebSocket | None = None
        self._poll: asyncio.Future[str] | None = None
        self.ending: str | None = None
        """The reason, in Socket.IO's words, for which the session closes as soon as its running handlers have finished;
        None if it stays open.
        """
        self._drained: asyncio.Future[None] | None = None
        self._refused_until = 0.0
        self._slowed: asyncio.TimerHandle | None = None

    # --- for subclasses ---------------------------------------------------------------------------------------------

    @abstractmethod
    def received(self, data: str | bytes, now: float) -> None:
        """Handles one message of the client. `now` is the time in seconds of the event loop's clock."""

    @abstractmethod
    def ended(self, reason: str) -> None:
        """Releases the resources of the session, after it has ended for `reason`. Called once."""

    @property
    def message_max(self) -> int:
        """The size in bytes of the largest message that the client may send at this time."""
        return self.session.options.max_payload

    def say_goodbye(self, reason: str) -> None:  # noqa: B027 (a subclass may have nothing to say)
        """Sends the client the reason for which the server is about to close the session, if the subclass's protocol
        has a packet for it. Does not close it.
        """

    # --- from the transports ----------------------------------------------------------------------------------------

    def start_on_websocket(self, websocket: WebSocket, answer: bytes = b"") -> None:
        """Starts the session on the WebSocket that opened it. Writes `answer`, the response to the upgrade request
        (empty if it was sent already), then the session's open packet.
        """
        self.websocket = websocket
        self.polling = False
        websocket.write(answer + b"".join(self.out))
        self.out.clear()

    def upgrade(self, websocket: WebSocket, now: float) -> bool:
        """Puts a new WebSocket on trial, i.e. starts an upgrade from polling to it. Returns False if the session does
        not accept an upgrade; the caller then closes the WebSocket. `now` is in seconds of the event loop's clock.
        """
        if not self.session.upgrade_started(now):
            return False
        self._trial = websocket
        self.server.wheel.watch(self)
        return True

    def receive_websocket(self, message: str | bytes, now: float) -> None:
        """Handles one message from the session's WebSocket, or from the WebSocket on trial during an upgrade. `now` is
        in seconds of the event loop's clock.
        """
        events = self.session.receive_websocket(message, now)
        if self._trial is not None:
            self._handle_trial(now)
        if self.session.close_reason is not None and events:
            _logger.debug("session_breach", reason=self.session.close_reason, first=preview(message))
        self.handle(events, now)

    async def receive_payload(self, body: str, now: float) -> None:
        """Handles the body of a polling POST, in steps of the work queue so that other clients are served in between.
        Returns once all packets are handled and the client may send more. `now` is the time at which the body was
        complete, in seconds of the event loop's clock.
        """
        events = self.session.receive_payload(body, now)
        # Suspends: another round means that the lane is full.
        while await self.server.work.finish(partial(self._receive_some, events, now)):
            await self.lane.room()
        if self.session.close_reason is not None:
            _logger.debug("session_breach", reason=self.session.close_reason, first=preview(body))
        await self.lane.room()

    def _receive_some(self, events: Iterator[SessionEvent], now: float) -> bool | None:
        """Handles up to PACKETS_A_STEP packets of a POST. Returns False if all are handled, None if it must be called
        again, and True if it must be called again once the lane (the queue of the client's events) has room.
        """
        taken = 0
        for event in islice(events, PACKETS_A_STEP):
            taken += 1
            self.handle((event,), now)
        if taken < PACKETS_A_STEP:
            return False
        return True if self.lane.is_full else None

    def slow_down(self) -> None:
        """Call it for each command or event that was refused for exceeded rate limits. After too many such refusals,
        pauses reading from the client for a while, since refusing costs as much as serving.
        """
        now = self.server.now()
        self._refused_until = max(self._refused_until, now) + 1 / REFUSALS_PER_S
        if self._slowed is None and self._slow_s() > 0 and not self.session.closed:
            self._slowed = asyncio.get_running_loop().call_later(self._slow_s(), self._read_again)
            self.lane.slow(slowed=True)

    def _slow_s(self) -> float:
        """Returns for how many more seconds reading from the client must pause; 0 or less if it need not pause."""
        return self._refused_until - self.server.now() - REFUSALS_FREE / REFUSALS_PER_S

    def _read_again(self) -> None:
        self._slowed = None
        if self._slow_s() > 0:
            # Messages that had been read already were refused meanwhile.
            self._slowed = asyncio.get_running_loop().call_later(self._slow_s(), self._read_again)
        else:
            self.lane.slow(slowed=False)

    def websocket_closed(self, websocket: WebSocket, now: float, reason: str) -> None:
        """Handles the end of a WebSocket: the session's, which closes the session, or the one on trial, which fails the
        upgrade. Ignores any other. `now` is in seconds of the event loop's clock; `reason` is one of Socket.IO's.
        """
        if websocket is self._trial:
            self._trial = None
            self.handle(self.session.transport_closed(Transport.WEBSOCKET, now, reason), now)
        elif websocket is self.websocket:
            self.handle(self.session.transport_closed(Transport.WEBSOCKET, now, reason), now)
            self.websocket = None

    def poll(self, now: float) -> asyncio.Future[str] | None:
        """Starts a polling GET. Returns a future with its response body, or None if the client may not poll now and
        must get HTTP 400, for instance because another poll is pending or the session uses a WebSocket.

        Nothing is awaited before the poll starts, so a later request of the same client is handled after it. `now` is
        in seconds of the event loop's clock.
        """
        if not self.session.poll_started(now):
            self._close_if_session_closed()
            return None
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        body = self.session.take_poll(now)
        if body is None:
            self._poll = answer
            return answer
        answer.set_result(body)
        self._notify_drained()
        self._close_if_session_closed()
        return answer

    def poll_aborted(self, now: float) -> None:
        """Handles a client that disconnected while its poll was pending, at the time `now` (in seconds of the event
        loop's clock): closes the session.
        """
        self._poll = None
        self.handle(self.session.poll_aborted(now), now)

    def post_started(self, now: float) -> bool:
        """Starts a polling POST, and returns whether its body may be received now. If not, the caller responds with
        HTTP 400; the session has been closed if another POST was running. `now` is in seconds of the event loop's
        clock.
        """
        if self.session.post_started(now):
            return True
        self._close_if_session_closed()
        return False

    # --- sessions ---------------------------------------------------------------------------------------------------

    def handle(self, events: Iterable[SessionEvent], now: float) -> None:
        """Handles events that the session has returned, in their order: passes on messages, switches transports, or
        closes. `now` is in seconds of the event loop's clock.
        """
        for event in events:
            match event:
                case MessageReceived():
                    if not self.session.closed:
                        self.received(event.data, now)
                case Upgraded():
                    self.websocket, self._trial = self._trial, None
                    self.polling = False
                    if self.websocket is not None:
                        self.websocket.set_message_max(self.message_max)
                    self._answer_poll(now)
                    self._notify_drained()
                    self.server.hub.wake(self)
                case UpgradeFailed():
                    self._drop_trial()
                case SessionClosed():
                    self._close(event.reason)
                case _:
                    assert_never(event)

    def send(self, data: str | bytes) -> None:
        """Queues one message for the client, to be written at the end of this turn of the event loop. Drops the message
        if the session is closed.
        """
        self.server.hub.flush_pending()  # keeps the order: earlier broadcasts to rooms must not be overtaken
        self.session.send_message(data)
        self.server.hub.wake(self)

    def close(self, reason: str, code: int = NORMAL_CLOSURE) -> None:
        """Ends the session from the server's side, after writing the queued output, for `reason` (one of Socket.IO's,
        such as "transport close"). `code` is the WebSocket's close code. Does nothing if the session is closed.
        """
        if self.session.close(reason):
            self._close(reason, code)

    def close_gracefully(self, reason: str = "shutdown") -> None:
        """Sends the client `reason`, stops reading, and closes the session once its running handlers have finished;
        returns at once. Client libraries then connect again by themselves. Further calls do nothing.
        """
        if self.ending is None:
            self.ending = "server shutting down" if reason == "shutdown" else "forced server close"
            self.lane.watched = True
            self._notify_drained()
            self.say_goodbye(reason)
            self.lane_changed()

    def close_at_once(self, reason: str) -> None:
        """Sends the client the reason, and closes the session at once. Drops messages whose handling has not
        started.
        """
        self.lane.clear()
        self.say_goodbye(reason)
        self.close("forced server close", GOING_AWAY)

    def next_deadline(self) -> float:
        """Returns the session's next deadline, such as the next ping, in seconds of the event loop's clock, for the
        timing wheel.
        """
        return self.session.next_deadline()

    def handle_deadline(self, now: float) -> None:
        """Handles a deadline of the session that has passed: sends a ping, or closes the session after a timeout.
        Called by the timing wheel. `now` is in seconds of the event loop's clock.
        """
        # A pong proves that everything before the ping has arrived, so pending broadcasts go first.
        self.server.hub.flush_pending()
        self.handle(self.session.handle_deadline(now), now)
        self.server.hub.wake(self)
        self._close_if_session_closed()

    # --- output -----------------------------------------------------------------------------------------------------

    def write(self, frames: bytes) -> None:
        """Writes frames that other recipients share, after the frames that are queued for this client."""
        out, websocket = self.out, self.websocket
        if websocket is not None and not out and not self.lane.held:
            websocket.write(frames)
            return
        out.append(frames)
        # Checks a polling client's backlog only now and then. Its first frame answers a pending poll.
        if websocket is not None or len(out) % POLL_CHECK == 1:
            self.flush()

    def flush(self) -> None:
        """Writes all queued frames to the WebSocket, or to a pending poll; without a poll they stay queued. Disconnects
        a client that has left more than UNSENT_MAX bytes unread.
        """
        out = self.out
        websocket = self.websocket
        if websocket is None:
            self._answer_poll(self.server.now())
            if out and self.session.unfetched() > UNSENT_MAX:
                self.server.metrics.slow_connections += 1
                self.close("transport error")
        elif out:
            # Only a WebSocket whose buffer has filled up needs to be asked for its size.
            if self.lane.held and websocket.unsent() > UNSENT_MAX:
                self._disconnect_slow_client(websocket)
                return
            websocket.write(out[0] if len(out) == 1 else b"".join(out))
            out.clear()

    def is_slow(self) -> bool:
        """Returns whether the client has left more than SLOW bytes unread, so that it must not receive ephemeral
        events, such as typing.
        """
        if self.websocket is None:
            return self.session.unfetched() > SLOW
        return self.lane.held and self.websocket.unsent() > SLOW

    def set_writable(self, writable: bool) -> None:  # noqa: FBT001
        """Called when the WebSocket's write buffer has filled up (False) or drained (True). While it is full, the
        client's queries wait in its lane; commands are still handled.
        """
        if writable:
            self._notify_drained()
            self.lane.release()
        else:
            self.lane.held = True

    async def drained(self) -> bool:
        """Waits until the client has fetched all output (polling), or the WebSocket's write buffer is no longer full.
        Returns True then.

        Returns False if the session has closed, or is closing, so that nothing more can be sent.
        """
        await asyncio.sleep(0)  # frames are written at the end of the turn
        # Suspends: `_drained` is forgotten when it is set.
        while not (self.session.closed or self.ending) and self._is_behind():
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)
        return not (self.session.closed or self.ending)

    def _is_behind(self) -> bool:
        return bool(self.out) if self.websocket is None else self.lane.held

    def _notify_drained(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def _disconnect_slow_client(self, websocket: WebSocket) -> None:
        """Disconnects a client that does not read its output, at once and without writing the queued frames. When it
        reconnects, it receives the missed events from the log.
        """
        self.server.metrics.slow_connections += 1
        self.out.clear()
        self.websocket = None
        websocket.abort()
        self.close("transport error")

    def _answer_poll(self, now: float) -> None:
        if self._poll is None:
            return
        body = self.session.take_poll(now)
        if body is None:
            return
        answer, self._poll = self._poll, None
        answer.set_result(body)
        self._notify_drained()

    def _handle_trial(self, now: float) -> None:
        """Sends the session's response to the probe over the WebSocket on trial (the one that an upgrade tests)."""
        frames = self.session.probe_out
        if frames and self._trial is not None:
            self._trial.write(b"".join(frames))
            frames.clear()
        self._answer_poll(now)
        self.server.wheel.watch(self)

    def _drop_trial(self) -> None:
        trial, self._trial = self._trial, None
        if trial is not None:
            trial.close(NORMAL_CLOSURE)

    def _close_if_session_closed(self) -> None:
        """Closes the connection if its session has closed without returning an event: because of a second poll or POST
        at the same time, or after its client has fetched the last output.
        """
        reason = self.session.close_reason
        if reason is not None:
            self._close(reason)

    def _close(self, reason: str, code: int = NORMAL_CLOSURE) -> None:
        websocket, self.websocket = self.websocket, None
        if websocket is not None:
            if self.out:
                websocket.write(b"".join(self.out))
                self.out.clear()
            websocket.close(code)
        self._drop_trial()
        self._answer_poll(self.server.now())
        self._notify_drained()
        if self.server.forget(self):
            self.lane.close()
            self.ended(reason)
        if self.session.lingering:
            self.server.wheel.watch(self)
        else:
            self._release()

    def _release(self) -> None:
        """Drops queued output and timers, and removes the connection from the timing wheel. Called when the session has
        ended and has no last response for its client.
        """
        self.out.clear()
        self.server.wheel.forget(self)
        if self._slowed is not None:
            self._slowed.cancel()
            self._slowed = None

    def lane_changed(self) -> None:
        """Pauses or resumes reading from the client when its lane (the queue of its events) has filled up or has room
        again. If the session is closing gracefully, closes it once the lane is idle.
        """
        if self.ending and self.lane.idle:
            self.close(self.ending, GOING_AWAY)
        elif self.websocket is not None:
            self.websocket.set_reading(not (self.ending or self.lane.is_full))
