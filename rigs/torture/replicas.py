"""Replicas of one back end: each follows the log with the same filter, by streams and long polls in turn.

They talk to one node while it answers, so that several of them wait for the same page there, and move to the next one
together when it does not.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import httpx

from rigs.torture.carrying_out import Stopping
from rigs.torture.history import History, Resumer, Synced
from rigs.torture.words import position_of
from tests.http_client import AsyncHttpClient

REPLICAS = 3
TYPES = "message:new,message:deleted"
PATH = "/api/v1/events"

POLL_S = 5
STREAM_S = 6.0
"""How long a replica streams, on average, before it polls."""
SILENT_S = 20.0
"""A stream sends a comment every 15 s."""
AGAIN_S = 0.5


class Replica:
    """One replica. `resumer` has the events that it received."""

    def __init__(self, name: str, history: History, stopping: Stopping, chance: random.Random) -> None:
        self.resumer = Resumer(name, "backend")
        history.replicas.append(self.resumer)
        self._history = history
        self._stopping = stopping
        self._chance = chance
        self._cursor = ""
        self._urls: Sequence[str] = ()
        self._http = AsyncHttpClient(timeout=SILENT_S)

    async def begin(self, urls: Sequence[str], token: str) -> None:
        """Takes the cursor from which this replica reads, from the first of the nodes at `urls`."""
        self._urls = list(urls)
        self._http.headers["authorization"] = f"Bearer {token}"
        self._cursor = (await self._page({}))["cursor"]
        self.resumer.first_pos = self.resumer.last_pos = position_of(self._cursor)[0]

    async def live(self) -> None:
        while self._stopping.acting:
            try:
                await self._stream(self._chance.expovariate(1 / STREAM_S))
                await self._poll(POLL_S)
            except (httpx.HTTPError, ValueError):
                await self._move()

    async def leave(self) -> None:
        """Reads to the end of the log."""
        async with aclosing(self._http), asyncio.timeout(SILENT_S * len(self._urls)):
            while True:
                try:
                    if not await self._poll(0):
                        return
                except (httpx.HTTPError, ValueError):
                    await self._move()

    async def _move(self) -> None:
        """Moves to the next node, after a pause."""
        self._urls = [*self._urls[1:], self._urls[0]]
        await asyncio.sleep(AGAIN_S)

    async def _stream(self, seconds: float) -> None:
        """Streams until the first line after this many seconds."""
        until = self._history.now() + seconds
        headers = {"accept": "text/event-stream", "last-event-id": self._cursor}
        params = {"types": TYPES}
        async with self._http.stream("GET", self._urls[0] + PATH, headers=headers, params=params) as response:
            self._must_be_ok(response.status_code)
            id_ = ""
            events: list[dict[str, Any]] = []
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    id_ = value
                elif name == "data":
                    events.append(json.loads(value))
                elif not line and id_:
                    self._take(events, id_)
                    id_, events = "", []
                if self._history.now() > until:
                    return

    async def _poll(self, wait_s: int) -> bool:
        page = await self._page({"after": self._cursor, "wait": wait_s})
        self._take(page["items"], page["cursor"])
        return bool(page["more"])

    async def _page(self, query: dict[str, str | int]) -> dict[str, Any]:
        response = await self._http.get(self._urls[0] + PATH, params={"types": TYPES, **query})
        self._must_be_ok(response.status_code)
        page: dict[str, Any] = response.json()
        self.resumer.pages += 1
        return page

    def _must_be_ok(self, status: int) -> None:
        if status != httpx.codes.OK:
            if status < httpx.codes.INTERNAL_SERVER_ERROR:
                self.resumer.refusals.append(f"status {status} after {self._cursor}")
            raise ValueError(f"status {status}")

    def _take(self, events: Sequence[dict[str, Any]], cursor: str) -> None:
        now = self._history.now()
        for event in events:
            data = event["data"]
            message_id = int(data["id"] if event["type"] == "message:new" else data["messageId"])
            self.resumer.synced.append(Synced(now, position_of(event["id"])[0], event["type"], message_id, payload={}))
        self._cursor = cursor
        self.resumer.last_pos = position_of(cursor)[0]
