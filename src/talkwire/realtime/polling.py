"""Long polling: the other transport of Engine.IO v4, as an ASGI application over the same sessions.

GET waits for output, POST brings input, OPTIONS asks whether another origin's page may do either.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from talkwire.identity.address import client_address, is_forwarded, joined
from talkwire.realtime.connection import Connection, Handshake
from talkwire.realtime.engine_server import EngineServer
from talkwire.wire import EngineRequest, HandshakeRefused, PayloadTooLarge, Transport

Scope = Mapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

COMPRESS_FROM = 1024
"""Answers of this many bytes are compressed for who asks, as Node does."""

_TEXT = "text/plain; charset=UTF-8"
_BINARY = "application/octet-stream"
_BAD_REQUEST = b'{"code":3,"message":"Bad request"}'


class _Aborted(Exception):
    """The client went away in the middle of its request."""


class PollingApp:
    """Serves one `EngineServer`'s path."""

    def __init__(self, server: EngineServer) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _Request(scope, receive, send, self._server)
        if request.method == "OPTIONS":
            await request.answer(204, headers=_preflight_headers(request))
            return
        try:
            await self._serve(request)
        except HandshakeRefused as refusal:
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

    async def _get(self, request: _Request, connection: Connection) -> None:
        poll = asyncio.ensure_future(connection.poll(self._server.now()))
        gone = asyncio.ensure_future(request.gone())
        try:
            await asyncio.wait((poll, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not poll.done():
                poll.cancel()
                connection.poll_aborted(self._server.now())
        if poll.cancelled() or not poll.done():
            return
        body = poll.result()
        if body is None:
            await request.answer(400, _BAD_REQUEST, "application/json")
        else:
            await request.answer(200, body.encode(), _TEXT)

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
            # Revision 4 has no binary bodies: binary travels as base64 in text.
            connection.handle(
                connection.session.transport_closed(Transport.POLLING, self._server.now(), "transport error"),
                self._server.now(),
            )
            await request.answer(400, _BAD_REQUEST, "application/json")
            return
        try:
            body = await request.body(self._server.options.max_payload)
        except PayloadTooLarge as error:
            await request.answer(error.status)
            return
        except _Aborted:
            connection.handle(connection.session.post_aborted(self._server.now()), self._server.now())
            return
        connection.receive_payload(body, self._server.now())
        # Answered once there is room again: so a client that polls is held back like one with a WebSocket.
        await connection.lane.room()
        await request.answer(200, b"ok", "text/html")


class _Request:
    """One HTTP request, as the transport needs it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, server: EngineServer) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._server = server
        self.method: str = scope["method"]
        self.query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        self.headers = joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])

    @property
    def address(self) -> str:
        """Where the request comes from, by what proxies that are trusted say."""
        client = self._scope.get("client")
        peer = client[0] if client else ""
        return client_address(peer, self.headers.get("x-forwarded-for"), self._server.trusted_proxies)

    def handshake(self) -> Handshake:
        return Handshake(
            address=self.address,
            query=self.query,
            authorization=self.headers.get("authorization"),
            forwarded=is_forwarded(self.headers),
        )

    async def body(self, limit: int) -> str:
        """The body as text. Raises PayloadTooLarge, _Aborted."""
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _Aborted
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise PayloadTooLarge("a request body over the limit")
            chunks.append(chunk)
            more = message.get("more_body", False)
        # Text that is not UTF-8 becomes a packet that no parser takes.
        return b"".join(chunks).decode("utf-8", "replace")

    async def gone(self) -> None:
        """Returns when the client has gone away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(
        self, status: int, body: bytes = b"", content_type: str | None = None, headers: Mapping[str, str] | None = None
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
        await self._send({"type": "http.response.body", "body": body})

    def _cors_headers(self) -> dict[str, str]:
        origin = self.headers.get("origin")
        if not self._server.origins.allows(origin, self.headers.get("host", "")):
            return {}
        return self._server.origins.response_headers(origin)


def _preflight_headers(request: _Request) -> dict[str, str]:
    asked = request.headers.get("access-control-request-headers")
    headers = {"access-control-allow-methods": "GET,POST", "access-control-max-age": "600"}
    return headers | ({} if asked is None else {"access-control-allow-headers": asked})
