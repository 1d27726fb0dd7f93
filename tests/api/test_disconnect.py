"""A request that reads ends when its client disconnects before the response."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talkwire.api.http import disconnect
from talkwire.api.http.disconnect import EndAbandonedReads
from tests.waiting import deadline, pause


class Client:
    """A client that sends a request without a body, and then disconnects when told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.left = asyncio.Event()
        self._has_sent = False

    async def receive(self) -> dict[str, object]:
        if not self._has_sent:
            self._has_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message["type"])


class Work:
    """An application that responds once it may. `outcome` says how it ended."""

    def __init__(self, *, starts_first: bool = False) -> None:
        self.may_end = asyncio.Event()
        self.begun = asyncio.Event()
        self.outcome = ""
        self._starts_first = starts_first

    async def __call__(self, _scope: object, _receive: object, send: Any) -> None:  # noqa: ANN401 (ASGI)
        try:
            if self._starts_first:
                await send({"type": "http.response.start"})
            self.begun.set()
            await self.may_end.wait()
            await send({"type": "http.response.body"})
            self.outcome = "done"
        except asyncio.CancelledError:
            self.outcome = "cancelled"
            raise


@pytest.fixture(autouse=True)
def watched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnect, "WATCH_AFTER_S", 0)


async def outcome_of(work: Work, client: Client, method: str, *, leaves: bool) -> str:
    serving = asyncio.ensure_future(EndAbandonedReads(work)({"method": method}, client.receive, client.send))
    async with deadline():
        await work.begun.wait()
        if leaves:
            client.left.set()
            await pause(0.02)
        work.may_end.set()
        await serving
    assert len(asyncio.all_tasks()) == 1
    return work.outcome


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_read_is_cancelled_when_its_client_leaves(method: str) -> None:
    client = Client()
    assert await outcome_of(Work(), client, method, leaves=True) == "cancelled"
    assert client.sent == []
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_change_is_carried_out_although_its_client_leaves(method: str) -> None:
    assert await outcome_of(Work(), Client(), method, leaves=True) == "done"


async def test_a_read_is_answered_while_its_client_stays() -> None:
    client = Client()
    assert await outcome_of(Work(), client, "GET", leaves=False) == "done"
    assert client.sent == ["http.response.body"]


async def test_a_response_that_has_started_is_not_cancelled() -> None:
    """It notices by itself that its client has gone."""
    assert await outcome_of(Work(starts_first=True), Client(), "GET", leaves=True) == "done"


async def test_another_cancellation_reaches_the_caller() -> None:
    work, client = Work(), Client()
    serving = asyncio.ensure_future(EndAbandonedReads(work)({"method": "GET"}, client.receive, client.send))
    await work.begun.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert work.outcome == "cancelled"
