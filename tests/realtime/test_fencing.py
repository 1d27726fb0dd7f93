"""A node that other nodes may have declared dead, before it handles its input."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

import pytest

from talkwire.realtime.socketio.socket_server import Namespace
from tests.realtime.conftest import Connect, RecordingServer
from tests.realtime.frames import masked_text
from tests.realtime.test_polling import HOST, PATH, signed_in
from tests.realtime.wires import OPEN, UPGRADE
from tests.waiting import until


class Stopped:
    """A node that was stopped, as its lease sees it."""

    def __init__(self, engine: RecordingServer) -> None:
        self._engine = engine
        self.times = 0
        engine.on_lease_expired = self._expire

    def stop(self) -> None:
        self._engine.lease_deadline = -inf

    def go_on(self) -> None:
        self._engine.lease_deadline = inf
        self._engine.suspended = False

    def _expire(self) -> None:
        if not self._engine.suspended:
            self.times += 1
            self._engine.suspended = True
            self._engine.close_at_once("lease_lost")


@pytest.fixture
def stopped(engine: RecordingServer) -> Stopped:
    return Stopped(engine)


@pytest.fixture
def received(root: Namespace) -> list[Any]:
    received: list[Any] = []
    root.on("say")(lambda _, text: received.append(text))
    return received


async def test_no_frame_is_handled(
    connect: Connect, engine: RecordingServer, stopped: Stopped, received: list[Any]
) -> None:
    first, second = await (await connect()).open(OPEN), await (await connect()).open(OPEN)
    await first.sign_in()
    await second.sign_in()
    stopped.stop()
    await first.send(masked_text('42["say",1]'), masked_text('42["say",2]'))
    for wire in (first, second):
        assert await wire.close_code() == 1001
    await first.say('42["say",3]')
    assert (received, stopped.times, engine.connections) == ([], 1, [])


async def test_queued_frames_are_not_handled(
    connect: Connect, root: Namespace, stopped: Stopped, received: list[Any]
) -> None:
    may_end = asyncio.Event()
    begun = asyncio.Event()

    @root.on("wait")
    async def wait(*_: object) -> None:
        begun.set()
        await may_end.wait()

    wire, other = await (await connect()).open(OPEN), await (await connect()).open(OPEN)
    await wire.sign_in()
    await wire.say('42["wait"]', '42["say",1]')
    await begun.wait()
    stopped.stop()
    await other.say("40")
    assert await wire.close_code() == 1001
    may_end.set()
    await asyncio.sleep(0)
    assert received == []


async def test_no_body_of_a_poll_is_handled(
    connect: Connect, engine: RecordingServer, stopped: Stopped, received: list[Any]
) -> None:
    poller = await signed_in(await connect())
    stopped.stop()
    assert (await poller.post('42["say",1]'))[0] == 400
    assert (received, stopped.times, engine.connections) == ([], 1, [])


async def test_a_body_that_comes_to_its_end_meanwhile_is_not_handled(
    connect: Connect, engine: RecordingServer, stopped: Stopped, received: list[Any]
) -> None:
    poller = await signed_in(await connect())
    wire = await connect()
    wire.writer.write(f'POST {poller.target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n42["'.encode())
    await until(lambda: engine.connections[0].session._post_pending)
    stopped.stop()
    wire.writer.write(b'say",1]')
    await wire.answer()
    assert (received, stopped.times) == ([], 1)


async def test_a_pending_poll_receives_the_close(connect: Connect, engine: RecordingServer, stopped: Stopped) -> None:
    poller = await signed_in(await connect())
    await poller.wire.begin(poller.target, HOST)
    await until(lambda: engine.connections[0].session.poll_pending)
    stopped.stop()
    await (await connect()).request(PATH, HOST)
    assert (await poller.wire.answer())[2].endswith(b"1")


async def test_no_session_opens_until_the_fencing_has_ended(connect: Connect, stopped: Stopped) -> None:
    stopped.stop()
    refusal = b'{"code":4,"message":"Try again in a moment"}'
    assert (await (await connect()).request(PATH, HOST))[::2] == (503, refusal)
    assert (await (await connect()).request(OPEN, UPGRADE))[::2] == (503, refusal)
    stopped.go_on()
    await (await connect()).open(OPEN)
    assert stopped.times == 1
