"""An HTTP client for requests to other nodes: keeps connections open, and sends one request at a time over each.

It exists because a general HTTP client takes longer for one poll than the rest of the work of forwarding it
(docs/nodes.md has figures).

A GET announces a body of one byte, `CONFIRMATION`, which is sent once the response was passed to the client. Only then
may the session's owner count the response's packets as delivered; if the connection ends without that byte, they count
as lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple, cast

import httptools

from talkwire.core.domain.nodes.peer import Peer

CONNECT_S = 2.0
"""Seconds that a node may take to accept a connection: nodes are close to each other."""

CONNECTION_IDLE_S = 30.0
"""Seconds for which an unused connection is kept. The other side keeps it for longer (LINK_LIMITS in
`serving/server.py`).
"""


CONFIRMATION = b"1"
"""Body by which a node confirms that it has passed a response to its client."""


class PeerConnectionBroken(Exception):
    """The other node is unreachable, or the connection broke before the response was complete."""


class PeerResponse(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    """Header names and values; the names are in lower case."""
    body: bytes
    confirm: Callable[[], None]
    """Call this once the response was passed to the client; otherwise call `drop`."""
    drop: Callable[[], None]


def place_of(address: str) -> tuple[str, int]:
    """Splits an address such as `10.0.0.1:4000` or `[::1]:4000` into host (without brackets) and port. Raises
    ValueError if the port is missing or no number.
    """
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class _Connection(asyncio.Protocol):
    def __init__(self, pool: PeerHttp, address: str) -> None:
        self.address = address
        self.idle_since = 0.0
        self.transport: asyncio.Transport | None = None
        self._pool = pool
        self._answer: asyncio.Future[PeerResponse] | None = None
        self._confirmation = b""
        self._begin()

    def ask(self, request: bytes, confirmation: bytes) -> asyncio.Future[PeerResponse]:
        """Sends `request`. The rest of its body, the bytes `confirmation`, is sent only when the response's `confirm`
        is called. Returns a future with the response, or with the exception PeerConnectionBroken.
        """
        self._confirmation = confirmation
        answer = self._answer = asyncio.get_running_loop().create_future()
        if self.transport is None:
            answer.set_exception(PeerConnectionBroken)
        else:
            self.transport.write(request)
        return answer

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # --- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        self.transport = None
        self._pool.lost(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(PeerConnectionBroken)

    # --- httptools --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        confirm = partial(self._confirm, keep=self._parser.should_keep_alive())
        status = self._parser.get_status_code()
        answer = PeerResponse(status, self._headers, b"".join(self._body), confirm, self.abort)
        self._begin()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)
        else:
            self.abort()

    def _confirm(self, *, keep: bool) -> None:
        if self.transport is None:
            return
        self.transport.write(self._confirmation)
        if keep:
            self._pool.put_back(self)
        else:
            self.transport.close()


class PeerHttp:
    """A pool of HTTP connections to the other nodes, by address."""

    def __init__(self) -> None:
        self._idle: dict[str, list[_Connection]] = {}
        self._busy: dict[_Connection, str] = {}

    async def ask(self, peer: Peer, request: bytes, confirmation: bytes = b"") -> PeerResponse:
        """Sends a request to another node and returns the response. The caller must then call the response's `confirm`,
        which sends the bytes `confirmation` and keeps the connection for reuse, or its `drop`, which closes the
        connection.

        Cancelling this call closes the connection, so that the other node notices it. Raises PeerConnectionBroken.
        """
        connection = self._take_idle(peer.address or "") or await self._connect(peer)
        self._busy[connection] = peer.node_id
        try:
            return await connection.ask(request, confirmation)
        except asyncio.CancelledError:
            connection.abort()
            raise
        finally:
            self._busy.pop(connection, None)

    def drop(self, node_ids: Iterable[str]) -> None:
        """Aborts the running requests to the nodes `node_ids`, which are dead. They raise PeerConnectionBroken."""
        gone = frozenset(node_ids)
        for connection in [connection for connection, node_id in self._busy.items() if node_id in gone]:
            connection.abort()

    def close(self) -> None:
        for connection in [*self._busy, *(each for some in self._idle.values() for each in some)]:
            connection.abort()

    def put_back(self, connection: _Connection) -> None:
        now = connection.idle_since = asyncio.get_running_loop().time()
        idle = self._idle.setdefault(connection.address, [])
        idle.append(connection)
        # The newest is reused first, so the oldest is the one to close.
        if idle[0].idle_since < now - CONNECTION_IDLE_S:
            idle.pop(0).abort()

    def lost(self, connection: _Connection) -> None:
        idle = self._idle.get(connection.address, [])
        if connection in idle:
            idle.remove(connection)
        if not idle:
            self._idle.pop(connection.address, None)

    def _take_idle(self, address: str) -> _Connection | None:
        idle = self._idle.get(address)
        while idle:
            connection = idle.pop()
            if connection.idle_since > asyncio.get_running_loop().time() - CONNECTION_IDLE_S:
                return connection
            connection.abort()
        return None

    async def _connect(self, peer: Peer) -> _Connection:
        address = peer.address or ""
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: _Connection(self, address), *place_of(address)
                )
        except (OSError, ValueError) as error:
            raise PeerConnectionBroken from error
        return connection
