"""WebSockets of the project's own server: the protocol class that takes over a connection after its upgrade request.

`http_protocol.py` calls `cls(config=, server_state=, app_state=)`, `connection_made(transport)` and
`receive_request(request, rest)`. uvicorn expects the object to add itself to `server_state.connections` and to have
`shutdown()`. Whole text frames are read by `client_frames`, all others by `websockets`' sans-I/O protocol (RFC 6455);
`talkwire.wire` writes frames.
"""

from __future__ import annotations

import asyncio
import logging
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from sys import intern
from typing import Any, ClassVar, cast

from websockets.exceptions import InvalidHandshake, InvalidHeader
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side
from websockets.utils import accept_key

from talkwire.identity.address import came_over_tls, client_address, is_forwarded
from talkwire.realtime.engine.connection import UNSENT_MAX, Connection, Handshake
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.forwarding.forwarder import Upgrade
from talkwire.realtime.forwarding.peer_auth import REFUSED, ForwardedHead, PeerAuth
from talkwire.realtime.http.upgrade_request import UpgradeRequest
from talkwire.realtime.transport.client_frames import UNTIL_THE_END, frame_size_at, text_frame_at, usual_close_at
from talkwire.wire import EngineRequest, HandshakeRefused, RefusalCode, Transport

CLOSE_TIMEOUT_S = 5.0
"""Seconds that a peer may take to read the remaining output and to close, after the server has closed."""

FRAMES_SLICE_BYTES = 4096
"""Bytes of frames that are handled in one step of the work queue: some hundred of the shortest frames, about 10 ms."""

FRAGMENTS_MAX = 16_384
"""Most fragments of one message; the same limit as in `ws`, the library of Socket.IO's Node server."""

WEBSOCKET_VERSION = "13"
"""Version of the WebSocket protocol."""

_POLICY_VIOLATION = 1008
_INVALID_DATA = 1007
_KEY_BYTES = 16
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_silent = logging.getLogger("talkwire.websocket")
_silent.disabled = True


OtherProtocol = Callable[..., asyncio.Protocol]
"""Class of another protocol for WebSockets: uvicorn's own, for those of an embedding application."""


class _Message:
    """A WebSocket message whose fragments are still arriving, with the data of the fragments so far."""

    __slots__ = ("data", "fragments", "text")

    def __init__(self, frame: Frame) -> None:
        self.data = bytearray(frame.data)
        self.text = frame.opcode is Opcode.TEXT
        self.fragments = 1


class WebSocketProtocol(asyncio.Protocol):
    """One WebSocket connection: an asyncio protocol for uvicorn, and the WebSocket of a session's connection. The
    function `websocket_class` makes a subclass with the class attributes set.
    """

    __slots__ = (
        "_abort_timer",
        "_connection",
        "_frame_rest",
        "_framing",
        "_has_closed",
        "_head",
        "_is_upgraded",
        "_make_other",
        "_message",
        "_message_max",
        "_reads",
        "_server_state",
        "_transport",
        "_unread",
        "write",
    )

    server: ClassVar[EngineServer]
    other: ClassVar[OtherProtocol | None] = None
    """Protocol class for paths outside the engine's; None: they get HTTP 404."""
    link: ClassVar[PeerAuth | None] = None
    """Only on the socket for other nodes: checks the seals of forwarded requests."""

    def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:  # noqa: ANN401 (uvicorn's)
        self._server_state = server_state
        self._make_other: Callable[[], asyncio.Protocol] | None = None
        if self.other is not None:
            self._make_other = partial(self.other, config=config, server_state=server_state, app_state=app_state)
        self._transport: asyncio.Transport | None = None
        self._is_upgraded = False
        self._message_max = 0
        self._framing: Protocol | None = None
        """Parser of `wire` for all kinds of frames, which takes a kilobyte. Made for the first frame that the short
        parser of this class does not know."""
        self._frame_rest = 0
        """Number of bytes of the current frame that `_framing` has yet to get; 0 between frames."""
        self._has_closed = False
        """Whether the client has closed, and was answered without the general parser."""
        self._head = b""
        """Beginning of a frame whose length has not arrived completely."""
        self._connection: Connection | None = None
        self._message: _Message | None = None
        self._unread: memoryview | None = None
        """Input that is not handled yet. Meanwhile nothing more is read."""
        self._reads = True
        """Whether the connection accepts input now."""
        self._abort_timer: asyncio.TimerHandle | None = None
        self.write: Callable[[bytes], None] = _discard
        """Function that writes frames: the transport's own method while there is one, since a broadcast calls it for
        each recipient."""

    # --- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of asyncio's
        self.write = self._transport.write
        self._server_state.connections.add(self)

    def data_received(self, data: bytes) -> None:
        server = self.server
        if server.now() > server.lease_deadline:
            server.on_lease_expired()
        if not self._is_upgraded:
            return  # the request was refused
        if len(data) > FRAMES_SLICE_BYTES or self._unread is not None:
            self._receive_much(data)
        else:
            self._receive(data)

    def eof_received(self) -> None:
        """Lets asyncio close the transport: a client that has ended its input counts as disconnected."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        self._server_state.connections.discard(self)
        self._transport = None
        self.write = _discard
        self._detach()
        self._unread = self._message = None
        self._head = b""
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None
        self._is_upgraded = False
        framing, self._framing = self._framing, None
        if framing is not None:
            # The framing, its parser and the parser's error form a reference cycle, which holds all unparsed input.
            framing.parser.close()
            framing.parser_exc = None

    def pause_writing(self) -> None:
        if self._connection is not None:
            self._connection.set_writable(False)

    def resume_writing(self) -> None:
        if self._connection is not None:
            self._connection.set_writable(True)

    # --- HTTP -------------------------------------------------------------------------------------------------------

    def receive_request(self, request: UpgradeRequest, rest: bytes) -> None:
        """Handles the upgrade request: opens or upgrades a session, forwards the request to another node, passes a path
        outside the engine's to the protocol `other`, or refuses the request. `rest` has the bytes that the client has
        sent behind the request.
        """
        server = self.server
        if server.now() > server.lease_deadline:
            server.on_lease_expired()
        make_other, self._make_other = self._make_other, None
        if make_other is not None and not server.serves(request.path):
            self._give_transport_to(make_other(), request.encode() + rest)
        elif self.link is None and server.is_for_another(request.query.get("sid")):
            self._forward(request, request.encode() + rest)
        else:
            self._answer_upgrade(request)
            if rest:
                self.data_received(rest)

    # --- uvicorn ----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """Called by uvicorn when the server shuts down: ends the session gracefully, or closes a WebSocket without a
        session.
        """
        if self._connection is not None:
            self._connection.close_gracefully()
        else:
            self.close(1001)

    # --- for the connection -----------------------------------------------------------------------------------------

    def unsent(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def close(self, code: int) -> None:
        """Starts the closing handshake with a close frame, after which input is dropped. Aborts the connection if the
        peer does not complete the handshake within CLOSE_TIMEOUT_S seconds. Does nothing if the WebSocket is closing
        already.
        """
        # Further input belongs to no session, not even to one that this WebSocket was on trial for.
        self._connection = None
        if self._transport is None or not self._is_upgraded or self._has_closed:
            return
        framing = self._general_parser()
        if framing.state is not OPEN:
            return
        self._message = None
        framing.send_close(code)
        self._frame_rest = UNTIL_THE_END
        self._answer_control_frames(framing.data_to_send())
        self.set_reading(True)
        self._abort_later()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def set_message_max(self, size: int) -> None:
        """Sets the largest message that the client may send, in bytes."""
        self._message_max = size
        if self._framing is not None:
            self._framing.max_message_size = size

    def set_reading(self, reading: bool) -> None:  # noqa: FBT001
        """Pauses (False) or resumes (True) the handling of input, including input that was received already."""
        had, self._reads = self._reads, reading
        if self._unread is None:
            self._set_transport_reading(reading)
        elif reading and not had:
            self.server.work.add(self._receive_slice)

    def _set_transport_reading(self, reading: bool) -> None:  # noqa: FBT001
        transport = self._transport
        if transport is None or transport.is_closing() or transport.is_reading() is reading:
            return
        if reading:
            transport.resume_reading()
        else:
            transport.pause_reading()

    # --- the upgrade request ----------------------------------------------------------------------------------------

    def _give_transport_to(self, other: asyncio.Protocol, head: bytes) -> None:
        """Makes `other` the transport's protocol in place of this object, and passes it the bytes `head`, the request
        and everything behind it, as if it had received them itself.
        """
        transport, self._transport, self.write = self._transport, None, _discard
        assert transport is not None
        self._server_state.connections.discard(self)
        # uvicorn makes this object the transport's protocol after this request. The callback runs after that, and
        # before anything that the other protocol's response causes, such as the end of the transport.
        asyncio.get_running_loop().call_soon(transport.set_protocol, other)
        other.connection_made(transport)
        other.data_received(head)

    def _forward(self, request: UpgradeRequest, head: bytes) -> None:
        """Forwards the WebSocket through a tunnel to the node that owns its session."""
        forwarder, transport = self.server.forwarder, self._transport
        assert forwarder is not None
        assert transport is not None
        unknown = HandshakeRefused.of(RefusalCode.UNKNOWN_SESSION)
        forwarded = ForwardedHead.of(request.method, request.target, self._handshake(request).address, request.headers)
        answer = _refusal(unknown.status, unknown.body(), "application/json")
        upgrade = Upgrade(request.query["sid"], forwarded, head, answer)
        tunnel = forwarder.open_tunnel(transport, upgrade, self._server_state.connections)
        self._give_transport_to(tunnel.client, head)

    def _answer_upgrade(self, request: UpgradeRequest) -> None:
        try:
            self._open(request)
        except HandshakeRefused as refusal:
            self.server.note_refusal(refusal, request.query)
            self._refuse(refusal.status, refusal.body(), "application/json")
        except InvalidHandshake as error:
            broken = HandshakeRefused.of(RefusalCode.BAD_REQUEST, str(error))
            self.server.note_refusal(broken, request.query)
            self._refuse(broken.status, broken.message.encode("latin-1", "replace"))

    def _open(self, request: UpgradeRequest) -> None:
        server, headers = self.server, request.headers
        if not server.serves(request.path):
            self._refuse(HTTPStatus.NOT_FOUND, b"no WebSocket here")
            return
        if self.link is not None and self._forwarded_address(request) is None:
            self._refuse(HTTPStatus.FORBIDDEN, b"", header=REFUSED)
            return
        if headers.get("sec-websocket-version") != WEBSOCKET_VERSION:
            header = f"Upgrade: websocket\r\nSec-WebSocket-Version: {WEBSOCKET_VERSION}".encode()
            self._refuse(HTTPStatus.UPGRADE_REQUIRED, b"this server speaks version 13", header=header)
            return
        key, subprotocol = _websocket_key(request), _subprotocol(request)
        engine_request = EngineRequest(request.method, request.query, headers.get("origin"), websocket=True)
        handshake = self._handshake(request)
        over_tls = came_over_tls("ws", request.peer, headers.get("x-forwarded-proto"), server.trusted_proxies)
        admission = server.admit(engine_request, headers.get("host", ""), handshake.address, over_tls=over_tls)
        self._is_upgraded = True
        self._message_max = server.options.max_payload
        chosen = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\n{chosen}\r\n"
        ).encode()
        if admission.engine_sid is None:
            self._connection = server.open(Transport.WEBSOCKET, handshake)
            self._connection.start_on_websocket(self, answer)
            self.set_message_max(self._connection.message_max)
            return
        self.write(answer)
        connection = server.find(admission.engine_sid)
        if connection is None or not connection.upgrade(self, server.now()):
            self.close(_POLICY_VIOLATION)
        else:
            self._connection = connection
            self.set_message_max(connection.message_max)

    def _forwarded_address(self, request: UpgradeRequest) -> str | None:
        """Returns the client's address from the seal of a request that another node forwarded; None if it has no valid
        seal.
        """
        assert self.link is not None
        return self.link.client_address(request.method, request.target, request.headers)

    def _handshake(self, request: UpgradeRequest) -> Handshake:
        host = request.peer if self.link is None else self._forwarded_address(request) or ""
        return Handshake(
            address=intern(client_address(host, request.headers.get("x-forwarded-for"), self.server.trusted_proxies)),
            query=request.query,
            authorization=request.headers.get("authorization"),
            forwarded=is_forwarded(request.headers),
            cookie=self.server.kept_cookie(request.headers),
        )

    def _refuse(self, status: int, body: bytes, content_type: str = "text/plain", header: bytes = b"") -> None:
        self.write(_refusal(status, body, content_type, header))
        self._end()

    # --- frames -----------------------------------------------------------------------------------------------------

    def _receive_much(self, data: bytes) -> None:
        """Handles much input in slices, with other clients served in between. Pauses reading from the transport until
        all is handled; input that still arrives is added.
        """
        unread, self._unread = self._unread, memoryview(data)
        if unread is not None:
            self._unread = memoryview(bytes(unread) + data)
            return
        self._set_transport_reading(reading=False)
        if self.server.work.busy or self._receive_slice():
            self.server.work.add(self._receive_slice)

    def _receive_slice(self) -> bool:
        """Handles one slice of the waiting input. Returns whether to call it again: False if no input is left or input
        is paused.
        """
        unread = self._unread
        if unread is None or not self._reads:
            return False
        self._unread = unread[FRAMES_SLICE_BYTES:] if len(unread) > FRAMES_SLICE_BYTES else None
        try:
            self._receive(unread[:FRAMES_SLICE_BYTES])
        except Exception:
            self.abort()  # as asyncio does if `data_received` fails; otherwise nothing would continue reading
            raise
        if self._unread is None:
            self._set_transport_reading(self._reads)
        return self._unread is not None

    def _receive(self, data: bytes | memoryview) -> None:
        """Handles received bytes: reads whole text frames quickly, and passes all other frames to the general parser of
        `websockets`.
        """
        if self._has_closed:
            return
        if self._head:
            data, self._head = self._head + data, b""
        position = 0
        while position < len(data):
            if not self._frame_rest:
                found = None if self._message is not None else text_frame_at(data, position, self._message_max)
                if found is not None:
                    payload, position = found
                    self._receive_message(payload, text=True)
                    continue
                answer = usual_close_at(data, position) if self._framing is None else None
                if answer is not None:
                    self._answer_close(answer)
                    return
                self._frame_rest = frame_size_at(data, position)
                if not self._frame_rest:
                    self._head = bytes(data[position:])
                    return
            part = data[position : position + self._frame_rest]
            position += len(part)
            self._frame_rest -= len(part)
            self._parse(part)

    def _answer_close(self, answer: bytes) -> None:
        """Sends `answer`, the response to the client's close frame, and closes the connection. Drops input behind the
        client's close frame.
        """
        self._has_closed = True
        self.write(answer)
        self._end()

    def _parse(self, data: bytes | memoryview) -> None:
        """Passes one frame, or a part of one, to the general parser of `websockets`, handles the frames that the parser
        returns, and writes its responses to pings and closes.
        """
        framing = self._general_parser()
        framing.receive_data(data)  # type: ignore[arg-type]  # it appends them to a bytearray
        for frame in framing.events_received():
            self._receive_frame(frame)  # type: ignore[arg-type]  # there are no handshakes among them
        if framing.state is not OPEN:
            self._frame_rest = UNTIL_THE_END  # whatever follows, the parser drops it
        answers = framing.data_to_send()
        if answers:
            self._answer_control_frames(answers)

    def _general_parser(self) -> Protocol:
        if self._framing is None:
            # The handshake was handled here, so it starts in state OPEN.
            self._framing = Protocol(Side.SERVER, state=OPEN, max_size=self._message_max, logger=_silent)
        return self._framing

    def _receive_frame(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                if frame.fin:
                    self._receive_message(frame.data, text=frame.opcode is Opcode.TEXT)
                else:
                    self._message = _Message(frame)
            case Opcode.CONT if self._message is not None:
                self._receive_fragment(self._message, frame)
            case _:
                pass  # the framing answers pings and closes

    def _receive_fragment(self, message: _Message, frame: Frame) -> None:
        message.data += frame.data
        message.fragments += 1
        if message.fragments > FRAGMENTS_MAX:
            self._message = None
            if self._framing is not None:
                self._framing.fail(_POLICY_VIOLATION, "too many fragments")
                self._frame_rest = UNTIL_THE_END
                self._answer_control_frames(self._framing.data_to_send())
        elif frame.fin:
            self._message = None
            self._receive_message(message.data, text=message.text)

    def _receive_message(self, data: bytes | bytearray | memoryview, *, text: bool) -> None:
        connection = self._connection
        if connection is None:
            return
        if not text:
            connection.receive_websocket(bytes(data), self.server.now())
            return
        try:
            message = str(data, "utf-8")
        except UnicodeDecodeError:
            self.close(_INVALID_DATA)
            connection.websocket_closed(self, self.server.now(), "transport error")
            return
        connection.receive_websocket(message, self.server.now())

    def _detach(self, reason: str = "transport close") -> None:
        """Notifies the session's connection, once, that this WebSocket has ended for `reason` (one of Socket.IO's)."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.websocket_closed(self, self.server.now(), reason)

    def _answer_control_frames(self, answers: list[bytes]) -> None:
        """Writes the pongs and close frames that the general parser has produced. An empty item in `answers` means that
        the parser will write nothing more.
        """
        framing, transport = self._framing, self._transport
        if framing is None or transport is None:
            return
        self.write(b"".join(answers))
        if b"" not in answers:
            if transport.get_write_buffer_size() > UNSENT_MAX:
                transport.abort()  # the peer sends pings without reading the pongs
            return
        if framing.close_rcvd is not None:
            self._end()
        elif transport.can_write_eof():
            # The peer broke RFC 6455 and may still be sending. Closing now would reset the connection before it has
            # read the close frame, which says why.
            transport.write_eof()
            self._message = None
            self._detach("transport error")
            self._abort_later()

    def _end(self) -> None:
        """Closes the transport once its output is written, and aborts the connection if that takes CLOSE_TIMEOUT_S
        seconds. A transport without output ends in the next turn of the event loop, and needs no timer.
        """
        transport = self._transport
        if transport is None:
            return
        transport.close()
        if transport.get_write_buffer_size():
            self._abort_later()

    def _abort_later(self) -> None:
        """Aborts the connection CLOSE_TIMEOUT_S seconds from now, if it has not ended by then."""
        if self._abort_timer is None and self._transport is not None:
            self._abort_timer = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self.abort)


def _refusal(status: int, body: bytes, content_type: str, header: bytes = b"") -> bytes:
    """Returns an HTTP error response as bytes. `header` is an additional header line."""
    phrase = HTTPStatus(status).phrase
    return (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {content_type}\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n".encode()
        + (header + b"\r\n" if header else b"")
        + b"\r\n"
        + body
    )


def _discard(_: bytes) -> None:
    """Drops frames: replaces a WebSocket's `write` while there is no transport."""


def websocket_class(
    server: EngineServer, other: OtherProtocol | None = None, link: PeerAuth | None = None
) -> type[WebSocketProtocol]:
    """Returns the protocol class for uvicorn's option `ws=`, whose WebSockets serve the sessions of `server`.

    WebSockets outside the engine's path go to protocols that `other` makes; without it, they are refused with 404. With
    `link`, only requests that other nodes have sealed are accepted.
    """
    members = {"server": server, "other": other, "link": link, "__slots__": ()}
    return type("TalkwireWebSocket", (WebSocketProtocol,), members)


def _websocket_key(request: UpgradeRequest) -> str:
    """Checks an upgrade request (RFC 6455, section 4.2.1), and returns its `Sec-WebSocket-Key`. Raises
    InvalidHandshake.
    """
    if request.method != "GET":
        raise InvalidHandshake("a WebSocket is opened by GET")
    key = request.headers.get("sec-websocket-key", "")
    try:
        nonce = a2b_base64(key, strict_mode=True)
    except (Base64Error, ValueError) as error:
        raise InvalidHeader("Sec-WebSocket-Key", key) from error
    if len(nonce) != _KEY_BYTES:
        raise InvalidHeader("Sec-WebSocket-Key", key)
    return key


def _subprotocol(request: UpgradeRequest) -> str | None:
    """Returns the first WebSocket subprotocol that the client offers, as Socket.IO's Node server does; None if it
    offers none.

    Browsers fail a handshake in which the server selects none of the offered ones. Raises InvalidHandshake for an
    invalid name.
    """
    offered = request.headers.get("sec-websocket-protocol")
    if offered is None:
        return None
    first = offered.partition(",")[0].strip()
    if not _TOKEN.fullmatch(first):
        raise InvalidHeader("Sec-WebSocket-Protocol", offered)
    return first
