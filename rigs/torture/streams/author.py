"""An author in a process of its own, which can be killed and stopped: `python -m rigs.torture.streams.author JOB`.

It writes a `Draft` by socket: opens the stream, appends always with `at`, repeats what was not acknowledged, and
finishes. After a lost connection it goes to the next node, and repeats its last append or opens the stream again.
Each answer is one line of JSON on its standard output.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import socketio

from rigs.torture.clients.client_socket import Json, Unanswered
from rigs.torture.streams.draft import Draft

_PAUSE_S = 0.1
_REPEATS_ONE_IN = 25
"""One in this many appends is sent a second time, as if its answer was lost."""


@dataclass(frozen=True)
class Job:
    """What an author does.

    `rate` is its appends a second on average, 0 for as many as are answered. After a lost connection it opens the
    stream again with the probability `reopens`, else it repeats its last append. An author that `is_heir` adds its
    whole draft to the text that it finds. One that `gives_up` ends when another attempt has superseded it.
    """

    urls: list[str]
    token: str
    conversation_id: str
    seed: int
    appends: int
    rate: float
    client_message_id: str = "answer"
    lease_s: int | None = None
    answers_within_s: float = 5.0
    reopens: float = 0.5
    is_heir: bool = False
    gives_up: bool = False
    finishes: bool = True


class _Connection:
    """A socket of python-socketio's client whose calls end with the connection."""

    def __init__(self, answers_within_s: float) -> None:
        self._answers_within_s = answers_within_s
        self._client: Any = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self._ended = asyncio.Event()
        self._client.on("disconnect", lambda *_: self._ended.set())

    async def open(self, url: str, token: str) -> None:
        try:
            async with asyncio.timeout(self._answers_within_s * 2):
                await self._client.connect(
                    url, transports=["websocket"], auth={"token": token}, wait_timeout=self._answers_within_s
                )
        except (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Unanswered(str(error)) from None

    async def call(self, event: str, payload: Json) -> Json:
        """Returns the acknowledgement. Raises Unanswered."""
        call = asyncio.ensure_future(self._client.call(event, payload, timeout=self._answers_within_s))
        ended = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait({call, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not call.done():
            call.cancel()
            raise Unanswered("the connection ended")
        try:
            answer: Json = call.result()
        except (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError) as error:
            raise Unanswered(str(error)) from None
        return answer

    async def close(self) -> None:
        with suppress(Exception):
            async with asyncio.timeout(1):
                await self._client.disconnect()


class Author:
    """Writes one draft. `process` is the number of this process among those that write it."""

    def __init__(self, job: Job, process: int) -> None:
        self._job = job
        self._draft = Draft(job.seed, job.appends)
        self._chance = random.Random(job.seed * 1000 + process)
        self._process = process
        self._connection = _Connection(job.answers_within_s)
        self._stream: Json | None = None
        """The message's id and the attempt, as each write names them; None if the stream is to be opened."""
        self._lost = 0
        """How many streams were deleted, since nothing of them was stored when their lease ended."""
        self._base = 0
        self._at = 0
        self._began = time.monotonic()

    async def write(self) -> None:
        """Writes by one connection after the other until the draft is written."""
        turn = self._process
        while True:
            self._connection = _Connection(self._job.answers_within_s)
            try:
                await self._connection.open(self._job.urls[turn % len(self._job.urls)], self._job.token)
                while await self._step():
                    pass
            except Unanswered:
                if self._chance.random() < self._job.reopens:
                    self._stream = None
                await asyncio.sleep(_PAUSE_S)
            else:
                return
            finally:
                await self._connection.close()
            turn += 1

    async def _step(self) -> bool:
        """Does what is next. Returns whether there is more."""
        if self._stream is None:
            return await self._open()
        if self._at < self._draft.length:
            return await self._append(self._stream)
        return self._job.finishes and await self._finish(self._stream)

    async def _open(self) -> bool:
        client_message_id = f"{self._job.client_message_id}{f'-{self._lost}' if self._lost else ''}"
        payload: Json = {"conversationId": self._job.conversation_id, "clientMessageId": client_message_id}
        if self._job.lease_s is not None:
            payload["leaseS"] = self._job.lease_s
        answer = await self._connection.call("message:stream", payload)
        if not answer["success"]:
            return await self._refused(answer["error"])
        message = answer["message"]
        if "attempt" not in answer:
            if message.get("state") == "done":
                return self._ended(message)
            _print({"lost": message["id"]})
            self._lost += 1
            return True
        self._stream = {"messageId": message["id"], "attempt": answer["attempt"]}
        length = answer["parts"][0]["length"] if answer["parts"] else 0
        self._base, self._at = (length, 0) if self._job.is_heir else (0, length)
        _print({"opened": self._stream, "length": length, "process": self._process})
        return True

    async def _append(self, stream: Json) -> bool:
        at = self._at
        if at and self._chance.randrange(_REPEATS_ONE_IN) == 0:
            at = self._draft.before(at)
        payload = {**stream, "part": 0, "text": self._draft.piece(at), "at": self._base + at}
        answer = await self._connection.call("message:append", payload)
        if not answer["success"]:
            return await self._refused(answer["error"])
        self._at = answer["length"] - self._base
        _print({**stream, "length": answer["length"], "stored": answer["stored"]})
        if self._job.rate:
            await asyncio.sleep(self._chance.uniform(0, 2 / self._job.rate))
        return True

    async def _finish(self, stream: Json) -> bool:
        answer = await self._connection.call("message:finish", stream)
        return self._ended(answer["message"]) if answer["success"] else await self._refused(answer["error"])

    async def _refused(self, error: Json) -> bool:
        """Continues where the server says, or opens the stream again. Returns whether there is more to do."""
        _print({"refused": error})
        details = error.get("details") or {}
        if details.get("reason") == "superseded" and self._job.gives_up:
            return False
        if "length" in details:
            self._at = details["length"] - self._base
        elif error["code"] != "unavailable":
            self._stream = None
        await asyncio.sleep(_PAUSE_S)
        return True

    def _ended(self, message: Json) -> bool:
        _print({"finished": message, "elapsedS": time.monotonic() - self._began})
        return False


def _print(line: Json) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(Author(Job(**json.loads(sys.argv[1])), int(sys.argv[2])).write())
