"""Sockets of the official JavaScript client: one Node process drives all of one version (`driver.mjs`)."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from rigs.torture.clients.client_socket import Json, Listener, Transports, Unanswered

SCRIPT = Path(__file__).with_name("driver.mjs")
ENDS_WITHIN_S = 10.0
LINE_MAX = 4 * 1024 * 1024


class Driver:
    """One Node process. `failed` is the end of its error output if it ended by itself."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._sockets: dict[str, JavascriptSocket] = {}
        self._next_call = 0
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._reading = asyncio.create_task(self._read())

    def socket(self, id_: str, url: str, transports: Transports, auth: Json) -> JavascriptSocket:
        """One that is not open yet. `url` has the namespace as its path."""
        socket = self._sockets[id_] = JavascriptSocket(self, id_, {"url": url, "transports": transports, "auth": auth})
        return socket

    def order(self, **what: Any) -> None:  # noqa: ANN401 (JSON)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")

    async def call(self, id_: str, event: str, payload: Json, timeout_s: float) -> Json:
        self._next_call += 1
        future = self._answers[self._next_call] = asyncio.get_running_loop().create_future()
        self.order(
            do="emit", id=id_, call=self._next_call, event=event, payload=payload, timeoutMs=round(timeout_s * 1000)
        )
        answer: Json = await future
        return answer

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._take(json.loads(line))
        for future in self._answers.values():
            if not future.done():
                future.set_exception(Unanswered("the Node process has ended"))

    def _take(self, report: Json) -> None:
        match report["what"]:
            case "answer":
                self._settle(report["call"], report["answer"])
            case "silence":
                self._settle(report["call"], None)
            case what:
                socket = self._sockets.get(report["id"])
                if socket is not None:
                    socket.take(what, report)

    def _settle(self, call: int, answer: Json | None) -> None:
        future = self._answers.pop(call)
        if not future.done():
            if answer is None:
                future.set_exception(Unanswered("no answer in time, or not connected"))
            else:
                future.set_result(answer)


class JavascriptSocket:
    """Implements `Socket`."""

    def __init__(self, driver: Driver, id_: str, options: Json) -> None:
        self.connected = False
        self._driver = driver
        self._id = id_
        self._options = options
        self._listener: Listener | None = None
        self._closed = asyncio.Event()

    async def open(self, listener: Listener) -> None:
        self._listener = listener
        self._driver.order(do="open", id=self._id, **self._options)

    async def call(self, event: str, payload: Json, timeout_s: float) -> Json:
        return await self._driver.call(self._id, event, payload, timeout_s)

    def drop(self) -> None:
        self._driver.order(do="drop", id=self._id)

    async def close(self) -> None:
        self._driver.order(do="close", id=self._id)
        await self._closed.wait()

    def take(self, what: str, report: Json) -> None:
        assert self._listener is not None
        match what:
            case "connect":
                self.connected = True
                self._listener.connected(report["socketId"], report["recovered"])
            case "disconnect":
                self.connected = False
                self._listener.disconnected(report["reason"])
            case "event":
                self._listener.received(report["name"], report["args"])
            case "closed":
                self._closed.set()


@asynccontextmanager
async def running_driver(library: str, errors: IO[bytes]) -> AsyncIterator[Driver]:
    """`library` is a folder of tests/clients/node_modules."""
    node = shutil.which("node")
    assert node is not None, "the campaign runs the official JavaScript client and needs node (20 or later)"
    process = await asyncio.create_subprocess_exec(
        node, str(SCRIPT), library, stdin=PIPE, stdout=PIPE, stderr=errors, limit=LINE_MAX
    )
    driver = Driver(process)
    try:
        yield driver
    finally:
        await driver.close()
