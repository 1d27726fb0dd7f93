"""One Engine.IO session and whatever carries it at the moment: a WebSocket, polls, or both while it is upgraded."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, Protocol, assert_never

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
"""Bytes that a client may leave unread before it is cut off; it resumes from the log."""

SLOW = 64 * 1024
"""Bytes unread from which on a client is spared what is gone in a moment anyway."""

PACKETS_A_STEP = 16
"""Packets of a POST's body that are handled in one step of work."""

REFUSALS_PER_S = 500
REFUSALS_FREE = 250
"""A client over its rate limits is read more slowly: at most so many refusals a second, after so many at once."""

GOING_AWAY = 1001
NORMAL_CLOSURE = 1000

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What is kept of the request that opened a session."""

    address: str
    query: dict[str, str] = field(default_factory=dict)
    authorization: str | None = None
    forwarded: bool = False
    """Whether a proxy's headers were on it."""


class WebSocket(Protocol):
    """What a connection asks of its WebSocket."""

    write: Callable[[bytes], None]

    def unsent(self) -> int: ...
    def close(self, code: int) -> None: ...
    def abort(self) -> None: ...
    def set_reading(self, reading: bool) -> None: ...  # noqa: FBT001
    def set_message_max(self, size: int) -> None: ...


class Host(Protocol):
    """What a connection asks of the server that holds it."""

    hub: Hub
    wheel: TimingWheel
    metrics: RealtimeMetrics
    work: WorkQueue
    now: Callable[[], float]

    def forget(self, connection: Connection) -> bool: ...


class Connection(ABC):
    """Joins a `Session` to its transports. What its messages mean is for a subclass: see `received` and `ended`."""

    __slots__ = (
        "_drained",
        "_ending",
        "_poll",
        "_refused_until",
        "_slowed",
        "_trial",
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
        self._ending = False
        self._drained: asyncio.Future[None] | None = None
        self._refused_until = 0.0
        self._slowed: asyncio.TimerHandle | None = None

    # --- for subclasses ---------------------------------------------------------------------------------------------

    @abstractmethod
    def received(self, data: str | bytes, now: float) -> None:
        """The peer sent a message."""

    @abstractmethod
    def ended(self, reason: str) -> None:
        """The session is over; called once."""

    @property
    def message_max(self) -> int:
        """The largest message, in bytes, that may come now."""
        return self.session.options.max_payload

    def say_goodbye(self, reason: str) -> None:  # noqa: B027 (a subclass may have nothing to say)
        """The server is about to close the session: the last chance to say why."""

    # --- from the transports ----------------------------------------------------------------------------------------

    def carried_by(self, websocket: WebSocket) -> None:
        """The session was opened by this WebSocket."""
        self.websocket = websocket
        self.polling = False
        self.server.hub.wake(self)

    def upgrade(self, websocket: WebSocket, now: float) -> bool:
        """Another WebSocket wants to carry the session; False: it may not."""
        if not self.session.upgrade_started(now):
            return False
        self._trial = websocket
        self.server.wheel.watch(self)
        return True

    def receive_websocket(self, message: str | bytes, now: float) -> None:
        """One message from the session's WebSocket, or from the one on trial."""
        events = self.session.receive_websocket(message, now)
        if self._trial is not None:
            self._handle_trial(now)
        if self.session.close_reason is not None and events:
            _logger.debug("session_breach", reason=self.session.close_reason, first=preview(message))
        self.handle(events, now)

    async def receive_payload(self, body: str, now: float) -> None:
        """Handles the body of a POST, as many packets in one turn as others can wait for. Returns when the client may
        send more."""
        events = self.session.receive_payload(body, now)
        while await self.server.work.finish(partial(self._receive_some, events, now)):
            await self.lane.room()
        if self.session.close_reason is not None:
            _logger.debug("session_breach", reason=self.session.close_reason, first=preview(body))
        await self.lane.room()

    def _receive_some(self, events: Iterator[SessionEvent], now: float) -> bool | None:
        """One step. None: there is more to do; True: there may be more, and it has to wait; False: that was all."""
        taken = 0
        for event in islice(events, PACKETS_A_STEP):
            taken += 1
            self.handle((event,), now)
        if taken < PACKETS_A_STEP:
            return False
        return True if self.lane.crowded else None

    def slow_down(self) -> None:
        """Notes that something of the client's was refused for its rate limits: answering that for as long as it comes
        would cost as much as doing it."""
        now = self.server.now()
        self._refused_until = max(self._refused_until, now) + 1 / REFUSALS_PER_S
        if self._slowed is None and self._slow_s() > 0 and not self.session.closed:
            self._slowed = asyncio.get_running_loop().call_later(self._slow_s(), self._read_again)
            self.lane.slow(slowed=True)

    def _slow_s(self) -> float:
        """For how long nothing more is read of the client."""
        return self._refused_until - self.server.now() - REFUSALS_FREE / REFUSALS_PER_S

    def _read_again(self) -> None:
        self._slowed = None
        if self._slow_s() > 0:
            # What was read already has been refused meanwhile.
            self._slowed = asyncio.get_running_loop().call_later(self._slow_s(), self._read_again)
        else:
            self.lane.slow(slowed=False)

    def websocket_closed(self, websocket: WebSocket, now: float, reason: str) -> None:
        """A WebSocket is gone: the session's, or the one on trial."""
        if websocket is self._trial:
            self._trial = None
            self.handle(self.session.transport_closed(Transport.WEBSOCKET, now, reason), now)
        elif websocket is self.websocket:
            self.handle(self.session.transport_closed(Transport.WEBSOCKET, now, reason), now)
            self.websocket = None

    def poll(self, now: float) -> asyncio.Future[str] | None:
        """Returns what a GET is to be answered with, as soon as there is something; None: it may not be answered (400).

        The poll begins in this turn of the loop, so that what comes behind it is handled behind it.
        """
        if not self.session.poll_started(now):
            self._settle_closed()
            return None
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        body = self.session.take_poll(now)
        if body is None:
            self._poll = answer
            return answer
        answer.set_result(body)
        self._tell_drained()
        self._settle_closed()
        return answer

    def poll_aborted(self, now: float) -> None:
        """The client went away while it was polling."""
        self._poll = None
        self.handle(self.session.poll_aborted(now), now)

    def post_started(self, now: float) -> bool:
        """False: answer with 400."""
        if self.session.post_started(now):
            return True
        self._settle_closed()
        return False

    # --- sessions ---------------------------------------------------------------------------------------------------

    def handle(self, events: Iterable[SessionEvent], now: float) -> None:
        """Does what the session says has happened."""
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
                    self._tell_drained()
                    self.server.hub.wake(self)
                case UpgradeFailed():
                    self._drop_trial()
                case SessionClosed():
                    self._close(event.reason)
                case _:
                    assert_never(event)

    def send(self, data: str | bytes) -> None:
        """Queues one message."""
        self.server.hub.hand_out()  # or this would overtake what was sent to a room before
        self.session.send_message(data)
        self.server.hub.wake(self)

    def close(self, reason: str, code: int = NORMAL_CLOSURE) -> None:
        """Ends the session from our side; what waits to be written still is."""
        if self.session.close(reason):
            self._close(reason, code)

    def end_in_order(self) -> None:
        """Says goodbye, reads no more, lets what is under way finish, and closes. Once is enough: uvicorn asks too."""
        if not self._ending:
            self._ending = True
            self._tell_drained()
            self.say_goodbye("shutdown")
            self.lane_changed()

    def break_off(self, reason: str) -> None:
        """Says goodbye and closes at once. What the client has sent and was not begun with is not."""
        self.lane.clear()
        self.say_goodbye(reason)
        self.close("forced server close", GOING_AWAY)

    def next_deadline(self) -> float:
        """See `heartbeat.Deadlined`."""
        return self.session.next_deadline()

    def handle_deadline(self, now: float) -> None:
        """See `heartbeat.Deadlined`."""
        # The answer to a ping proves that all before it has arrived.
        self.server.hub.hand_out()
        self.handle(self.session.handle_deadline(now), now)
        self.server.hub.wake(self)
        self._settle_closed()

    # --- output -----------------------------------------------------------------------------------------------------

    def write(self, frames: bytes) -> None:
        """See `hub.Outlet`."""
        out, websocket = self.out, self.websocket
        if websocket is not None and not out and not self.lane.held:
            websocket.write(frames)
            return
        out.append(frames)
        # A client that polls is looked at now and then; its first frame answers a poll that waits.
        if websocket is not None or len(out) % POLL_CHECK == 1:
            self.flush()

    def flush(self) -> None:
        """Writes what is queued, in one go."""
        out = self.out
        websocket = self.websocket
        if websocket is None:
            self._answer_poll(self.server.now())
            if out and self.session.unfetched() > UNSENT_MAX:
                self.server.metrics.slow_connections += 1
                self.close("transport error")
        elif out:
            # Only a WebSocket whose buffer has filled up needs to be asked how much it holds.
            if self.lane.held and websocket.unsent() > UNSENT_MAX:
                self._cut(websocket)
                return
            websocket.write(out[0] if len(out) == 1 else b"".join(out))
            out.clear()

    def is_slow(self) -> bool:
        """Whether the client leaves so much unread that it is spared ephemeral events."""
        if self.websocket is None:
            return self.session.unfetched() > SLOW
        return self.lane.held and self.websocket.unsent() > SLOW

    def set_writable(self, writable: bool) -> None:  # noqa: FBT001
        """The WebSocket's buffer has filled up, or has drained."""
        if writable:
            self._tell_drained()
            self.lane.release()
        else:
            self.lane.held = True

    async def drained(self) -> bool:
        """Waits until the client has taken most of what it was sent: over polling all. False: it will be sent nothing
        more."""
        await asyncio.sleep(0)  # what was sent leaves at the end of the turn
        while not (self.session.closed or self._ending) and self._is_behind():
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)
        return not (self.session.closed or self._ending)

    def _is_behind(self) -> bool:
        return bool(self.out) if self.websocket is None else self.lane.held

    def _tell_drained(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def _cut(self, websocket: WebSocket) -> None:
        """The client does not read: what it misses it will find in the log."""
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
        self._tell_drained()

    def _handle_trial(self, now: float) -> None:
        """The first packets of an upgrade: the answer to the probe goes to the WebSocket on trial."""
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

    def _settle_closed(self) -> None:
        """A breach by a second poll or POST closes the session without an event; and one that lingered is let go."""
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
        self._tell_drained()
        if self.server.forget(self):
            self.lane.close()
            self.ended(reason)
        if self.session.lingering:
            self.server.wheel.watch(self)
        else:
            self._let_go()

    def _let_go(self) -> None:
        """Drops all that is kept for the client, and what would keep this connection in memory."""
        self.out.clear()
        self.server.wheel.forget(self)
        if self._slowed is not None:
            self._slowed.cancel()
            self._slowed = None

    def lane_changed(self) -> None:
        """See `dispatch.LaneOwner`."""
        if self._ending and self.lane.idle:
            self.close("server shutting down", GOING_AWAY)
        elif self.websocket is not None:
            self.websocket.set_reading(not (self._ending or self.lane.crowded))
