"""Clients that connect at the same time are accepted together."""

from __future__ import annotations

import asyncio
import socket

import uvloop

from talkwire.realtime.serving.server import ACCEPTS_A_TURN
from tests.realtime.conftest import RecordingServer
from tests.realtime.wires import served
from tests.waiting import deadline


def test_one_turn_accepts_several_connections() -> None:
    # Like a server: asyncio's own loop accepts all that wait.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        turns = runner.run(_turns_until_accepted(4 * ACCEPTS_A_TURN))
    assert turns < 2 * ACCEPTS_A_TURN


async def _turns_until_accepted(count: int) -> int:
    engine = RecordingServer()
    async with served(engine) as port:
        # The kernel completes these connections before the event loop's next turn.
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        turns = 0
        async with deadline():
            while engine.metrics.http_connections < count:
                await asyncio.sleep(0)
                turns += 1
        for each in waiting:
            each.close()
    return turns
