"""The limits on what a single input may cost, and how the cost is measured.

A row of the tables beside this module is an input of adjustable size, up to the largest that the server accepts or
somewhat more. It is sent in a quarter, half and all of that size. Each time, no turn of the event loop may take more
than `TURN_S` of processor time, another client must be answered within `LATENCY_S`, and twice the size may cost at most
about twice as much. The server may also refuse an input for its size, as long as refusing is cheap.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from rigs.hostile.connections import (
    CLOSE,
    PING,
    PONG,
    Address,
    Answer,
    ConnectionEnded,
    ConnectionRefused,
    HttpConnection,
    RawWebSocket,
    frame,
    open_session,
    text_frame,
)
from rigs.hostile.scene import COMMON, WITNESS, Scene, set_up
from rigs.hostile.target import Measured, Target, running_target
from rigs.hostile.trial import LATENCY_S
from rigs.hostile.witness import Witness, watching

TURN_S = 0.05

_SHARES = (4, 2, 1)
_LINEAR = 2 * 1.3
_FREE_S = 0.06
"""Twice the size may cost so many times as much, and so much more: measurements of a busy machine are not exact, and
the witness costs a little too."""

_ATTEMPTS = 3
_IDLE_STEPS = 30
_QUIET = 1.5
"""The server is at rest when it uses at most so many times what it uses for the witness alone."""

_STEP_S = 0.1
_SETTLES_WITHIN_S = 60.0
_WITNESS_INTERVAL_S = 0.1
_OVER_S = 90.0


class Attacker:
    """What a row sends with."""

    def __init__(self, scene: Scene, address: Address) -> None:
        self.scene = scene
        self.address = address
        self.host = f"{address[0]}:{address[1]}"

    def head(self, method: str, target: str, by: str | None = None, *lines: str) -> bytes:
        """A request's head without its last line."""
        authorization = [] if by is None else [f"Authorization: Bearer {self.scene.tokens[by]}"]
        return (
            "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {self.host}", *authorization, *lines]) + "\r\n"
        ).encode()

    async def send(self, data: bytes) -> Answer | None:
        """Returns the response to a request, or to bytes like one; None if the server has closed instead."""
        http = HttpConnection(self.address)
        try:
            return (await http.exchange([data]))[0]
        except (ConnectionEnded, OSError):
            return None
        finally:
            http.close()

    async def send_json(self, method: str, target: str, body: str, by: str | None = None) -> Answer | None:
        data = body.encode("utf-8", "surrogatepass")
        head = self.head(method, target, by, "Content-Type: application/json", f"Content-Length: {len(data)}")
        return await self.send(head + b"\r\n" + data)

    async def get(self, target: str, by: str | None = None, *lines: str) -> Answer | None:
        return await self.send(self.head("GET", target, by, *lines) + b"\r\n")

    async def session(self, by: str | None = None, namespace: str = "") -> RawWebSocket:
        connect = "" if by is None else f'0{namespace}{{"token":"{self.scene.tokens[by]}"}}'
        return await open_session(self.address, connect)

    async def send_frames(self, data: bytes, by: str | None = None) -> None:
        """Frames over a WebSocket, signed in or not; returns when they have been worked off, or are refused."""
        websocket = await self.session(by)
        reading = asyncio.create_task(_until_marked(websocket))
        try:
            websocket.send(data)
            websocket.send(frame(PING, b"mark"))
            with suppress(OSError):
                await websocket.drain()
            async with asyncio.timeout(_OVER_S):
                await reading
        finally:
            reading.cancel()
            await websocket.closed()

    async def send_packet(self, packet: str, by: str | None = None) -> None:
        await self.send_frames(text_frame(packet), by)


async def _until_marked(websocket: RawWebSocket) -> None:
    with suppress(ConnectionEnded):
        while (received := await websocket.receive()) != (PONG, b"mark") and received[0] != CLOSE:
            pass


Send = Callable[[Attacker, int], Coroutine[None, None, object]]


@dataclass(frozen=True)
class Largest:
    """One kind of input. `size` is the largest amount, in units of that kind."""

    name: str
    size: int
    send: Send


def rows(table: list[Largest]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table, ids=[row.name.replace(" ", "-") for row in table])


class Budget:
    """A server, and an ordinary client beside the attacker."""

    def __init__(self, target: Target, attacker: Attacker, witness: Witness) -> None:
        self.attacker = attacker
        self._target = target
        self._witness = witness
        # Half of these moments are enough for what the server still has to do of setting up.
        idle_s = statistics.median(self._step() for _ in range(_IDLE_STEPS))
        self._quiet_s = idle_s * _QUIET

    def check(self, row: Largest) -> None:
        """Sends a kind of input in growing sizes. Raises AssertionError if one costs too much in every attempt: a
        garbage collection, or other work of the server, may disturb one measurement.
        """
        for _ in range(_ATTEMPTS - 1):
            with suppress(AssertionError):
                self._check_once(row)
                return
        self._check_once(row)

    def _check_once(self, row: Largest) -> None:
        before: tuple[int, float] | None = None
        for size in sorted({max(1, row.size // share) for share in _SHARES}):
            measured = self._measure(row, size)
            cost_s = measured.process_cpu_s
            assert measured.longest_turn_s <= TURN_S, (
                f"{row.name} x {size}: a turn of {measured.longest_turn_s * 1000:.0f} ms in\n{measured.where}"
            )
            seen = self._witness.seen()
            assert not seen.failures, f"{row.name} x {size}: {seen.failures}"
            assert seen.worst_s < LATENCY_S, f"{row.name} x {size}: another client waited, {seen}, {measured}"
            if before is not None:
                smaller, smaller_s = before
                allowed_s = _FREE_S + _LINEAR * smaller_s
                assert cost_s <= allowed_s, f"{row.name}: x {smaller} cost {smaller_s:.3f} s, x {size} {cost_s:.3f} s"
            before = size, cost_s

    def _measure(self, row: Largest, size: int) -> Measured:
        self._witness.seen()
        self._target.reset()
        with suppress(OSError, TimeoutError, ConnectionEnded, ConnectionRefused):
            asyncio.run(row.send(self.attacker, size))
        # The search index and other followers work on after the response.
        self.settle()
        return self._target.measured()

    def settle(self) -> None:
        """Waits until the server does nothing but serve the witness."""
        deadline = time.monotonic() + _SETTLES_WITHIN_S
        while time.monotonic() < deadline:
            if self._step() < self._quiet_s:
                return

    def _step(self) -> float:
        """Returns the server's processor time in a moment."""
        used_s = self._target.measured().process_cpu_s
        time.sleep(_STEP_S)
        return self._target.measured().process_cpu_s - used_s


@contextmanager
def budget_of(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Budget]:
    with running_target(folder, environment) as target:
        scene = set_up(target.server)
        token = scene.tokens[WITNESS]
        with watching(target.server.url, target.pid, COMMON[0], token, _WITNESS_INTERVAL_S) as witness:
            yield Budget(target, Attacker(scene, target.address), witness)
