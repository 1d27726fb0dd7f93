"""A reader of a stream: a socket that loads history and applies deltas, as the documentation of streams says."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from rigs.torture.clients.client_socket import Json
from rigs.torture.streams.draft import Draft, units_of

OVERHEAD_MAX_BYTES = 200
"""How much a delta may have beside its text."""

_PAUSE_S = 0.1


@dataclass
class Visit:
    """What one connection has received: deltas, and the states of `message:updated`."""

    deltas: list[Json] = field(default_factory=list)
    states: list[str] = field(default_factory=list)

    def text(self, message_id: str) -> str:
        """Returns the texts of a message's deltas, one after the other."""
        return "".join(each.get("text", "") for each in self.deltas if each["messageId"] == message_id)

    def replacements(self, message_id: str) -> int:
        """Returns how many deltas of a message had the whole part."""
        return sum(_is_whole(each) for each in self.deltas if each["messageId"] == message_id)


class Tab:
    """A tab of a user, which connects again when its connection ends. `violations` are sentences about what it has
    received and should not have.
    """

    def __init__(self, name: str, urls: Sequence[str], token: str, conversation_id: str, draft: Draft) -> None:
        self.name = name
        self._urls = urls
        self._token = token
        self._conversation_id = conversation_id
        self._draft = draft
        self._reload_after: Callable[[], int] = lambda: 10**9
        self._http = httpx.AsyncClient(timeout=5, trust_env=False)
        self._shown: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.messages: dict[str, Json] = {}
        """The newest version of each message, from history or events."""
        self.visits: list[Visit] = []
        self.violations: list[str] = []

    def reloading(self, seed: int) -> Tab:
        """Lets the tab reload by itself now and then, after some deltas. Returns the tab."""
        chance = random.Random(seed)
        self._reload_after = lambda: chance.randrange(5, 60)
        return self

    async def open(self) -> Tab:
        """Returns when the tab is connected."""
        self._running = asyncio.create_task(self._run())
        await self.wait_for(lambda: bool(self.visits))
        return self

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._http.aclose()

    async def until_ended(self, message_id: str) -> None:
        """Waits until the tab knows that a stream has ended for good."""
        await self.wait_for(lambda: self.messages.get(message_id, {}).get("state") == "done")

    async def wait_for(self, condition: Callable[[], bool], within_s: float = 120.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                assert self._running is not None
                if self._running.done():
                    self._running.result()
                self._changed.clear()
                await self._changed.wait()

    def shows(self, message_id: str) -> str:
        return self._shown.get(message_id, "")

    async def _run(self) -> None:
        turn = 0
        while True:
            with suppress(OSError, WebSocketException, InvalidHandshake, httpx.HTTPError, TimeoutError):
                await self._visit(self._urls[turn % len(self._urls)])
            turn += 1
            await asyncio.sleep(_PAUSE_S)

    async def _visit(self, url: str) -> None:
        """Stays connected until the connection ends or the tab reloads."""
        address = f"ws{url.removeprefix('http')}/socket.io/?{urlencode({'EIO': 4, 'transport': 'websocket'})}"
        async with connect(address, ping_interval=None, max_size=None, compression=None, proxy=None) as socket:
            await socket.send("40" + json.dumps({"token": self._token}))
            async with asyncio.timeout(10):
                while not (await _frame(socket)).startswith("40"):
                    pass
            await self._load(url)
            visit = Visit()
            self.visits.append(visit)
            self._changed.set()
            reload_after = self._reload_after()
            while len(visit.deltas) < reload_after:
                frame = await _frame(socket)
                if frame.startswith("42"):
                    self._receive(visit, frame)
                    self._changed.set()

    async def _load(self, url: str) -> None:
        headers = {"authorization": f"Bearer {self._token}"}
        path = f"/api/v1/conversations/{self._conversation_id}/messages"
        answer = await self._http.get(url + path, headers=headers)
        answer.raise_for_status()
        for message in answer.json()["items"]:
            self._show_whole(message)

    def _receive(self, visit: Visit, frame: str) -> None:
        event: str
        payload: Json
        event, payload = (*json.loads(frame[2:]), {})[:2]
        if payload.get("conversationId") != self._conversation_id:
            return
        if event == "message:new":
            self._show_whole(payload)
        elif event == "message:updated":
            visit.states.append(payload["state"])
            self._show_whole(payload)
        elif event == "message:delta":
            self._apply(visit, payload, len(frame.encode()))
            visit.deltas.append(payload)

    def _apply(self, visit: Visit, delta: Json, size: int) -> None:
        message_id, text = delta["messageId"], delta.get("text", "")
        overhead = size - len(json.dumps(text, ensure_ascii=False).encode())
        if overhead > OVERHEAD_MAX_BYTES:
            self._violates(f"a delta has {overhead} bytes beside its text: {delta}")
        if _is_whole(delta):
            self._show(message_id, text)
        elif visit.replacements(message_id) == 0:
            self._violates(f"the first delta of a visit is not the whole part: {delta}")
        elif delta["at"] != units_of(self.shows(message_id)):
            self._violates(f"{units_of(self.shows(message_id))} units are shown, and a delta is for {delta['at']}")
        else:
            self._show(message_id, self.shows(message_id) + text)

    def _show_whole(self, message: Json) -> None:
        if message.get("state") is None:
            return
        self.messages[message["id"]] = message
        if message["state"] != "streaming" or not self.shows(message["id"]):
            self._show(message["id"], message["content"])

    def _show(self, message_id: str, text: str) -> None:
        self._shown[message_id] = text
        if not self._draft.begins_with(text):
            self._violates(f"shows what nobody has written: {text[-80:]!r}")

    def _violates(self, what: str) -> None:
        self.violations.append(f"{self.name}: {what}")


def _is_whole(delta: Json) -> bool:
    """Returns whether a delta says what the only part is, whatever was there: a text, or none."""
    return bool(delta.get("replace")) or "text" not in delta


async def _frame(socket: ClientConnection) -> str:
    """Returns the next frame that is no ping."""
    while True:
        frame = await socket.recv()
        assert isinstance(frame, str)
        if frame != "2":
            return frame
        await socket.send("3")
