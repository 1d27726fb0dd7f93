"""WebSockets: the protocol class that uvicorn hands a connection to once it has read an upgrade request.

uvicorn calls `cls(config=, server_state=, app_state=)`, `connection_made(transport)` and `data_received(request)`, and
counts on the object to keep itself in `server_state.connections` and to have `shutdown()`. Frames are read by
`websockets`' sans-I/O protocol, RFC 6455, and written by `talkwire.wire`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl

from websockets.exceptions import InvalidHandshake, InvalidHeader
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side
from websockets.utils import accept_key

from talkwire.identity.address import client_address, is_forwarded, joined
from talkwire.realtime.connection import UNSENT_MAX, Connection, Handshake
from talkwire.realtime.engine_server import EngineServer
from talkwire.realtime.link import REFUSED, Link, Passed
from talkwire.realtime.passing import Upgrade
from talkwire.wire import EngineRequest, HandshakeRefused, RefusalCode, Transport

CLOSE_TIMEOUT_S = 5.0
"""How long a peer may take to read what is left and to close, once we have."""

_POLICY_VIOLATION = 1008
_INVALID_DATA = 1007

_silent = logging.getLogger("talkwire.websocket")
_silent.disabled = True


class UpgradeRequest:
    """The head of an HTTP request, as uvicorn passes it on: header names are in lower case."""

    __slots__ = ("headers", "method", "path", "query", "target")

    def __init__(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, *_ = lines[0].split(" ")
        self.path, _, query = self.target.partition("?")
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        fields = (line.partition(":") for line in lines[1:])
        self.headers = joined((name, value.strip()) for name, _, value in fields)


OtherProtocol = Callable[..., asyncio.Protocol]
"""A class like ours: uvicorn's own, for WebSockets of an application beside us."""


class WebSocketProtocol(asyncio.Protocol):
    """One WebSocket. `server` and `other` are set by `websocket_class`."""

    __slots__ = (
        "_connection",
        "_fragments",
        "_framing",
        "_make_other",
        "_server_state",
        "_text",
        "_transport",
        "write",
    )

    server: ClassVar[EngineServer]
    other: ClassVar[OtherProtocol | None] = None
    """Who serves the paths that are not ours; None: nobody does."""
    link: ClassVar[Link | None] = None
    """On the socket for other nodes: by what they vouch for what they pass on."""

    def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:  # noqa: ANN401 (uvicorn's)
        self._server_state = server_state
        self._make_other: Callable[[], asyncio.Protocol] | None = None
        if self.other is not None:
            self._make_other = partial(self.other, config=config, server_state=server_state, app_state=app_state)
        self._transport: asyncio.Transport | None = None
        self._framing: Protocol | None = None
        self._connection: Connection | None = None
        self._fragments: bytearray | None = None
        self._text = True
        self.write: Callable[[bytes], None] = _nowhere
        """Writes frames; the transport's own method while there is one, since a broadcast calls it for each member."""

    # --- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self.write = self._transport.write
        self._server_state.connections.add(self)

    def data_received(self, data: bytes) -> None:
        framing, server = self._framing, self.server
        if server.now() > server.doubt_at:
            server.on_doubt()
        if framing is None:
            request = UpgradeRequest(data)
            make_other, self._make_other = self._make_other, None
            if make_other is None or server.serves(request.path):
                if self.link is None and server.is_for_another(request.query.get("sid")):
                    self._pass_on(request, data)
                else:
                    self._answer_upgrade(request)
            else:
                self._hand_on(make_other(), data)
            return
        framing.receive_data(data)
        for frame in framing.events_received():
            self._receive_frame(frame)  # type: ignore[arg-type]  # there are no handshakes among them
        answers = framing.data_to_send()
        if answers:
            self._answer_control_frames(answers)

    def eof_received(self) -> None:
        """Closes the transport: a client that is half gone is gone."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        self._server_state.connections.discard(self)
        self._transport = None
        self._detach()
        self._framing = None
        self.write = _nowhere

    def pause_writing(self) -> None:
        if self._connection is not None:
            self._connection.set_writable(False)

    def resume_writing(self) -> None:
        if self._connection is not None:
            self._connection.set_writable(True)

    # --- uvicorn ----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """The server is stopping."""
        if self._connection is not None:
            self._connection.end_in_order()
        else:
            self.close(1001)

    # --- for the connection -----------------------------------------------------------------------------------------

    def unsent(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def close(self, code: int) -> None:
        """Begins the closing handshake. A peer that does not finish it, or does not read on, is not waited for."""
        # What still comes belongs to no session, not even to one that this WebSocket was on trial for.
        self._connection = None
        framing = self._framing
        if self._transport is None or framing is None or framing.state is not OPEN:
            return
        framing.send_close(code)
        self._answer_control_frames(framing.data_to_send())
        self.set_reading(True)
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self.abort)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def set_reading(self, reading: bool) -> None:  # noqa: FBT001
        transport = self._transport
        if transport is None or transport.is_closing() or transport.is_reading() is reading:
            return
        if reading:
            transport.resume_reading()
        else:
            transport.pause_reading()

    # --- the upgrade request ----------------------------------------------------------------------------------------

    def _hand_on(self, other: asyncio.Protocol, head: bytes) -> None:
        """Leaves the WebSocket to somebody else, as if it had never been here."""
        transport, self._transport, self.write = self._transport, None, _nowhere
        assert transport is not None
        self._server_state.connections.discard(self)
        # uvicorn makes this object the transport's protocol once it has had the request. What the other's answer brings
        # about, an end of the transport included, comes behind this in the loop.
        asyncio.get_running_loop().call_soon(transport.set_protocol, other)
        other.connection_made(transport)
        other.data_received(head)

    def _pass_on(self, request: UpgradeRequest, head: bytes) -> None:
        """To the node that has the session."""
        passing, transport = self.server.passing, self._transport
        assert passing is not None
        assert transport is not None
        unknown = HandshakeRefused.of(RefusalCode.UNKNOWN_SESSION)
        passed = Passed.of(request.method, request.target, self._handshake(request).address, request.headers)
        answer = _refusal(unknown.status, unknown.body(), "application/json")
        upgrade = Upgrade(request.query["sid"], passed, head, answer)
        splice = passing.splice(transport, upgrade, self._server_state.connections)
        self._hand_on(splice.client, head)

    def _answer_upgrade(self, request: UpgradeRequest) -> None:
        try:
            self._open(request)
        except HandshakeRefused as refusal:
            self._refuse(refusal.status, refusal.body(), "application/json")
        except InvalidHandshake as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error).encode("latin-1", "replace"))

    def _open(self, request: UpgradeRequest) -> None:
        server, headers = self.server, request.headers
        if not server.serves(request.path):
            self._refuse(HTTPStatus.NOT_FOUND, b"no WebSocket here")
            return
        if self.link is not None and self._passed_address(request) is None:
            self._refuse(HTTPStatus.FORBIDDEN, b"", header=REFUSED)
            return
        key = _websocket_key(request)
        engine_request = EngineRequest(request.method, request.query, headers.get("origin"), websocket=True)
        handshake = self._handshake(request)
        admission = server.admit(engine_request, headers.get("host", ""), handshake.address)
        # The handshake is ours, so the framing starts in state OPEN: one that did it itself would keep it in memory.
        self._framing = Protocol(Side.SERVER, state=OPEN, max_size=server.options.max_payload, logger=_silent)
        self.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
        )
        if admission.engine_sid is None:
            self._connection = server.open(Transport.WEBSOCKET, handshake)
            self._connection.carried_by(self)
            return
        connection = server.find(admission.engine_sid)
        if connection is None or not connection.upgrade(self, server.now()):
            self.close(_POLICY_VIOLATION)
        else:
            self._connection = connection

    def _passed_address(self, request: UpgradeRequest) -> str | None:
        """The client's, as the node that has passed it on says; None: none has."""
        assert self.link is not None
        return self.link.client_address(request.method, request.target, request.headers)

    def _handshake(self, request: UpgradeRequest) -> Handshake:
        assert self._transport is not None
        if self.link is None:
            peer = self._transport.get_extra_info("peername")
            host = peer[0] if isinstance(peer, tuple) else ""
        else:
            host = self._passed_address(request) or ""
        return Handshake(
            address=client_address(host, request.headers.get("x-forwarded-for"), self.server.trusted_proxies),
            query=request.query,
            authorization=request.headers.get("authorization"),
            forwarded=is_forwarded(request.headers),
        )

    def _refuse(self, status: int, body: bytes, content_type: str = "text/plain", header: bytes = b"") -> None:
        self.write(_refusal(status, body, content_type, header))
        if self._transport is not None:
            self._transport.close()

    # --- frames -----------------------------------------------------------------------------------------------------

    def _receive_frame(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                if frame.fin:
                    self._receive_message(frame.data, text=frame.opcode is Opcode.TEXT)
                else:
                    self._fragments, self._text = bytearray(frame.data), frame.opcode is Opcode.TEXT
            case Opcode.CONT if self._fragments is not None:
                self._fragments += frame.data
                if frame.fin:
                    message, self._fragments = self._fragments, None
                    self._receive_message(message, text=self._text)
            case _:
                pass  # pings are answered, and closes begun, by the framing

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
            connection.websocket_closed(self, self.server.now())
            return
        connection.receive_websocket(message, self.server.now())

    def _detach(self) -> None:
        """This WebSocket carries its session no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.websocket_closed(self, self.server.now())

    def _answer_control_frames(self, answers: list[bytes]) -> None:
        """Pongs and closes; b"" among them says that the framing has written its last."""
        framing, transport = self._framing, self._transport
        if framing is None or transport is None:
            return
        self.write(b"".join(answers))
        if b"" not in answers:
            if transport.get_write_buffer_size() > UNSENT_MAX:
                transport.abort()  # pings without end, and nobody reads the pongs
            return
        if framing.close_rcvd is not None:
            transport.close()
        elif transport.can_write_eof():
            # The peer broke RFC 6455 and may still be sending: closing now would reset the connection under the close
            # frame that tells it why.
            transport.write_eof()
            self._detach()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self.abort)


def _refusal(status: int, body: bytes, content_type: str, header: bytes = b"") -> bytes:
    """A whole answer; `header` is a further line of its head."""
    phrase = HTTPStatus(status).phrase
    return (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {content_type}\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n".encode()
        + (header + b"\r\n" if header else b"")
        + b"\r\n"
        + body
    )


def _nowhere(_: bytes) -> None:
    """There is no transport: what is written is lost, as on the way to a client that is gone."""


def websocket_class(
    server: EngineServer, other: OtherProtocol | None = None, link: Link | None = None
) -> type[WebSocketProtocol]:
    """The class to give to uvicorn as `ws=`. What is not for the server goes to `other`, a class like it. `link`: only
    what other nodes pass on is taken."""
    members = {"server": server, "other": other, "link": link, "__slots__": ()}
    return type("TalkwireWebSocket", (WebSocketProtocol,), members)


def _websocket_key(request: UpgradeRequest) -> str:
    """RFC 6455, section 4.2.1. Raises InvalidHandshake."""
    headers = request.headers
    if request.method != "GET":
        raise InvalidHandshake("a WebSocket is opened by GET")
    if headers.get("sec-websocket-version") != "13":
        raise InvalidHeader("Sec-WebSocket-Version", headers.get("sec-websocket-version"))
    key = headers.get("sec-websocket-key")
    if not key:
        raise InvalidHeader("Sec-WebSocket-Key", key)
    return key
