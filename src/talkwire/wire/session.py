"""One Engine.IO session without I/O: heartbeat, polling, upgrade and close.

Engine.IO protocol, revision 4. The table in the module `transitions` defines the effect of each packet. The caller
passes the time as `now` (seconds of any monotonic clock) and sends the output, which collects in `Session.out` as
WebSocket frames. The module knows neither Socket.IO nor the content of messages.
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
"""Seconds after which a pending poll is answered with a noop packet while an upgrade is tried, so that the client can
pause polling."""

PING_LATE_S: Final = 0.1
"""Longest delay of a ping (a timer's rounding) that does not extend the deadline of its pong, in seconds."""

_PING: Final = text_frame("2")
_PROBE_ANSWER: Final = text_frame("3probe")
_CLOSE: Final = "1"
_NOOP: Final = "6"

# Bound once for the hot path: looking up an enum's member costs as much as the comparison.
_MESSAGE: Final = PacketType.MESSAGE
_OVER_WEBSOCKET: Final = Phase.WEBSOCKET


class MessageReceived(msgspec.Struct, frozen=True):
    """The peer has sent a message. `data` is bytes if the message is binary, else text without the packet type. Pass it
    to `SocketSession.receive`."""

    data: str | bytes


class Upgraded(msgspec.Struct, frozen=True):
    """The session has moved from polling to the new WebSocket that an upgrade was probing. Respond to a pending poll
    with `take_poll`, then write `Session.out` to the WebSocket.
    """


class UpgradeFailed(msgspec.Struct, frozen=True):
    """The upgrade from polling to a WebSocket failed. Close the new WebSocket; the session continues over polling."""


class SessionClosed(msgspec.Struct, frozen=True):
    """The session has ended. `reason` is one of the reasons of Socket.IO's Node server, such as "ping timeout".

    Write the frames in `Session.out` and close each WebSocket of the session, or respond to a pending poll with
    `take_poll`.
    """

    reason: str


Event = MessageReceived | Upgraded | UpgradeFailed | SessionClosed


class _Trial:
    """A new WebSocket during an upgrade, on trial: the client probes it, and it then replaces polling. The upgrade
    fails at `deadline`. At `noop_due` the pending poll ends, so that the client stops polling.
    """

    __slots__ = ("deadline", "noop_due", "out")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.noop_due = inf
        self.out: list[bytes] = []


class Session:
    """One Engine.IO session, from its open packet to its SessionClosed event.

    The caller performs the I/O. After each call that may add output (`receive_*`, `send_message`, `close`,
    `upgrade_started`, `handle_deadline`) the caller must:

        - write `out` to the WebSocket and clear it, if `transport` is WEBSOCKET;
        - call `take_poll` and send its result as the poll's response, if `poll_pending`;
        - write `probe_out` to the WebSocket on trial (the one that an upgrade probes) and clear it, if `upgrading`;
        - handle the returned events in their order;
        - call `handle_deadline` at the time that `next_deadline` returns.

    The caller may also append frames to the list `out` and clear it, as a server's hub does. So the session changes
    this list in place and never assigns another list to `out`.

    Every method that reports something about the peer takes `now`, even where no rule needs it today: seconds on one
    monotonic clock of the caller's choice. When the peer breaks the protocol, methods raise no exception: they close
    the session.
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
        # When the latest ping was sent, and when the latest answered ping was sent. After `last_ping_answered = t`, the
        # client has received everything that was sent before t.
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
        """True if the session has ended. A closed polling session may still have output for its client
        (`lingering`).
        """
        return self._phase is Phase.CLOSED

    @property
    def lingering(self) -> bool:
        """True if a closed polling session still has output for its client. The caller must accept the session's polls
        until this is False.
        """
        return self._goodbye is not None

    @property
    def upgrading(self) -> bool:
        """True while an upgrade is running: a WebSocket is on trial, and the session still uses polling."""
        return self._trial is not None

    @property
    def probe_out(self) -> list[bytes]:
        """Frames to write to the WebSocket on trial during an upgrade; empty without an upgrade. The caller writes them
        and clears the list.
        """
        return [] if self._trial is None else self._trial.out

    # Input

    def only_forwards(self) -> bool:
        """Returns whether a message packet from the session's WebSocket has no effect but to be returned as
        MessageReceived.

        That is the case while the session uses a WebSocket and waits for no pong. The caller may then skip
        `receive_websocket` for a message packet, to save time.
        """
        return self._phase is _OVER_WEBSOCKET and not self._awaits_pong

    def receive_websocket(self, message: str | bytes, now: float) -> list[Event]:
        """Handles one message from the session's WebSocket, or from the WebSocket on trial during an upgrade, and
        returns the resulting events.

        The caller handles the events, then sends the output as the docstring of the class describes. See the sections
        "Message" and "Upgrade" of the Engine.IO protocol.
        """
        if message[:1] == "4" and self.only_forwards():
            return [MessageReceived(message[1:])]
        try:
            packet = decode_packet(message)
        except RemoteProtocolError:
            return self._broken_message()
        return self.receive_packet(Transport.WEBSOCKET, packet, now)

    def receive_payload(self, body: str, now: float) -> Iterator[Event]:
        """Handles the body of a polling POST, and yields the resulting events. Packets before a broken packet are
        handled, as in Socket.IO's Node server.

        Decodes each packet when its event is requested, so that the caller can spread the work. Stops when the session
        closes. Afterwards, the caller calls `post_ended` and responds to the POST.
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
        """Handles one decoded packet that arrived over `transport`, and returns the resulting events. The caller
        continues as after `receive_websocket`.
        """
        if self._awaits_pong and transport is self.transport:
            if now >= self._heartbeat_due:
                return self._fail("ping timeout")
            if self._may_extend and packet.type is not PacketType.PONG:
                self._extend_heartbeat(now)
        if packet.type is _MESSAGE and transport is self.transport and self._phase is not Phase.CLOSED:
            return [MessageReceived(packet.data)]
        return self._act(TABLE[self._phase, transport][packet.type], packet, now)

    # Output

    def send_message(self, data: str | bytes) -> None:
        """Appends one message to `out`; does nothing if the session is closed. The caller then sends the frames in
        `out`.
        """
        if not self.closed:
            self.out.append(message_frame(data))

    def take_many(self) -> None:
        """Increases the limit of one poll response to POLL_PACKETS_MAX (2048) packets. Call it for clients that are
        known to accept that many.
        """
        if self._backlog is not None:
            self._backlog.packets_max = POLL_PACKETS_MAX

    def unfetched(self) -> int:
        """Returns how many bytes of output, frame headers included, wait for the next poll; 0 if the session uses a
        WebSocket."""
        return 0 if self._backlog is None else self._backlog.size()

    def close(self, reason: str) -> list[Event]:
        """Closes the session from the server's side. Returns its SessionClosed event with `reason`, or an empty list if
        the session is closed already.

        The caller then writes `out` and closes the WebSocket. A polling session is `lingering`: its client fetches the
        remaining output, and at last the close packet, with polls that it may send until the next heartbeat deadline.
        """
        if self.closed:
            return []
        if self.transport is Transport.POLLING:
            # A later poll receives a noop first if there is no other output, as in Socket.IO's Node server.
            self._goodbye = _CLOSE if self.poll_pending or self.out else f"{_NOOP}{SEPARATOR}{_CLOSE}"
        return self._end(reason)

    # Polling

    def poll_started(self, now: float) -> bool:  # noqa: ARG002 - see the class
        """Registers a polling GET. Returns True if it may wait for output: then call `take_poll`. Otherwise respond
        with HTTP 400.

        A second poll while another is pending closes the session, without an event. After False, check `closed`: if it
        is True, respond to the first poll with `take_poll` and handle the close, whose reason is `close_reason`.
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
        """Returns the response body for the pending poll, or None if no poll is pending or there is no output yet.

        Send the body at once: the session does not keep it for another poll.
        """
        if not self.poll_pending:
            return None
        body = self._poll_answer()
        self.poll_pending = body is None
        return body

    def poll_aborted(self, now: float) -> list[Event]:  # noqa: ARG002 - see the class
        """Handles a client that disconnected while its poll was pending: closes the session if it still uses polling,
        and returns the resulting events.
        """
        if not self.poll_pending:
            return []
        self.poll_pending = False
        self._goodbye = None
        return self._fail("transport error") if self.transport is Transport.POLLING else []

    def post_started(self, now: float) -> bool:  # noqa: ARG002 - see the class
        """Registers a polling POST. Returns True if its body may be received: then call `receive_payload` with the
        body, and `post_ended`. Otherwise respond with HTTP 400.

        A second POST while another is being received closes the session, without an event: check `closed` as for
        `poll_started`.
        """
        if self.closed or self.transport is not Transport.POLLING:
            return False
        if self._post_pending:
            self._fail("transport error")
            return False
        self._post_pending = True
        return True

    def post_ended(self) -> None:
        """Ends a polling POST. Call it when the response is sent: until then a second POST closes the session."""
        self._post_pending = False

    def post_aborted(self, now: float) -> list[Event]:  # noqa: ARG002 - see the class
        """Handles a client that disconnected in the middle of its POST: closes the session if it still uses polling,
        and returns the resulting events.
        """
        self._post_pending = False
        return self._fail("transport error") if self.transport is Transport.POLLING else []

    # Upgrade

    def upgrade_started(self, now: float) -> bool:
        """Puts a new WebSocket on trial for an upgrade from polling. Returns False if the session does not accept it,
        because it has one already, is closed, or upgrades are disabled: then close the WebSocket.

        After True, pass its messages to `receive_websocket` and write `probe_out` to it. See the section "Upgrade" of
        the Engine.IO protocol.
        """
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
        """Handles the end of a transport and returns the resulting events: the session closes if it uses this
        transport; otherwise its upgrade fails, if one is running. Pass "transport error" as `reason` if the transport
        ended with an error.
        """
        if transport is self.transport:
            return self._fail(reason)
        return self._fail_upgrade()

    # Time

    def next_deadline(self) -> float:
        """Returns the time at which the caller must call `handle_deadline`, on the clock of `now`; `inf` for never.

        Any other method may change the deadline, so the caller asks for it again after each call.
        """
        if self._phase is Phase.CLOSED and self._goodbye is None:
            return inf
        if self._trial is None:
            return self._heartbeat_due
        return min(self._heartbeat_due, self._trial.deadline, self._trial.noop_due)

    def handle_deadline(self, now: float) -> list[Event]:
        """Handles a deadline that has passed: sends a ping, ends a pending poll during an upgrade, or returns the event
        of a failed upgrade or a ping timeout.

        The caller then sends the output. A call before the deadline does nothing.
        """
        events: list[Event] = []
        if self._trial is not None:
            events += self._handle_trial_deadline(self._trial, now)
        if now >= self._heartbeat_due:
            events += self._handle_heartbeat_deadline(now)
        return events

    def hasten_ping(self, now: float) -> None:
        """Makes the next ping due now, unless an earlier ping is unanswered. The client's pong proves that it has
        received everything that was sent before the ping.

        The caller then calls `handle_deadline`, which sends the ping.
        """
        if not self.closed and not self._awaits_pong:
            self._heartbeat_due = min(self._heartbeat_due, now)

    def _act(self, action: Action, packet: Packet, now: float) -> list[Event]:
        events: list[Event] = []
        match action:
            case Action.DELIVER:  # unreachable: `receive_packet` returns these before it asks the table
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
        """Closes the session after a fault of the peer, and drops all unsent output, as Socket.IO's Node server does.

        The packet `goodbye` is sent only in response to a pending poll.
        """
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
            return _NOOP  # the session has been upgraded before this poll was answered; `out` belongs to the WebSocket
        if self.closed:
            return self._last_answer()
        if self.out:
            return self._drain()
        if self._release_poll:
            self._release_poll = False
            return _NOOP
        return None

    def _last_answer(self) -> str | None:
        """Returns the response body for a poll of a closed session: the remaining output, or the close packet if
        nothing remains.

        The close packet has a response of its own because the official client handles it before the packets in front of
        it in the same response: the client would keep these packets and emit them again after its next connect.
        """
        if self.out:
            return self._drain()
        goodbye, self._goodbye = self._goodbye or _CLOSE, None
        return goodbye

    def _drain(self) -> str | None:
        """Returns the body of one poll response, and removes its packets from the output; packets beyond the limits of
        a response stay for the next poll. Returns None if the session uses a WebSocket.
        """
        self._release_poll = False
        return None if self._backlog is None else self._backlog.take()

    def _answer_probe(self, packet: Packet, now: float) -> list[Event]:
        if packet.data != "probe" or self._trial is None:
            return self._fail_upgrade()
        self._trial.out.append(_PROBE_ANSWER)
        self._trial.noop_due = now + NOOP_INTERVAL_S
        return []

    def _switch(self, now: float) -> list[Event]:
        """Completes an upgrade: moves the session from polling to the WebSocket on trial. The WebSocket's unsent probe
        frames go before the buffered output.
        """
        self.out[:0] = self.probe_out
        self._trial = self._backlog = None
        self._phase = Phase.WEBSOCKET
        self.transport = Transport.WEBSOCKET
        if self._awaits_pong:
            # The ping may have been sent over polling: its pong gets the whole timeout again.
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
            self._goodbye = None  # the client did not fetch the close packet in time
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
        """Restarts the timeout for the pong, because another packet shows that the peer is alive. This happens at most
        once for each ping, as in Socket.IO's Node server.
        """
        self._may_extend = False
        self._heartbeat_due = now + self.options.ping_timeout_s
