"""What the process above the workers does while the system lets it start no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from talkwire.cli.workers import supervisor as module
from talkwire.cli.workers.channel import Ready
from talkwire.cli.workers.supervisor import Workers
from talkwire.settings import Settings
from tests.waiting import DEADLINE_S, deadline, until


class Started:
    """A worker that serves until it ends."""

    failed = None

    def __init__(self) -> None:
        self.ready = False
        self.over = asyncio.Event()

    def begin(self, settings: Settings) -> None:
        pass

    async def requests(self) -> AsyncIterator[Ready]:
        yield Ready()
        await self.over.wait()

    async def ended(self) -> int:
        return -9

    def stop(self) -> None:
        self.over.set()

    def kill(self) -> None:
        self.over.set()


class System:
    """Of which no process is to be had a few times."""

    def __init__(self) -> None:
        self.workers: list[Started] = []
        self.refusals = 0
        self.refused = 0

    async def start(self, number: int, port: int) -> Started:
        if self.refusals:
            self.refusals -= 1
            self.refused += 1
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.workers.append(Started())
        return self.workers[-1]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    system = System()
    monkeypatch.setattr(module.Worker, "start", system.start)
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    return system


def settings() -> Settings:
    return cast("Settings", type("Two", (), {"workers": 2, "drain_window_s": 0.0}))


async def test_a_worker_that_cannot_be_started_again_at_once_is_started_later(system: System) -> None:
    serving = asyncio.Event()
    workers = Workers(settings(), 1, serving.set)
    running = asyncio.create_task(workers.run())
    async with deadline():
        await serving.wait()
    system.refusals = 3
    system.workers[1].over.set()
    await until(lambda: len(system.workers) == 3)
    assert system.refused == 3
    assert not system.workers[0].over.is_set(), "the other has served all the time"
    workers._over.set()
    await asyncio.wait_for(running, DEADLINE_S)


async def test_a_server_whose_workers_cannot_start_reports_it(system: System) -> None:
    system.refusals = 1
    with pytest.raises(BlockingIOError):
        await asyncio.wait_for(Workers(settings(), 1, lambda: None).run(), DEADLINE_S)
