"""One Engine.IO session: heartbeat, polling, upgrade and close.

Engine.IO protocol, revision 4; what a packet means is the table in `transitions`. Time comes in as `now` (seconds, any
monotonic clock), output waits in `out` as WebSocket frames. Knows neither sockets nor what the messages say.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final, assert_never

import msgspec

from talkwire.wire.backlog import POLL_PACKETS_MAX, Backlog
from talkwire.wire.engine_packet import SEPARATOR, Packet, PacketType, decode_packet, iter_payload
from talkwire.wire.errors import RemoteProtocolError
from talkwire.wire.frame import message_frame, text_frame
from talkwire.wire.handshake import EngineOptions, open_packet
from talkwire.wire.transitions import TABLE, Action, Phase
from talkwire.wire.transport import Transport

NOOP_INTERVAL_S: Final = 0.1
"""How often a pending poll is released while a WebSocket is on trial."""

PING_LATE_S: Final = 0.1
"""A ping that leaves at most this late (a timer's rounding) does not extend the time that its pong has."""

_PING: Final = text_frame("2")
_PROBE_ANSWER: Final = text_frame("3probe")
_CLOSE: Final = "1"
_NOOP: Final = "6"

# What the hot path compares with, bound once: looking an enum's member up costs as much as the comparison.
_MESSAGE: Final = PacketType.MESSAGE
_OVER_WEBSOCKET: Final = Phase.WEBSOCKET


class MessageReceived(msgspec.Struct, frozen=True):
    """The peer sent a message; bytes are a binary one."""

    data: str | bytes


class Upgraded(msgspec.Struct, frozen=True):
    """The WebSocket on trial is the session's transport now; a poll still pending must be answered (`take_poll`)."""


class UpgradeFailed(msgspec.Struct, frozen=True):
    """The WebSocket on trial must be closed; the session goes on polling."""


class SessionClosed(msgspec.Struct, frozen=True):
    """The session is over, by one of Node's reasons.

    A pending poll must be answered (`take_poll`); each WebSocket of the session must be closed, after `out` is written.
    """

    reason: str


Event = MessageReceived | Upgraded | UpgradeFailed | SessionClosed


class _Trial:
    """A WebSocket that may replace polling; it exists only while the upgrade lasts."""

    __slots__ = ("deadline", "noop_due", "out")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.noop_due = inf
        self.out: list[bytes] = []


class Session:
    """One Engine.IO session, from its open packet to its SessionClosed event.

    The shell writes `out` to the WebSocket when `transport` says so, and otherwise answers polls: whenever
    `poll_pending`, it asks `take_poll` after anything that may have brought output, an event or a deadline. It calls
    `handle_deadline` at `next_deadline`. Whatever tells of the peer takes `now`, also where no rule looks at it
    today. A breach by the peer raises nothing; it closes the session.
    """

    __slots__ = (
        "_awaits_pong",
        "_backlog",
        "_goodbye",
        "_heartbeat_due",
        "_may_extend",
        "_phase",
        "_post_pending",
        "_release_poll",
        "_trial",
        "close_reason",
        "engine_sid",
        "last_ping_answered",
        "last_ping_sent",
        "options",
        "out",
        "poll_pending",
        "transport",
    )

    def __init__(self, engine_sid: str, options: EngineOptions, transport: Transport, now: float) -> None:
        self.engine_sid = engine_sid
        self.options = options
        self.transport = transport
        # Others keep a reference to this list: a connection, and the hub that appends to it.
        self.out: Final = [text_frame(open_packet(engine_sid, transport, options))]
        self._backlog = Backlog(self.out) if transport is Transport.POLLING else None
        self.poll_pending = False
        self.close_reason: str | None = None
        # When the latest ping left, and when the latest ping that got its pong had left: a pong after
        # `last_ping_answered = t` proves that the client was there after t.
        self.last_ping_sent = -inf
        self.last_ping_answered = -inf
        self._phase = Phase.POLLING if transport is Transport.POLLING else Phase.WEBSOCKET
        self._heartbeat_due = now + options.ping_interval_s
        self._awaits_pong = False
        self._may_extend = False
        self._post_pending = False
        self._release_poll = False
        self._goodbye: str | None = None
        self._trial: _Trial | None = None

    @property
    def closed(self) -> bool:
        """Whether the session is over."""
        return self._phase is Phase.CLOSED

    @property
    def lingering(self) -> bool:
        """Whether a closed polling session still owes its client the last output: keep it known until this is False."""
        return self._goodbye is not None

    @property
    def upgrading(self) -> bool:
        """Whether a WebSocket is on trial."""
        return self._trial is not None

    @property
    def probe_out(self) -> list[bytes]:
        """Frames for the WebSocket on trial, to be written there and cleared at once; empty when there is none."""
        return [] if self._trial is None else self._trial.out

    # What arrives

    def receive_websocket(self, message: str | bytes, now: float) -> list[Event]:
        """Take one WebSocket message, from the session's WebSocket or from the one on trial."""
        if self._phase is _OVER_WEBSOCKET and not self._awaits_pong and message[:1] == "4":
            return [MessageReceived(message[1:])]
        try:
            packet = decode_packet(message)
        except RemoteProtocolError:
            return self._broken_message()
        return self.receive_packet(Transport.WEBSOCKET, packet, now)

    def receive_payload(self, body: str, now: float) -> Iterator[Event]:
        """Yields the events of a polling POST's body; what precedes a broken packet counts, as in Node.

        Decodes a packet when its event is asked for, so that the caller may spread the work. It ends with the session.
        """
        if self.transport is not Transport.POLLING:
            return
        try:
            for packet in iter_payload(body):
                if self.closed:
                    return
                yield from self.receive_packet(Transport.POLLING, packet, now)
        except RemoteProtocolError:
            yield from self._fail("parse error")

    def receive_packet(self, transport: Transport, packet: Packet, now: float) -> list[Event]:
        """Take one packet that came over `transport`."""
        if self._awaits_pong and transport is self.transport:
            if now >= self._heartbeat_due:
                return self._fail("ping timeout")
            if self._may_extend and packet.type is not PacketType.PONG:
                self._extend_heartbeat(now)
        if packet.type is _MESSAGE and transport is self.transport and self._phase is not Phase.CLOSED:
            return [MessageReceived(packet.data)]
        return self._act(TABLE[self._phase, transport][packet.type], packet, now)

    # What leaves

    def send_message(self, data: str | bytes) -> None:
        """Queue one message; nothing happens when the session is closed."""
        if not self.closed:
            self.out.append(message_frame(data))

    def take_many(self) -> None:
        """Note that the client takes as many packets in one answer to a poll as it is given."""
        if self._backlog is not None:
            self._backlog.packets_max = POLL_PACKETS_MAX

    def unfetched(self) -> int:
        """Return how many bytes no poll has fetched; 0 once the session has a WebSocket."""
        return 0 if self._backlog is None else self._backlog.size()

    def close(self, reason: str) -> list[Event]:
        """Close from our side; what is in `out` is still to be written.

        A polling session lingers: its client fetches the rest, and then the close packet, with the next polls, which it
        may send until the deadline that the session had anyway.
        """
        if self.closed:
            return []
        if self.transport is Transport.POLLING:
            # A poll that comes later gets a noop first if there is nothing else to say, as in Node.
            self._goodbye = _CLOSE if self.poll_pending or self.out else f"{_NOOP}{SEPARATOR}{_CLOSE}"
        return self._end(reason)

    # Polling

    def poll_started(self, now: float) -> bool:  # noqa: ARG002 - see the class
        """Note that a GET arrived; False: answer it with 400.

        If the session is closed after a False, it was this second poll that closed it: `close_reason` says why, and
        the first poll gets its answer from `take_poll`.
        """
        if self.closed and not self.poll_pending:
            self.poll_pending = self.lingering
            return self.poll_pending
        if self.transport is not Transport.POLLING:
            return False
        if self.poll_pending:
            self._fail("transport error")
            return False
        self.poll_pending = True
        return True

    def take_poll(self, now: float) -> str | None:  # noqa: ARG002 - see the class
        """Return the body that ends the pending poll, None while there is nothing to say (or no poll)."""
        if not self.poll_pending:
            return None
        body = self._poll_answer()
        self.poll_pending = body is None
        return body

    def poll_aborted(self, now: float) -> list[Event]:  # noqa: ARG002 - see the class
        """Note that the client went away before its poll was answered."""
        if not self.poll_pending:
            return []
        self.poll_pending = False
        self._goodbye = None
        return self._fail("transport error") if self.transport is Transport.POLLING else []

    def post_started(self, now: float) -> bool:  # noqa: ARG002 - see the class
        """Note that a POST arrived; False: answer it with 400 (and see `poll_started`)."""
        if self.closed or self.transport is not Transport.POLLING:
            return False
        if self._post_pending:
            self._fail("transport error")
            return False
        self._post_pending = True
        return True

    def post_ended(self) -> None:
        """Note that the POST was answered."""
        self._post_pending = False

    def post_aborted(self, now: float) -> list[Event]:  # noqa: ARG002 - see the class
        """Note that the client went away in the middle of its POST."""
        self._post_pending = False
        return self._fail("transport error") if self.transport is Transport.POLLING else []

    # Upgrade

    def upgrade_started(self, now: float) -> bool:
        """Put a new WebSocket on trial; False: close it, the session has one already or may have none."""
        if self._phase is not Phase.POLLING or not self.options.allow_upgrades:
            return False
        self._phase = Phase.UPGRADING
        self._trial = _Trial(now + self.options.upgrade_timeout_s)
        return True

    def transport_closed(
        self,
        transport: Transport,
        now: float,  # noqa: ARG002 - see the class
        reason: str = "transport close",
    ) -> list[Event]:
        """Note that a transport broke; `reason` is "transport error" when it broke with an error."""
        if transport is self.transport:
            return self._fail(reason)
        return self._fail_upgrade()

    # Time

    def next_deadline(self) -> float:
        """Return when `handle_deadline` is due, `inf` when never."""
        if self._phase is Phase.CLOSED and self._goodbye is None:
            return inf
        if self._trial is None:
            return self._heartbeat_due
        return min(self._heartbeat_due, self._trial.deadline, self._trial.noop_due)

    def handle_deadline(self, now: float) -> list[Event]:
        """Do what is due: a ping, a release of the poll, or an end. Too early a call does nothing."""
        events: list[Event] = []
        if self._trial is not None:
            events += self._handle_trial_deadline(self._trial, now)
        if now >= self._heartbeat_due:
            events += self._handle_heartbeat_deadline(now)
        return events

    def hasten_ping(self, now: float) -> None:
        """Have the next ping leave with the next `handle_deadline`, unless one is unanswered: its pong proves that the
        client has received what it was sent before."""
        if not self.closed and not self._awaits_pong:
            self._heartbeat_due = min(self._heartbeat_due, now)

    def _act(self, action: Action, packet: Packet, now: float) -> list[Event]:
        events: list[Event] = []
        match action:
            case Action.DELIVER:
                events = [MessageReceived(packet.data)]
            case Action.HEARTBEAT:
                self._note_pong(now)
            case Action.LEAVE:
                events = self._fail("transport close", goodbye=_NOOP)
            case Action.BREACH:
                events = self._fail("transport error")
            case Action.ANSWER_PROBE:
                events = self._answer_probe(packet, now)
            case Action.SWITCH:
                events = self._switch(now)
            case Action.FAIL_UPGRADE:
                events = self._fail_upgrade()
            case Action.IGNORE:
                pass
            case _:
                assert_never(action)
        return events

    def _broken_message(self) -> list[Event]:
        return self._fail("parse error") if self.transport is Transport.WEBSOCKET else self._fail_upgrade()

    def _end(self, reason: str) -> list[Event]:
        self._phase = Phase.CLOSED
        self.close_reason = reason
        self._trial = None
        self._awaits_pong = self._may_extend = False
        return [SessionClosed(reason)]

    def _fail(self, reason: str, goodbye: str = _CLOSE) -> list[Event]:
        """Close because of the peer: what waits in `out` is lost, as in Node; only a pending poll is told."""
        if self.closed:
            return []
        if self._backlog is None:
            self.out.clear()
        else:
            self._backlog.clear()
        self._goodbye = goodbye if self.poll_pending else None
        return self._end(reason)

    def _poll_answer(self) -> str | None:
        if self.transport is Transport.WEBSOCKET:
            return _NOOP  # the upgrade overtook this poll; what is in `out` belongs to the WebSocket
        if self.closed:
            return self._last_answer()
        if self.out:
            return self._drain()
        if self._release_poll:
            self._release_poll = False
            return _NOOP
        return None

    def _last_answer(self) -> str | None:
        """The close packet has an answer of its own. The official client handles it before the packets in front of it
        in the same answer: it would keep these, and hand them out once more when it has connected again."""
        if self.out:
            return self._drain()
        goodbye, self._goodbye = self._goodbye or _CLOSE, None
        return goodbye

    def _drain(self) -> str | None:
        """Takes what one answer may hold; the rest waits for the next poll."""
        self._release_poll = False
        return None if self._backlog is None else self._backlog.take()

    def _answer_probe(self, packet: Packet, now: float) -> list[Event]:
        if packet.data != "probe" or self._trial is None:
            return self._fail_upgrade()
        self._trial.out.append(_PROBE_ANSWER)
        self._trial.noop_due = now + NOOP_INTERVAL_S
        return []

    def _switch(self, now: float) -> list[Event]:
        """Move to the WebSocket: what it is still owed from its trial goes out first, then the buffered output."""
        self.out[:0] = self.probe_out
        self._trial = self._backlog = None
        self._phase = Phase.WEBSOCKET
        self.transport = Transport.WEBSOCKET
        if self._awaits_pong:
            # The ping may have left over the old transport: its answer gets the whole time again.
            self._heartbeat_due = now + self.options.ping_timeout_s
        return [Upgraded()]

    def _fail_upgrade(self) -> list[Event]:
        if self._phase is not Phase.UPGRADING:
            return []
        self._phase = Phase.POLLING
        self._trial = None
        self._release_poll = False
        return [UpgradeFailed()]

    def _handle_trial_deadline(self, trial: _Trial, now: float) -> list[Event]:
        if now >= trial.deadline:
            return self._fail_upgrade()
        if now >= trial.noop_due:
            trial.noop_due = now + NOOP_INTERVAL_S
            self._release_poll = self.poll_pending
        return []

    def _handle_heartbeat_deadline(self, now: float) -> list[Event]:
        if self.closed:
            self._goodbye = None  # nobody came for it
            return []
        if self._awaits_pong:
            return self._fail("ping timeout")
        self.out.append(_PING)
        self.last_ping_sent = now
        self._awaits_pong = self._may_extend = True
        due = self._heartbeat_due if now - self._heartbeat_due <= PING_LATE_S else now
        self._heartbeat_due = due + self.options.ping_timeout_s
        return []

    def _note_pong(self, now: float) -> None:
        if self._awaits_pong:
            self.last_ping_answered = self.last_ping_sent
        self._awaits_pong = self._may_extend = False
        self._heartbeat_due = now + self.options.ping_interval_s

    def _extend_heartbeat(self, now: float) -> None:
        """Wait for the pong anew, once, since a packet that is none shows the peer alive; Node does the same."""
        self._may_extend = False
        self._heartbeat_due = now + self.options.ping_timeout_s
