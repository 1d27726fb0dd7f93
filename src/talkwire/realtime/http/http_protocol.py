"""The protocol class of HTTP connections: uvicorn's class, with limits on what a client may send, delay and leave
unread.

The parser is fed one message at a time. Bytes behind a request wait unparsed until the server has responded to that
request, and soon in the kernel, because reading is paused. So a connection never holds more than one request in memory.
Bytes behind the head of an upgrade request go to the WebSocket.

Each phase of a connection has one deadline, on the timing wheel that also serves the heartbeats.

A response that starts before the end of its request's body announces `connection: close`, unless the rest of the body
is short enough to be read and dropped. The connection then lingers (RFC 9112, section 9.6): it is closed once the
client has read the response, or after REFUSAL_LINGER_S.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum, auto
from http import HTTPStatus
from math import inf
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl, service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_local_addr, is_ssl

from talkwire.realtime.http.connection_limits import CappedAddress, ConnectionLimits, Verdict
from talkwire.realtime.http.http_limits import BODY_RATE, FIELDS_MAX, HEAD_MAX, REFUSAL_LINGER_S, UNWANTED_MAX
from talkwire.realtime.http.peer_address import peer_address
from talkwire.realtime.http.upgrade_request import UpgradeRequest, encode_head

PIECE = 16 * 1024
"""Most bytes that are given to the parser at once where it buffers them."""

SERVED_WHILE_SCARCE = ("/healthz", "/readyz", "/metrics")
"""Ends of the paths that are served while file descriptors are scarce."""

_NO_COUNT = bytes(4)
"""Room for a C int, which the kernel fills in."""

_VERSIONS = frozenset({"1.0", "1.1"})
_HEEDED = frozenset({b"content-length", b"transfer-encoding", b"host", b"expect"})
_FIELD_MARKS = len(": \r\n")
_END = b"\r\n\r\n"
_END_LESS_ONE = len(_END) - 1


class HttpPhase(Enum):
    """The phases of an HTTP connection, named by what it waits for."""

    WAITING = auto()
    """The server waits for a request."""
    HEAD = auto()
    """The server waits for the rest of a request's head."""
    BODY = auto()
    """The server waits for the rest of a request's body."""
    SERVING = auto()
    """The client waits for the response."""
    UNWANTED = auto()
    """The server reads the rest of a body whose request was answered, and drops it."""
    LEAVING = auto()
    """The server waits for the client to read a refusal."""
    CLOSING = auto()
    """The server waits for the client to read what was written before the transport was closed."""


# Bound once: each is used several times a request.
_WAITING, _HEAD, _BODY, _SERVING = HttpPhase.WAITING, HttpPhase.HEAD, HttpPhase.BODY, HttpPhase.SERVING


class HttpRefusal(NamedTuple):
    """An error response after which the server closes the connection. `reason` labels the metric that counts it."""

    status: HTTPStatus
    reason: str

    def answer(self) -> bytes:
        """Returns the whole HTTP response as bytes, with `connection: close`."""
        text = self.status.phrase.encode()
        return (
            b"HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (self.status.value, text, len(text), text)
        )


_MALFORMED = HttpRefusal(HTTPStatus.BAD_REQUEST, "malformed")
_HEAD_TOO_LARGE = HttpRefusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")
_URI_TOO_LONG = HttpRefusal(HTTPStatus.REQUEST_URI_TOO_LONG, "uri_too_long")
_HEAD_LATE = HttpRefusal(HTTPStatus.REQUEST_TIMEOUT, "head_timeout")
_BODY_LATE = HttpRefusal(HTTPStatus.REQUEST_TIMEOUT, "body_timeout")
_REFUSALS = {
    Verdict.ADDRESS_FULL: HttpRefusal(HTTPStatus.TOO_MANY_REQUESTS, Verdict.ADDRESS_FULL),
    Verdict.DESCRIPTORS_GONE: HttpRefusal(HTTPStatus.SERVICE_UNAVAILABLE, Verdict.DESCRIPTORS_GONE),
}


class _HeadRefused(Exception):
    """Stops the HTTP parser at a request's head that exceeds a limit or is invalid."""


class _CycleTransport(asyncio.Transport):
    """The transport that uvicorn sees for a request with a body. Closing it while the body is still arriving does not
    reset the connection: the client can read the response first.
    """

    __slots__ = ("_protocol",)

    def __init__(self, protocol: HttpProtocol) -> None:
        self._protocol = protocol

    def write(self, data: Any) -> None:  # noqa: ANN401 (what bytes are differs between versions of Python)
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.end_after_answer()


class _Flow(FlowControl):
    """uvicorn's flow control, which pauses reading from the client, with an additional hold: from `hold` to `release`,
    reading stays paused even if the application resumes it. Used while received bytes wait for the parser.
    """

    def __init__(self, transport: Any) -> None:  # noqa: ANN401 (uvloop's is no subclass of asyncio's)
        super().__init__(transport)
        self._held = False

    def hold(self) -> None:
        self._held = True
        self.pause_reading()

    def release(self) -> None:
        self._held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        if not self._held:
            super().resume_reading()


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection: uvicorn's protocol with limits and deadlines. The function `http_class` makes a subclass
    with `connection_limits` set.
    """

    connection_limits: ClassVar[ConnectionLimits]
    _initial: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """The attributes with which every connection of a uvicorn server begins."""

    def __init__(self, *, server_state: Any, **others: Any) -> None:  # noqa: ANN401 (uvicorn's)
        # uvicorn's method looks up loggers, among other things: it is called once a server, not for each connection.
        if self._initial.get("server_state") is not server_state:
            self._make_initial(server_state=server_state, **others)
        self.__dict__.update(self._initial)
        self.parser = _parser_for(self)
        self.pipeline = deque()

    def _make_initial(self, **of_server: Any) -> None:  # noqa: ANN401 (uvicorn's)
        super().__init__(**of_server)
        self.capped: CappedAddress | None = None
        self.wheel_tick = 0
        self._is_known = True
        self._phase = self._armed = _WAITING
        self._deadline = inf
        self._read_deadline = inf
        self._unsent = 0
        self._held = b""
        self._tail = b""
        self._head_size = 0
        self._silent = 0
        self._length = 0
        self._remaining = 0
        self._dropped = 0
        self._is_chunked = False
        self._hosts = 0
        self._withholds = False
        """Whether `keep_alive` of the request's cycle is off only because the rest of its body is long."""
        self._upgrades = False
        self._declines = False
        self._refusal = _MALFORMED
        own = {"parser", "pipeline"}
        type(self)._initial = {name: value for name, value in vars(self).items() if name not in own}

    # --- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 (uvloop's is no subclass of asyncio's)
        # Not uvicorn's method, which also asks for the server's own address: only plain requests need it.
        self.connections.add(self)
        self.transport = transport
        self.flow = _Flow(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        made = transport.get_extra_info("socket")
        self.client = None if made is None else peer_address(made)
        verdict = self.connection_limits.opened(
            self, self.client and self.client[0], -1 if made is None else made.fileno()
        )
        if verdict in _REFUSALS:
            transport.write(_REFUSALS[verdict].answer())
            self.drop(verdict)
            return
        if verdict == Verdict.SPARED:
            self.app = _sparing(self.app)
        self._set_deadline(self.connection_limits.limits.head_s)

    def data_received(self, data: bytes) -> None:
        phase = self._phase
        if phase is _SERVING:
            self._hold(data)
        elif phase is HttpPhase.LEAVING or phase is HttpPhase.CLOSING:
            self._dropped += len(data)
            if self._dropped > UNWANTED_MAX:
                self.flow.pause_reading()
        else:
            self._read(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._phase is _BODY and not self._upgrades:
            self.connection_limits.metrics.http_aborted_bodies += 1
        self._forget()
        super().connection_lost(exc)
        self.cycle = None  # type: ignore[assignment]  # it refers to this object, and its own task keeps it
        self._held = b""

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._phase is not HttpPhase.CLOSING:
            self._read_deadline = inf

    # --- uvicorn ----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """Closes the connection because the server shuts down: at once if it is idle, else after the current response.
        Called by uvicorn.
        """
        if self._phase is HttpPhase.LEAVING:
            self.transport.close()
            return
        self._withholds = False
        super().shutdown()
        if self._current is not None:
            self._current.transport = self.transport  # skips lingering, for which there is no time

    def on_response_complete(self) -> None:
        """Prepares the connection for the next request, or for the rest of the request's body. Called by uvicorn after
        the application has sent its whole response.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._await_end()
        elif self._phase is _SERVING:
            self._phase = _WAITING
            self.connection_limits.mark_idle(self)
            if self._held:
                self._resume()
            else:
                self.flow.resume_reading()
                self._arm()
        elif self._phase is _BODY:
            self._phase = HttpPhase.UNWANTED
            self.flow.resume_reading()
            self._arm()

    def end_after_answer(self) -> None:
        """Closes the connection after a response, in place of uvicorn's own closing. If the request's body is still
        arriving, first gives the client time to read the response.
        """
        if self._phase is HttpPhase.LEAVING:
            return
        is_body_coming = self._phase is _BODY or self._phase is HttpPhase.UNWANTED
        if not is_body_coming or isinstance(self.app, _Sparing):  # while descriptors are scarce, frees this one at once
            self.transport.close()
            return
        if self._has_long_rest():
            self.connection_limits.count("body_unwanted")
        self._linger()

    @property
    def _current(self) -> RequestResponseCycle | None:
        """The last request that was read, with the state of its response; None before the first."""
        return self.cycle

    # --- for ConnectionLimits ---------------------------------------------------------------------------------------

    def drop(self, reason: str) -> None:
        """Closes an idle connection, and counts it in the metrics under `reason`. Called by `ConnectionLimits`, or to
        refuse a new connection.
        """
        self.connection_limits.count(reason)
        self._close()

    # --- the timing wheel -------------------------------------------------------------------------------------------

    def next_deadline(self) -> float:
        return min(self._deadline, self._read_deadline)

    def handle_deadline(self, now: float) -> None:
        """Called by the timing wheel when a deadline has passed: refuses a request whose head or body is late, or ends
        an idle connection or one whose client does not read.
        """
        if self._read_deadline <= now:
            self._check_reader(now)
            return
        match self._phase:
            case HttpPhase.WAITING:
                if self._current is None:
                    self.connection_limits.count("first_byte_timeout")
                self._close()
            case HttpPhase.HEAD:
                self._refuse(_HEAD_LATE)
            case HttpPhase.BODY if self.flow.read_paused:
                self._deadline = (
                    now + self.connection_limits.limits.body_s
                )  # the application has paused reading, not the client
            case HttpPhase.BODY:
                self._refuse(_BODY_LATE)
            case HttpPhase.UNWANTED:
                self._leave("body_unwanted")
            case HttpPhase.LEAVING:
                self.transport.abort()
            case _:
                self._deadline = inf

    def _arm(self) -> None:
        """Sets the deadline of the current phase. Does nothing if the deadline was set for this phase already."""
        phase = self._phase
        if phase is self._armed:
            return
        self._armed = phase
        limits = self.connection_limits.limits
        if phase is _WAITING:
            self._set_deadline(limits.keep_alive_s)
        elif phase is _SERVING:
            self._deadline = inf
        elif phase is _HEAD:
            self._set_deadline(limits.head_s)
        elif phase is _BODY:
            self._set_deadline(inf if self._times_its_body() else limits.body_s)
        elif phase is HttpPhase.UNWANTED:
            self._set_deadline(REFUSAL_LINGER_S)

    def _times_its_body(self) -> bool:
        is_self_timed = self.connection_limits.limits.self_timed
        if is_self_timed is None or self._upgrades:
            return False
        return is_self_timed(self.scope["path"], self.scope["query_string"])

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds
        self.connection_limits.wheel.watch(self)

    def _await_reader(self) -> None:
        """Sets the time by which the client must have read some of its unread output; otherwise the connection is
        aborted.
        """
        self._unsent = _unacknowledged(self.transport)
        self._read_deadline = self.loop.time() + self.connection_limits.limits.read_s
        self.connection_limits.wheel.watch(self)

    def _check_reader(self, now: float) -> None:
        unsent = _unacknowledged(self.transport)
        if unsent < self._unsent:
            self._unsent = unsent
            self._read_deadline = now + self.connection_limits.limits.read_s
            return
        self._read_deadline = inf
        self.connection_limits.count("read_timeout")
        self.transport.abort()

    # --- bytes ------------------------------------------------------------------------------------------------------

    def _hold(self, data: bytes) -> None:
        """Keeps bytes that arrived behind a request, and pauses reading until the server has responded to that
        request.
        """
        self._held += data
        self.flow.hold()  # type: ignore[attr-defined]

    def _resume(self) -> None:
        held, self._held = self._held, b""
        self._read(held)
        if not self._held:
            self.flow.release()  # type: ignore[attr-defined]

    def _read(self, data: bytes) -> None:
        """Parses received bytes, up to the end of one request. Keeps the bytes behind it for later."""
        start, size = 0, len(data)
        while start < size:
            end = self._end_of_piece(data, start)
            piece = data if end - start == size else data[start:end]
            if not self._parse(piece, data, end):
                return
            start = end
            if self._phase is _SERVING and start < size:
                self._hold(data[start:])
                break
        self._arm()

    def _end_of_piece(self, data: bytes, start: int) -> int:
        """Returns the position up to which to feed bytes to the parser next, so that no piece has bytes of two
        messages.

        Every head and every chunked body ends with an empty line, which may arrive in parts.
        """
        if self._remaining:
            return min(start + self._remaining, len(data))
        if self._tail:
            found = (self._tail + data[start : start + _END_LESS_ONE]).find(_END)
            if found >= 0:
                return start + found + len(_END) - len(self._tail)
        limit = start + PIECE
        found = data.find(_END, start, limit)
        return found + len(_END) if found >= 0 else min(limit, len(data))

    def _parse(self, piece: bytes, data: bytes, end: int) -> bool:
        """Feeds `piece`, which ends at the position `end` of the received bytes `data`, to the parser. Handles the
        parser's errors and upgrades. Returns whether to feed it the next piece.
        """
        is_body = self._remaining > 0
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._switch(data[end:])
            return False
        except httptools.HttpParserError:
            self._refuse(self._refusal)
            return False
        if not is_body and not self._is_short(piece):
            self._refuse(_HEAD_TOO_LARGE)
            return False
        return True

    def _is_short(self, piece: bytes) -> bool:
        """Returns whether a request's head is within HEAD_MAX, including the bytes that the parser may have
        buffered.
        """
        self._tail = b"" if piece.endswith(_END) else (self._tail + piece)[-_END_LESS_ONE:]
        self._silent += len(piece)
        return self._head_size + self._silent <= HEAD_MAX

    # --- httptools --------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase = _HEAD
        self._head_size = self._length = self._hosts = 0
        self._is_chunked = False
        self._silent = -PIECE

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head_size += len(url)
        self._silent = -PIECE
        if self._head_size > HEAD_MAX:
            self._refusal = _URI_TOO_LONG
            raise _HeadRefused

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + _FIELD_MARKS
        # The parser no longer holds what it has passed on; it does not say how much of this piece that was.
        self._silent = -PIECE
        if self._head_size > HEAD_MAX or len(self.headers) >= FIELDS_MAX:
            self._refusal = _HEAD_TOO_LARGE
            raise _HeadRefused
        if self._phase is not _HEAD:
            return  # a trailer field, which nothing here uses
        name = name.lower()
        if name in _HEEDED:
            self._heed(name, value)
        self.headers.append((name, value))

    def _heed(self, name: bytes, value: bytes) -> None:
        """Notes what a header field says about the request's body or its host."""
        if name == b"content-length":
            self._length = int(value)
        elif name == b"transfer-encoding":
            self._is_chunked = True
        elif name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True

    def on_headers_complete(self) -> None:
        self._check_head()
        self._upgrades = self.parser.should_upgrade() and self._should_upgrade()
        self._declines = self.parser.should_upgrade() and not self._upgrades and self.parser.get_method() != b"CONNECT"
        if self._declines:
            return  # the parser ends the message here, but its body is still to come
        self.connection_limits.mark_busy(self)
        self._phase = _BODY
        self._silent = -PIECE
        self._remaining = self._length
        if self._upgrades:
            return
        self.scope["server"] = self._own_address()
        super().on_headers_complete()
        if self._length or self._is_chunked:
            self._begin_body()

    def _check_head(self) -> None:
        """Raises `_HeadRefused`, which becomes a 400, for a request with several Host fields, or with none in HTTP/1.1
        (RFC 9112, section 3.2), and for one of another version of HTTP than 1.0 and 1.1.
        """
        version = self.parser.get_http_version()
        if self._hosts != 1 and (self._hosts or version != "1.0"):
            raise _HeadRefused
        if version not in _VERSIONS:
            raise _HeadRefused

    def _own_address(self) -> tuple[str, int | None] | None:
        if self.server is None:
            self.server = get_local_addr(self.transport)
        return self.server

    def _begin_body(self) -> None:
        cycle = self.cycle
        cycle.transport = _CycleTransport(self)
        self._withholds = cycle.keep_alive and self._has_long_rest()
        if self._withholds:
            cycle.keep_alive = False

    def _has_long_rest(self) -> bool:
        """Returns whether the rest of a request's body, which the application may leave unread, may be longer than
        UNWANTED_MAX. Such a body is not read to its end, so the connection closes after the response.
        """
        return self._is_chunked or self._remaining > UNWANTED_MAX

    def _restore_keep_alive(self) -> None:
        """Keeps the connection open after this request, since the rest of its body turned out to be short. Does nothing
        if the response has started and announced that it closes the connection.
        """
        if not self.cycle.response_started:
            self._withholds = False
            self.cycle.keep_alive = True

    def on_body(self, body: bytes) -> None:
        self._silent = -PIECE
        if self._remaining:
            self._remaining -= len(body)
        if self._upgrades:
            return
        cycle = self.cycle
        if cycle.response_complete:
            return
        if self._withholds and not self._has_long_rest():
            self._restore_keep_alive()
        self._deadline += len(body) / BODY_RATE
        if not cycle.body:  # otherwise the event is set: the application takes the body when it clears it
            cycle.message_event.set()
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        self._remaining = 0
        if self._upgrades or self._declines:
            return
        if self.cycle.response_complete:
            self._phase = _WAITING
            self.connection_limits.mark_idle(self)
            return
        if self._withholds:
            self._restore_keep_alive()
        self._phase = _SERVING
        self.cycle.more_body = False
        self.cycle.message_event.set()

    # --- ends -------------------------------------------------------------------------------------------------------

    def _switch(self, rest: bytes) -> None:
        """Handles a request to upgrade, or a CONNECT request, after its head; `rest` has the bytes behind the head.
        Passes the connection, for an upgrade to a WebSocket, to a new WebSocket protocol with the head and `rest`.
        Ignores an upgrade to another protocol. After the response to CONNECT, the connection closes.
        """
        if self._declines:
            self._decline(rest)
            return
        if not self._upgrades:
            # A CONNECT request, which is refused: the bytes behind it are not HTTP.
            self.cycle.keep_alive = False
            self._arm()
            return
        self.flow.release()  # type: ignore[attr-defined]
        if isinstance(self.app, _Sparing):
            self.transport.write(_REFUSALS[Verdict.DESCRIPTORS_GONE].answer())
            self._close()
            return
        self._forget()
        self.connections.discard(self)
        parser, self.parser = self.parser, None  # type: ignore[assignment]  # it refers to this object
        assert self.ws_protocol_class is not None
        make: Callable[..., Any] = self.ws_protocol_class
        websocket = make(config=self.config, server_state=self.server_state, app_state=self.app_state)
        method = parser.get_method().decode("ascii")
        request = UpgradeRequest(method, self.url, self.headers, self.client[0] if self.client else "")
        websocket.connection_made(self.transport)
        websocket.receive_request(request, rest)
        self.transport.set_protocol(websocket)
        if self.flow.write_paused:
            # The transport reports a full buffer only once, and has reported it to this object. In the next turn its
            # protocol is the one to which the WebSocket may have passed the connection.
            self.loop.call_soon(_pause_writing, self.transport)

    def _decline(self, rest: bytes) -> None:
        """Ignores a request's offer to upgrade to another protocol than WebSocket, such as h2c: parses the request
        again without the offer, and then the bytes behind its head.
        """
        parser, self.parser = self.parser, _parser_for(self)
        fields = [field for field in self.headers if field[0] != b"upgrade"]
        self._tail = b""
        self._read(encode_head(parser.get_method(), self.url, parser.get_http_version(), fields) + rest)

    def _refuse(self, refusal: HttpRefusal) -> None:
        """Sends an error response instead of the application's, and ends the connection. If the application's response
        has started already, aborts the connection.
        """
        cycle = self._current
        unanswered = cycle is None or cycle.response_complete or not cycle.response_started
        if unanswered:
            self.transport.write(refusal.answer())
        self._leave(refusal.reason)
        if not unanswered:
            self.transport.abort()

    def _leave(self, reason: str) -> None:
        self.connection_limits.count(reason)
        self._linger()

    def _linger(self) -> None:
        """Ends the connection once the client has read its output, or after REFUSAL_LINGER_S seconds.

        Closing it while the client is still sending would reset the connection, and the client would lose the output
        that it has not read.
        """
        self.connection_limits.mark_busy(self)
        self._phase = self._armed = HttpPhase.LEAVING
        self._dropped = 0
        self._held = b""
        cycle = self._current
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.release()  # type: ignore[attr-defined]
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._set_deadline(REFUSAL_LINGER_S)

    def _close(self) -> None:
        """Closes the connection after its output is sent. Call it only while no request is being served."""
        self.connection_limits.mark_busy(self)
        self.transport.close()
        self._await_end()

    def _await_end(self) -> None:
        """Sets the time limit within which the client must read the remaining output of a transport that is closing."""
        self._phase = HttpPhase.CLOSING
        self._deadline = inf
        if self.transport.get_write_buffer_size():
            self._await_reader()

    def _forget(self) -> None:
        self._deadline = self._read_deadline = inf
        if self._is_known:
            self._is_known = False
            self.connection_limits.wheel.forget(self)
            self.connection_limits.closed(self)


def _parser_for(protocol: HttpProtocol) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
    return parser


def _unacknowledged(transport: Any) -> int:  # noqa: ANN401 (uvloop's is no subclass of asyncio's)
    """Returns how many bytes of output the client's machine has not acknowledged, in the transport's buffer and the
    kernel's.

    The transport's own buffer alone drains in steps of almost a megabyte, for which a slow reader may take a minute.
    """
    unsent: int = transport.get_write_buffer_size()
    try:
        queued = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, _NO_COUNT)
    except OSError:
        return unsent  # this operating system does not support the query
    return unsent + int.from_bytes(queued, sys.byteorder)


class _Sparing:
    """An ASGI application for a connection that is accepted while file descriptors are scarce: passes health checks and
    requests for metrics on to the real application, and responds to all others with 503.
    """

    def __init__(self, app: Any) -> None:  # noqa: ANN401 (ASGI)
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        app = self._app if scope["path"].endswith(SERVED_WHILE_SCARCE) else service_unavailable
        await app(scope, receive, send)


def _pause_writing(transport: Any) -> None:  # noqa: ANN401 (uvloop's is no subclass of asyncio's)
    transport.get_protocol().pause_writing()


def _sparing(app: Any) -> Any:  # noqa: ANN401 (ASGI)
    return _Sparing(app)


def http_class(connection_limits: ConnectionLimits) -> type[HttpProtocol]:
    """Returns the protocol class for uvicorn's option `http=`, which applies these connection limits."""
    return type("TalkwireHttp", (HttpProtocol,), {"connection_limits": connection_limits})
