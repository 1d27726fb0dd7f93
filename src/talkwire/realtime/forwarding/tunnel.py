"""A WebSocket of a client that came to this node and whose session is at another: bytes go both ways as they are.

Two ends, each the protocol of one transport. What comes in at one goes out at the other; an end whose peer does not
read has the other stop reading, so that hardly more than one read is held here. When one is gone, so is the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

LINGER_S = 5.0
"""How long one side may take to read what is left when the other is gone."""


class TunnelEnd(asyncio.Protocol):
    """One side of a splice; what comes in there is for `other`."""

    __slots__ = ("_ended", "_splice", "other", "transport")

    def __init__(self, splice: Tunnel, transport: asyncio.Transport | None = None) -> None:
        self.transport = transport
        self.other: TunnelEnd | None = None
        self._splice = splice
        self._ended = False

    # --- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        other = self.other
        if other is not None and other.transport is not None:
            other.transport.write(data)

    def eof_received(self) -> bool:
        """Says so on the other side, which may still have something to send."""
        other, self._ended = self.other, True
        if other is None or other.transport is None or other._ended:
            return False
        if other.transport.can_write_eof():
            other.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        self.transport = None
        self._splice.close()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.set_reading(False)

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.set_reading(True)

    # --- for the splice ---------------------------------------------------------------------------------------------

    def set_reading(self, reading: bool) -> None:  # noqa: FBT001
        transport = self.transport
        if transport is None or transport.is_closing() or transport.is_reading() is reading:
            return
        if reading:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def close(self) -> None:
        """What was taken for it is still written."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.close()
            asyncio.get_running_loop().call_later(LINGER_S, self._abort)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class OwnerEnd(TunnelEnd):
    """The side of the node that has the session. `on_answer` is shown the first that comes from there, and answers
    whether the client is to have it."""

    __slots__ = ("_on_answer",)

    def __init__(self, splice: Tunnel, on_answer: Callable[[bytes], bool]) -> None:
        super().__init__(splice)
        self._on_answer: Callable[[bytes], bool] | None = on_answer

    def data_received(self, data: bytes) -> None:
        on_answer, self._on_answer = self._on_answer, None
        if on_answer is None or on_answer(data):
            super().data_received(data)


class Tunnel:
    """Both ends of one WebSocket; `on_close` is called once, with it."""

    __slots__ = ("_on_close", "client", "node_id", "owner")

    def __init__(self, transport: asyncio.Transport, node_id: str, on_close: Callable[[Tunnel], None]) -> None:
        self.client = TunnelEnd(self, transport)
        self.owner: TunnelEnd | None = None
        self.node_id = node_id
        self._on_close: Callable[[Tunnel], None] | None = on_close

    def join(self, owner: TunnelEnd) -> None:
        """From now on bytes flow. The client's transport is to be given `client` as its protocol."""
        self.owner = owner
        owner.other, self.client.other = self.client, owner
        self.client.set_reading(True)

    def close(self) -> None:
        """Both ends. The client takes it for a network that broke, and comes back at once."""
        on_close, self._on_close = self._on_close, None
        if on_close is None:
            return
        on_close(self)
        self.client.close()
        if self.owner is not None:
            self.owner.close()

    end_in_order = close
    shutdown = close
    """As uvicorn calls it."""
