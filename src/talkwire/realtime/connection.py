"""One Engine.IO session and whatever carries it at the moment: a WebSocket, polls, or both while it is upgraded."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from talkwire.realtime.dispatch import Lane
from talkwire.realtime.heartbeat import TimingWheel
from talkwire.realtime.hub import POLL_CHECK, Hub
from talkwire.realtime.metrics import RealtimeMetrics
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

GOING_AWAY = 1001
NORMAL_CLOSURE = 1000


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


class Host(Protocol):
    """What a connection asks of the server that holds it."""

    hub: Hub
    wheel: TimingWheel
    metrics: RealtimeMetrics
    now: Callable[[], float]

    def forget(self, connection: Connection) -> bool: ...


class Connection(ABC):
    """Joins a `Session` to its transports. What its messages mean is for a subclass: see `received` and `ended`."""

    __slots__ = (
        "_drained",
        "_ending",
        "_poll",
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
        self.out = session.out
        self.handshake = handshake
        self.websocket: WebSocket | None = None
        self.polling = True
        self.wheel_tick = 0
        self.lane = Lane(self._lane_changed)
        self._trial: WebSocket | None = None
        self._poll: asyncio.Future[str] | None = None
        self._ending = False
        self._drained: asyncio.Future[None] | None = None

    # --- for subclasses ---------------------------------------------------------------------------------------------

    @abstractmethod
    def received(self, data: str | bytes, now: float) -> None:
        """The peer sent a message."""

    @abstractmethod
    def ended(self, reason: str) -> None:
        """The session is over; called once."""

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
        self.handle(events, now)

    def receive_payload(self, body: str, now: float) -> None:
        """The body of a POST."""
        self.handle(self.session.receive_payload(body, now), now)

    def websocket_closed(self, websocket: WebSocket, now: float) -> None:
        """A WebSocket is gone: the session's, or the one on trial."""
        if websocket is self._trial:
            self._trial = None
            self.handle(self.session.transport_closed(Transport.WEBSOCKET, now), now)
        elif websocket is self.websocket:
            self.handle(self.session.transport_closed(Transport.WEBSOCKET, now), now)
            self.websocket = None

    async def poll(self, now: float) -> str | None:
        """Waits for something to answer a GET with; None: it may not be answered (400)."""
        if not self.session.poll_started(now):
            self._settle_closed()
            return None
        body = self.session.take_poll(now)
        if body is None:
            pending: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._poll = pending
            try:
                return await pending
            finally:
                # A client that polls before it has its answer may have put its next poll here.
                if self._poll is pending:
                    self._poll = None
        self._tell_drained()
        self._settle_closed()
        return body

    def poll_aborted(self, now: float) -> None:
        """The client went away while it was polling."""
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
            self._lane_changed()

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
            if out and self._unsent_by_polling() > UNSENT_MAX:
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
            return self._unsent_by_polling() > SLOW
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

    def _unsent_by_polling(self) -> int:
        return sum(map(len, self.out))

    def _cut(self, websocket: WebSocket) -> None:
        """The client does not read: what it misses it will find in the log."""
        self.server.metrics.slow_connections += 1
        self.out.clear()
        self.websocket = None
        websocket.abort()
        self.close("transport error")

    def _answer_poll(self, now: float) -> None:
        if self._poll is not None and not self._poll.done():
            body = self.session.take_poll(now)
            if body is not None:
                self._poll.set_result(body)
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
            self.lane.clear()
            self.ended(reason)
        if self.session.lingering:
            self.server.wheel.watch(self)

    def _lane_changed(self) -> None:
        if self._ending and self.lane.idle:
            self.close("server shutting down", GOING_AWAY)
        elif self.websocket is not None:
            self.websocket.set_reading(not (self._ending or self.lane.crowded))
