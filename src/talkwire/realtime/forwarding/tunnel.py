"""Tunnels: a client's WebSocket on this node whose session is on another node. Bytes are forwarded unchanged in both
directions.

A tunnel has two ends, each the protocol of one transport; bytes that arrive at one end are written to the other. If one
side does not read, the tunnel stops reading from the other, so it holds little more than the bytes of one read. When
one side closes, the tunnel closes the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

TUNNEL_LINGER_S = 5.0
"""Seconds that one side may take to read the remaining bytes after the other has closed."""


class TunnelEnd(asyncio.Protocol):
    """One end of a tunnel (a forwarded WebSocket), towards the client or the session's owner. Bytes that arrive at it
    are written to the end `other`.
    """

    __slots__ = ("_ended", "_tunnel", "other", "transport")

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport | None = None) -> None:
        self.transport = transport
        self.other: TunnelEnd | None = None
        self._tunnel = tunnel
        self._ended = False

    # --- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of asyncio's

    def data_received(self, data: bytes) -> None:
        other = self.other
        if other is not None and other.transport is not None:
            other.transport.write(data)

    def eof_received(self) -> bool:
        """Forwards the end of input to the other end, whose side may still have bytes to send. Returns False, so that
        asyncio closes the transport, if the other end is missing or has ended too.
        """
        other, self._ended = self.other, True
        if other is None or other.transport is None or other._ended:
            return False
        if other.transport.can_write_eof():
            other.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        self.transport = None
        self._tunnel.close()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.set_reading(False)

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.set_reading(True)

    # --- for the tunnel ----------------------------------------------------------------------------------------------

    def set_reading(self, reading: bool) -> None:  # noqa: FBT001
        transport = self.transport
        if transport is None or transport.is_closing() or transport.is_reading() is reading:
            return
        if reading:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def close(self) -> None:
        """Closes this end after its queued bytes are written, which may take at most TUNNEL_LINGER_S seconds."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.close()
            asyncio.get_running_loop().call_later(TUNNEL_LINGER_S, self._abort)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class OwnerEnd(TunnelEnd):
    """The end of a tunnel (a forwarded WebSocket) towards the node that owns the session. `on_answer` is called once,
    with the first bytes from that node, and returns False if they must not be forwarded to the client, since the node
    refused the request.
    """

    __slots__ = ("_on_answer",)

    def __init__(self, tunnel: Tunnel, on_answer: Callable[[bytes], bool]) -> None:
        super().__init__(tunnel)
        self._on_answer: Callable[[bytes], bool] | None = on_answer

    def data_received(self, data: bytes) -> None:
        on_answer, self._on_answer = self._on_answer, None
        if on_answer is None or on_answer(data):
            super().data_received(data)


class Tunnel:
    """Both ends of one WebSocket that is forwarded to another node. Calls `on_close` once when it closes."""

    __slots__ = ("_on_close", "client", "node_id", "owner")

    def __init__(self, transport: asyncio.Transport, node_id: str, on_close: Callable[[Tunnel], None]) -> None:
        self.client = TunnelEnd(self, transport)
        self.owner: TunnelEnd | None = None
        self.node_id = node_id
        self._on_close: Callable[[Tunnel], None] | None = on_close

    def join(self, owner: TunnelEnd) -> None:
        """Connects the client's end with the owner's, so that bytes flow in both directions from now on."""
        self.owner = owner
        owner.other, self.client.other = self.client, owner
        self.client.set_reading(True)

    def close(self) -> None:
        """Closes both ends. The client treats this as a network failure and reconnects at once."""
        on_close, self._on_close = self._on_close, None
        if on_close is None:
            return
        on_close(self)
        self.client.close()
        if self.owner is not None:
            self.owner.close()

    close_gracefully = close
    shutdown = close
    """The method `close`, by the name that uvicorn calls at shutdown."""
