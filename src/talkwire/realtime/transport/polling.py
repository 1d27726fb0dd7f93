"""Long polling, Engine.IO v4's transport over plain HTTP requests, as an ASGI application.

GET waits for the session's output, POST sends input, OPTIONS asks whether a page of another origin may send either.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from talkwire.asgi import wait_for_disconnect
from talkwire.identity.address import came_over_tls, client_address, is_forwarded, joined
from talkwire.identity.origins import preflight_headers
from talkwire.realtime.engine.connection import Connection, Handshake
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.forwarding.forwarder import target_of
from talkwire.realtime.forwarding.peer_auth import ForwardedHead
from talkwire.realtime.forwarding.peer_http import PeerConnectionBroken, PeerResponse
from talkwire.wire import EngineRequest, HandshakeRefused, PayloadTooLarge, RefusalCode, Transport, read_query

Scope = Mapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CONFIRM_S = 5.0
"""Seconds that a forwarding node may take to deliver a response to its client."""

COMPRESS_FROM = 1024
"""Fewest bytes of a response that is compressed for clients that accept gzip, as in Socket.IO's Node server."""

FIRST_BODY_MAX = 65_536
"""Largest body from a client that has joined no namespace, in bytes: a few packets of the size allowed by then."""

_TEXT = "text/plain; charset=UTF-8"
_BINARY = "application/octet-stream"
_BAD_REQUEST = b'{"code":3,"message":"Bad request"}'

_logger = structlog.get_logger(__name__)


class _Aborted(Exception):
    """The client disconnected in the middle of its request."""


class PollingApp:
    """An ASGI application that serves the polling requests for the sessions of one `EngineServer`.

    Forwards requests for other nodes' sessions to these nodes. With `for_nodes`, it serves the requests that other
    nodes forward instead, and forwards none: those nodes confirm that they have delivered the responses of polls.
    """

    def __init__(self, server: EngineServer, *, for_nodes: bool = False) -> None:
        self._server = server
        self._for_nodes = for_nodes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._server.is_fenced()
        request = _Request(scope, receive, send, self._server)
        if request.method == "OPTIONS":
            request.log_refused_origin()
            asked = request.headers.get("access-control-request-headers")
            await request.answer(204, headers=preflight_headers("GET,POST", asked))
            return
        try:
            is_poll = request.method in {"GET", "POST"}
            if is_poll and not self._for_nodes and self._server.is_for_another(request.engine_sid):
                await self._forward(request)
            else:
                await self._serve(request)
        except HandshakeRefused as refusal:
            self._server.note_refusal(refusal, request.query)
            await request.answer(refusal.status, refusal.body(), "application/json")

    async def _serve(self, request: _Request) -> None:
        server = self._server
        if request.method not in {"GET", "POST"} and request.query.get("sid"):
            await request.answer(400, _BAD_REQUEST, "application/json")
            return
        admission = server.admit(
            EngineRequest(request.method, request.query, request.headers.get("origin")),
            request.headers.get("host", ""),
            request.address,
            over_tls=request.over_tls,
        )
        if admission.engine_sid is None:
            await self._get(request, server.open(Transport.POLLING, request.handshake()))
            return
        connection = server.find(admission.engine_sid)
        assert connection is not None, "admitted, so it is known"
        if request.method == "POST":
            await self._post(request, connection)
        else:
            await self._get(request, connection)

    async def _forward(self, request: _Request) -> None:
        """Forwards a polling request to the node that owns its session, and sends the client that node's response.
        Raises HandshakeRefused if that node is unreachable.

        If the client disconnects while it waits for the response, aborts the forwarded request, so that the owner
        notices. If the client disconnects in the middle of a POST's body, forwards nothing: its pending poll ends too,
        by which the owner notices.
        """
        forwarder = self._server.forwarder
        assert forwarder is not None
        try:
            body = await request.raw_body(self._server.options.max_payload) if request.method == "POST" else b""
        except PayloadTooLarge as error:
            await request.answer(error.status)
            return
        except _Aborted:
            return
        poll = asyncio.ensure_future(
            forwarder.poll(request.engine_sid, request.forwarded_head(), request.raw_headers, body)
        )
        gone = asyncio.ensure_future(request.gone())
        try:
            await asyncio.wait((poll, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            client_is_gone = gone.done()
            gone.cancel()
            poll.cancel()
        if not poll.done():
            return
        try:
            answer = poll.result()
        except PeerConnectionBroken:
            raise HandshakeRefused.of(RefusalCode.UNKNOWN_SESSION) from None
        if client_is_gone:
            answer.drop()
            return
        await request.send_forwarded(answer)
        # The response is written at the end of this turn of the loop; confirm it after that.
        asyncio.get_running_loop().call_soon(answer.confirm)

    async def _get(self, request: _Request, connection: Connection) -> None:
        unconfirmed = self._server.unconfirmed.get(request.engine_sid)
        if unconfirmed is not None:
            # A proxy repeats a request whose connection broke, so this may be the same poll again.
            await asyncio.wait([unconfirmed])
        poll = connection.poll(self._server.now())
        if poll is None:
            await request.answer(400, _BAD_REQUEST, "application/json")
            return
        if not poll.done():
            gone = asyncio.ensure_future(request.gone())
            try:
                await asyncio.wait((poll, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                if not poll.done():
                    connection.poll_aborted(self._server.now())
            if not poll.done():
                return
        if self._for_nodes:
            await self._answer_through(request, connection, poll.result())
        else:
            await self._answer_poll(request, connection, poll.result())

    async def _answer_poll(self, request: _Request, connection: Connection, body: str) -> None:
        try:
            await request.answer(200, body.encode(), _TEXT)
        except RuntimeError as error:
            # uvloop raises this for a closed transport: the client has disconnected and the response's packets are
            # lost.
            _logger.debug("poll_unanswered", error=str(error))
            now = self._server.now()
            connection.handle(connection.session.transport_closed(Transport.POLLING, now), now)

    async def _answer_through(self, request: _Request, connection: Connection, body: str) -> None:
        """Sends the response `body` of a poll to the node that forwarded the poll, and waits for its confirmation that
        the client received it.

        Without a confirmation within CONFIRM_S seconds, closes the session so that the client reconnects: the protocol
        has no other way to show the client that it has missed something.
        """
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._server.unconfirmed[request.engine_sid] = outcome
        confirmed = False
        try:
            async with asyncio.timeout(CONFIRM_S):
                confirmed = await request.answer_and_confirm(body.encode())
        except TimeoutError:
            await request.end_answer()
        finally:
            if not confirmed:
                now = self._server.now()
                connection.handle(connection.session.transport_closed(Transport.POLLING, now, "transport error"), now)
            del self._server.unconfirmed[request.engine_sid]
            outcome.set_result(confirmed)

    async def _post(self, request: _Request, connection: Connection) -> None:
        if not connection.post_started(self._server.now()):
            await request.answer(400, _BAD_REQUEST, "application/json")
            return
        try:
            await self._take(request, connection)
        finally:
            connection.session.post_ended()

    async def _take(self, request: _Request, connection: Connection) -> None:
        if request.headers.get("content-type") == _BINARY:
            # Revision 4 has no binary bodies: binary data travels as base64 in text.
            connection.handle(
                connection.session.transport_closed(Transport.POLLING, self._server.now(), "transport error"),
                self._server.now(),
            )
            await request.answer(400, _BAD_REQUEST, "application/json")
            return
        try:
            body = await request.body(self._body_max(connection))
        except PayloadTooLarge as error:
            await request.answer(error.status)
            return
        except _Aborted:
            connection.handle(connection.session.post_aborted(self._server.now()), self._server.now())
            return
        self._server.is_fenced()  # time has passed while the body arrived
        # The response is delayed until there is room for more: polling clients get backpressure like those with a
        # WebSocket.
        await connection.receive_payload(body, self._server.now())
        await request.answer(200, b"ok", "text/html")

    def _body_max(self, connection: Connection) -> int:
        max_payload = self._server.options.max_payload
        return max_payload if connection.message_max == max_payload else min(FIRST_BODY_MAX, max_payload)


class _Request:
    """One HTTP request of a client that uses long polling."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, server: EngineServer) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._server = server
        self.method: str = scope["method"]
        self.query = read_query(scope["query_string"].decode("latin-1"))
        self.raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.headers = joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in self.raw_headers)

    @property
    def engine_sid(self) -> str:
        """The session's id from the query; empty if the request opens a session."""
        return self.query.get("sid", "")

    @property
    def peer(self) -> str:
        """The address at the other end of the TCP connection, which may be a proxy's; empty if it is unknown."""
        client = self._scope.get("client")
        return client[0] if client else ""

    @property
    def address(self) -> str:
        """The client's address. Behind a trusted proxy, it is taken from the proxy's header."""
        return client_address(self.peer, self.headers.get("x-forwarded-for"), self._server.trusted_proxies)

    @property
    def over_tls(self) -> bool:
        """Returns whether the client's connection used TLS, to this server or to a trusted proxy."""
        forwarded_proto = self.headers.get("x-forwarded-proto")
        return came_over_tls(
            self._scope.get("scheme", "http"), self.peer, forwarded_proto, self._server.trusted_proxies
        )

    def handshake(self) -> Handshake:
        return Handshake(
            address=self.address,
            query=self.query,
            authorization=self.headers.get("authorization"),
            forwarded=is_forwarded(self.headers),
            cookie=self._server.kept_cookie(self.headers),
        )

    def forwarded_head(self) -> ForwardedHead:
        """Returns the parts of the request that the seal covers when the request is forwarded to another node."""
        return ForwardedHead.of(self.method, target_of(self._scope), self.address, self.headers)

    async def body(self, limit: int) -> str:
        """Reads the request's body as text. Raises PayloadTooLarge for more than `limit` bytes, and _Aborted if the
        client disconnects before its end.
        """
        # Text that is not UTF-8 becomes a packet that every parser refuses.
        return (await self.raw_body(limit)).decode("utf-8", "replace")

    async def raw_body(self, limit: int) -> bytes:
        """Reads the request's body. Raises PayloadTooLarge for more than `limit` bytes, and _Aborted if the client
        disconnects before its end.
        """
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:  # Suspends: the server returns each part of a body once, when it arrives.
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _Aborted
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise PayloadTooLarge("a request body is larger than the limit")
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)

    async def gone(self) -> None:
        """Waits until the client has disconnected."""
        await wait_for_disconnect(self._receive)

    async def answer_and_confirm(self, body: bytes) -> bool:
        """Sends the response to a poll that another node forwarded, and waits until that node has confirmed the
        delivery to its client (True) or has disconnected (False).
        """
        await self.answer(200, body, _TEXT, ends=False)
        message = await self._receive()
        # A request without a confirmation in its body ends before the response.
        # Suspends: the server returns each part of a body once, when it arrives.
        while message["type"] == "http.request" and not message.get("body"):
            message = await self._receive()
        await self.end_answer()
        return bool(message["type"] == "http.request")

    async def end_answer(self) -> None:
        """Ends a response whose body was sent but left open by `answer_and_confirm`, after waiting for the confirmation
        was given up.
        """
        await self._send({"type": "http.response.body", "body": b""})

    async def answer(
        self,
        status: int,
        body: bytes = b"",
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        ends: bool = True,
    ) -> None:
        fields = {"cache-control": "no-store", **self._cors_headers(), **(headers or {})}
        if content_type is not None:
            fields["content-type"] = content_type
        if len(body) >= COMPRESS_FROM and "gzip" in self.headers.get("accept-encoding", ""):
            body = await asyncio.to_thread(gzip.compress, body, 1)
            fields["content-encoding"] = "gzip"
        fields["content-length"] = str(len(body))
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})
        await self._send({"type": "http.response.body", "body": body, "more_body": not ends})

    async def send_forwarded(self, answer: PeerResponse) -> None:
        """Sends the client another node's response unchanged, including that node's CORS headers."""
        length = (b"content-length", str(len(answer.body)).encode())
        await self._send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]})
        await self._send({"type": "http.response.body", "body": answer.body})

    def log_refused_origin(self) -> None:
        """Logs a browser's preflight request if its origin is not allowed, since the browser then sends no other
        request that could be logged.
        """
        if not self._is_origin_allowed():
            self._server.origins.log_refusal(self.headers.get("origin"), self.headers.get("host", ""), self.address)

    def _cors_headers(self) -> dict[str, str]:
        return self._server.origins.response_headers(self.headers.get("origin")) if self._is_origin_allowed() else {}

    def _is_origin_allowed(self) -> bool:
        headers = self.headers
        return self._server.origins.allows(headers.get("origin"), headers.get("host", ""), over_tls=self.over_tls)
