"""Forwards clients' requests for a session of another node to its owner, the node that opened the session.

A poll is sent to the owner as a whole request; a WebSocket is tunneled. If the owner is dead or does not know the
session, the client gets the same "unknown session" error that the owner would send, and opens a new session.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import NamedTuple, Protocol, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from talkwire.core.domain.nodes.peer import Peer
from talkwire.realtime.forwarding.peer_auth import HEADER, REFUSED, ForwardedHead, PeerAuth
from talkwire.realtime.forwarding.peer_http import (
    CONFIRMATION,
    CONNECT_S,
    PeerConnectionBroken,
    PeerHttp,
    PeerResponse,
    place_of,
)
from talkwire.realtime.forwarding.session_owners import SessionOwners, node_of
from talkwire.realtime.forwarding.tunnel import OwnerEnd, Tunnel
from talkwire.realtime.metrics import RealtimeMetrics

_HEADER = HEADER.encode()
_REFUSED = tuple(REFUSED.split(b": "))

ONE_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
        *(b"content-length", b"date", b"expect", b"server", _HEADER),
    }
)
"""Headers that apply to one connection only, or that each server writes by itself."""


class Upgrade(NamedTuple):
    """A client's request to upgrade to a WebSocket, to forward. `request` has the parts that are sealed; `head` is the
    bytes of the whole request and those that the client has sent behind it; `unknown` is the HTTP response for a
    session whose node is not found.
    """

    engine_sid: str
    request: ForwardedHead
    head: bytes
    unknown: bytes


class OpenConnections(Protocol):
    """The interface of a set of open connections that the server closes at shutdown (uvicorn's
    `server_state.connections`).
    """

    def add(self, item: Tunnel, /) -> None: ...
    def discard(self, item: Tunnel, /) -> None: ...


class Forwarder:
    """Forwards polls and WebSockets from this node, whose id is `node_id`, to the owners of their sessions."""

    def __init__(self, owners: SessionOwners, link: PeerAuth, node_id: str, metrics: RealtimeMetrics) -> None:
        self._owners = owners
        self._link = link
        self._node_id = node_id
        self._metrics = metrics
        self._pool = PeerHttp()
        self._tunnels: set[Tunnel] = set()
        self._joining: set[asyncio.Task[None]] = set()
        self._relayed: dict[ClientConnection, str] = {}

    @property
    def tunnels(self) -> list[Tunnel]:
        return list(self._tunnels)

    def is_for_another(self, engine_sid: str) -> bool:
        """Returns whether a session id names another node than this one as the session's owner. Does not check whether
        that node is alive.
        """
        return node_of(engine_sid) not in {None, self._node_id}

    def drop(self, node_ids: Iterable[str]) -> None:
        """Closes forwarded polls and WebSockets to the nodes `node_ids`, whose leases have expired, so that their
        clients open new sessions at once.
        """
        gone = frozenset(node_ids)
        self._pool.drop(gone)
        for tunnel in self.tunnels:
            if tunnel.node_id in gone:
                tunnel.close()
        for websocket in [websocket for websocket, node_id in self._relayed.items() if node_id in gone]:
            websocket.transport.abort()

    def close(self) -> None:
        """Closes all forwarded polls and WebSockets because this node stops: its clients reconnect to another node."""
        self._pool.close()
        for tunnel in self.tunnels:
            tunnel.close()
        for websocket in list(self._relayed):
            websocket.transport.abort()

    # --- polls ------------------------------------------------------------------------------------------------------

    async def poll(
        self, engine_sid: str, request: ForwardedHead, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> PeerResponse:
        """Forwards a polling request to the session's owner and returns the response. The caller then calls the
        response's `confirm` if its client has received it, else its `drop`.

        Cancelling this call aborts the poll at the owner too. Raises PeerConnectionBroken if the owner is unreachable
        or refuses the request.
        """
        peer = await self._owners.find(engine_sid)
        try:
            answer = None if peer is None else await self._ask(peer, request, headers, body)
        except PeerConnectionBroken:
            answer = None
        if answer is not None and _REFUSED in answer.headers:
            answer.drop()
            answer = None
        if answer is None:
            self._metrics.broken_links += 1
            raise PeerConnectionBroken
        self._metrics.forwarded_polls += 1
        return answer._replace(headers=[each for each in answer.headers if each[0] not in ONE_HOP])

    async def _ask(
        self, peer: Peer, request: ForwardedHead, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> PeerResponse:
        confirmation = CONFIRMATION if request.method == "GET" else b""
        size = len(body) + len(confirmation)
        head = _head_of_poll(request, headers, size, self._link.seal(request, peer.node_id))
        return await self._pool.ask(peer, head + body, confirmation)

    # --- WebSockets -------------------------------------------------------------------------------------------------

    def open_tunnel(self, transport: asyncio.Transport, upgrade: Upgrade, open_: OpenConnections) -> Tunnel:
        """Forwards a client's WebSocket: takes over its transport, connects to the session's owner in the background,
        and returns the tunnel between both. If that fails, writes `upgrade.unknown` to the client and closes the
        tunnel.

        The caller makes the returned tunnel's `client` the protocol of the transport. `open_` contains the tunnel until
        it closes.
        """

        def closed(tunnel: Tunnel) -> None:
            self._tunnels.discard(tunnel)
            open_.discard(tunnel)

        tunnel = Tunnel(transport, node_of(upgrade.engine_sid) or "", closed)
        self._tunnels.add(tunnel)
        open_.add(tunnel)
        # Stops reading until the owner has responded. What the client sends meanwhile waits in the kernel.
        tunnel.client.set_reading(False)
        joining = asyncio.ensure_future(self._join(tunnel, upgrade))
        self._joining.add(joining)
        joining.add_done_callback(self._joining.discard)
        return tunnel

    @contextlib.asynccontextmanager
    async def connect(self, engine_sid: str, target: str, address: str) -> AsyncIterator[ClientConnection]:
        """A context manager that opens a WebSocket to the session's owner and yields it, to forward messages (not raw
        bytes). `target` is the path and query to request, `address` the client's address, which the owner then takes
        for the session's.

        The caller has checked the page's origin. Raises PeerConnectionBroken if the owner is unknown or unreachable.
        """
        peer = await self._owners.find(engine_sid)
        if peer is None:
            self._metrics.broken_links += 1
            raise PeerConnectionBroken
        sealed = ForwardedHead("GET", target, address or "-", peer.address or "", "")
        websocket = connect(
            f"ws://{peer.address}{target}",
            additional_headers={HEADER: self._link.seal(sealed, peer.node_id)},
            user_agent_header=None,
            compression=None,
            ping_interval=None,
            open_timeout=CONNECT_S,
            close_timeout=CONNECT_S,
            max_size=None,
            proxy=None,
        )
        try:
            opened = await websocket
        except (OSError, TimeoutError, WebSocketException) as error:
            self._metrics.broken_links += 1
            raise PeerConnectionBroken from error
        self._metrics.forwarded_websockets += 1
        self._relayed[opened] = peer.node_id
        try:
            yield opened
        finally:
            del self._relayed[opened]
            await opened.close()

    async def _join(self, tunnel: Tunnel, upgrade: Upgrade) -> None:
        def refuse() -> None:
            self._metrics.broken_links += 1
            if tunnel.client.transport is not None:
                tunnel.client.transport.write(upgrade.unknown)
            tunnel.close()

        def is_for_client(answer: bytes) -> bool:
            if REFUSED not in answer:
                return True
            refuse()
            return False

        try:
            peer = await self._owners.find(upgrade.engine_sid)
            if peer is None:
                refuse()
                return
            async with asyncio.timeout(CONNECT_S):
                transport, owner = await asyncio.get_running_loop().create_connection(
                    lambda: OwnerEnd(tunnel, is_for_client), *place_of(peer.address or "")
                )
        except (OSError, ValueError):
            refuse()
            return
        if tunnel.client.transport is None or tunnel.client.transport.is_closing():
            transport.abort()
            return
        self._metrics.forwarded_websockets += 1
        transport.write(_sealed_head(upgrade.head, self._link.seal(upgrade.request, peer.node_id)))
        tunnel.join(owner)


def target_of(scope: Mapping[str, object]) -> str:
    """Returns the path and query of an ASGI request, percent-encoded as the client sent them."""
    path, query = cast("bytes", scope["raw_path"]), cast("bytes", scope["query_string"])
    return f"{path.decode('latin-1')}?{query.decode('latin-1')}"


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Returns those of a client's headers that are forwarded, each as a line `name: value` without its end. Leaves out
    headers for a single hop (ONE_HOP), and adds an empty Host, which HTTP/1.1 requires, if there is none.
    """
    kept = [name + b": " + value for name, value in headers if name not in ONE_HOP]
    return kept if any(line.startswith(b"host:") for line in kept) else [b"host: ", *kept]


def _head_of_poll(request: ForwardedHead, headers: Iterable[tuple[bytes, bytes]], size: int, seal: str) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
    lines += header_lines(headers)
    return b"\r\n".join([*lines, b"content-length: %d" % size, _HEADER + b": " + seal.encode("latin-1"), b"", b""])


def _sealed_head(head: bytes, seal: str) -> bytes:
    """Returns the bytes `head`, an upgrade request and everything that the client has sent behind it, with the header
    of the seal added. The seal proves to the other node that this node forwards the request.

    `head` has header names in lower case; a seal that the client sent itself is removed.
    """
    head, _, rest = head.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.startswith(_HEADER + b":")]
    return b"\r\n".join([*kept, _HEADER + b": " + seal.encode("latin-1"), b"", rest])
